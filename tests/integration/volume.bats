# Volumes: made, filled, used, kept, removed; and nothing lost between those who do it at once.
# limit: 300

load lib

setup() {
	ctr_setup
	data=$BATS_TEST_TMPDIR/data
	CTR_FLAGS+=(--data-root "$data")
}

volumes() {
	ctr volume ls --quiet
}

@test "volume: create, ls, inspect, rm" {
	run ctr volume create --label a=b --label c v1
	assert_output v1
	run ctr volume create v1
	assert_failure 125
	assert_output --partial 'volume v1 already exists'
	ctr volume create w2
	run ctr volume ls
	assert_line --regexp '^DRIVER +VOLUME NAME$'
	assert_line --regexp '^local +v1$'
	run ctr volume ls -q --filter name=w
	assert_output w2
	run ctr volume ls -q --filter label=a=b
	assert_output v1
	run ctr volume ls -q --filter label=a=x
	assert_output ''
	run ctr volume ls --filter size=1
	assert_failure 125
	run ctr volume inspect v1
	jq -e '.[0] | .Name == "v1" and .Driver == "local" and .Labels == {a: "b", c: ""} and .Containers == []
		and (.Anonymous | not)' <<<"$output"
	run ctr volume inspect --format '{{.Mountpoint}}' v1
	assert_output "$data/volumes/v1/_data"
	assert_equal "$(stat -c %a "$data/volumes")" 700
	run ctr volume rm v1 w2
	assert_output "$(printf 'v1\nw2')"
	run ctr volume rm v1
	assert_failure 1
	assert_output --partial 'no such volume: v1'
	run ctr volume rm --force v1
	assert_success
	run ctr volume inspect v1
	assert_failure 125
	[ -z "$(ls -A "$data/volumes")" ]
	run ctr volume create
	assert_output --regexp '^[0-9a-f]{64}$'
	run ctr volume ls -q --filter dangling=true
	assert_output --regexp '^[0-9a-f]{64}$'
	assert_nothing_left
}

@test "volume: a name is a name" {
	local name
	for name in a/b .. . -x _x 'a b' "$(printf 'x%.0s' {1..129})" $'a\nb' ''; do
		run ctr volume create -- "$name"
		assert_failure 125
		run ctr volume rm --force -- "$name"
		assert_failure 125
	done
	run ctr run --rm --volume 'a%b:/x' busybox -- true
	assert_failure 125
	assert_output --partial "can't be the name of a volume"
	[ -z "$(ls -A "$data/volumes")" ]
	assert_nothing_left
}

@test "volume: what a container writes is there for the next one" {
	ctr run --rm --volume v1:/data busybox -- sh -c 'echo kept >/data/f'
	run ctr run --rm --volume v1:/elsewhere:ro busybox -- sh -c 'cat /elsewhere/f; echo x >/elsewhere/g'
	assert_failure 1
	assert_line kept
	assert_line --partial 'Read-only file system'
	run ctr run --rm --mount type=volume,src=v1,dst=/d,readonly busybox -- cat /d/f
	assert_output kept
	assert_equal "$(volumes)" v1
	ctr volume rm v1
	run ctr run --dry-run --volume v1:/data busybox -- true
	assert_failure 125
	assert_output --partial 'a dry run makes no volumes'
	assert_equal "$(volumes)" ''
	assert_nothing_left
}

@test "volume: one in use stays, and by whom is said" {
	ctr create --name c1 --volume v1:/data busybox -- sleep 1000
	run ctr volume rm v1
	assert_failure 2
	assert_output --partial 'volume v1 is being used by the following container(s): c1'
	run ctr volume ls -q --filter dangling=true
	assert_output ''
	run ctr volume inspect --format '{{json .Containers}}' v1
	assert_output '["c1"]'
	run ctr volume prune --all --force
	assert_output ''
	ctr start c1
	ctr exec c1 sh -c 'echo x >/data/f'
	ctr rm --force c1
	run ctr volume prune --force
	assert_output ''
	run ctr volume prune --all <<<n
	assert_equal "$(volumes)" v1
	run ctr volume prune --all <<<y
	assert_line --partial v1
	assert_equal "$(volumes)" ''
	assert_nothing_left
}

@test "volume: a new one gets what the root has there, with owners and modes; only the first time" {
	make_bundle "$BATS_TEST_TMPDIR/b"
	local root=$BATS_TEST_TMPDIR/b/rootfs
	mkdir -p "$root/srv/data/sub"
	echo image >"$root/srv/data/sub/f"
	chown -R 33:44 "$root/srv/data"
	chmod 2750 "$root/srv/data"
	chmod 4711 "$root/srv/data/sub/f"
	run ctr run --rm --rootfs "$root" --volume v1:/srv/data -- sh -c 'stat -c "%u:%g %a" /srv/data /srv/data/sub/f; cat /srv/data/sub/f; rm -r /srv/data/sub; echo new >/srv/data/new'
	assert_output "$(printf '33:44 2750\n33:44 4711\nimage')"
	run ctr run --rm --rootfs "$root" --overlay --volume v1:/srv/data -- ls /srv/data
	assert_output new
	run ctr run --rm --rootfs "$root" --volume v2:/srv/data:nocopy -- ls /srv/data
	assert_output ''
	run ctr run --rm --rootfs "$root" --mount type=volume,src=v3,dst=/srv/data,volume-nocopy -- ls /srv/data
	assert_output ''
	run ctr run --rm --volume v4:/etc busybox -- sh -c 'cat /etc/passwd; stat -c %a /etc'
	assert_line --partial root:x:0:0
	# The source host is put together of the machine's own: nothing of that is copied.
	run ctr run --rm --volume v5:/root host -- ls -A /root
	assert_output ''
	# A link in the root leads to what the root has there, not to the host's.
	ln -s /etc "$root/link"
	run ctr run --rm --rootfs "$root" --volume v6:/link -- ls /link
	assert_line passwd
	refute_line shadow
	assert_nothing_left
}

@test "volume: in a user namespace it belongs to the container's root" {
	local ids=(--uidmap 0:100000:65536 --gidmap 0:100000:65536)
	run ctr run --rm "${ids[@]}" --volume v1:/etc --volume v2:/fresh busybox -- sh -c 'stat -c %u:%g /etc /etc/passwd /fresh; echo x >/fresh/f && echo y >>/etc/passwd'
	assert_success
	assert_output "$(printf '0:0\n0:0\n0:0')"
	assert_equal "$(stat -c %u:%g "$data/volumes/v1/_data/passwd")" 100000:100000
	assert_equal "$(stat -c %u:%g "$data/volumes/v2/_data/f")" 100000:100000
	ctr volume rm v1 v2
	assert_nothing_left
}

@test "volume: anonymous ones go with --rm and rm --volumes, others stay" {
	run ctr run --rm --volume /data --volume kept:/kept busybox -- sh -c 'echo x >/data/f; cat /data/f'
	assert_output x
	assert_equal "$(volumes)" kept
	ctr create --name c1 --volume /data --volume kept:/kept busybox -- true
	ctr rm --force c1
	assert_equal "$(volumes | wc -l)" 2
	run ctr volume prune --force
	assert_output --regexp '^[0-9a-f]{64}$'
	ctr create --name c1 --mount type=volume,dst=/data --volume kept:/kept busybox -- true
	ctr rm --force --volumes c1
	assert_equal "$(volumes)" kept
	# A container that never came to be leaves none.
	run ctr run --volume /data busybox -- nosuchprogram
	assert_failure 127
	run ctr run --volume /data --rootfs /proc/nothere -- true
	assert_failure 125
	assert_equal "$(volumes)" kept
	assert_nothing_left
}

@test "volume: two that fill one at once: one does, both see all of it" {
	local i j pids
	make_bundle "$BATS_TEST_TMPDIR/b"
	mkdir "$BATS_TEST_TMPDIR/b/rootfs/many"
	for ((i = 0; i < 300; i++)); do echo "$i" >"$BATS_TEST_TMPDIR/b/rootfs/many/$i"; done
	for ((j = 0; j < 5; j++)); do
		pids=()
		for i in 1 2 3; do
			ctr run --rm --rootfs "$BATS_TEST_TMPDIR/b/rootfs" --volume "v$j:/many" -- sh -c 'ls /many | grep -vc word; touch /many/word$$' >"$BATS_TEST_TMPDIR/n$i" &
			pids+=($!)
		done
		for i in "${pids[@]}"; do wait "$i"; done
		for i in 1 2 3; do assert_equal "$(cat "$BATS_TEST_TMPDIR/n$i")" 300; done
	done
	assert_nothing_left
}

@test "volume: rm and run at once: who writes finds its volume, and what was in use is there" {
	local i pid
	for ((i = 0; i < 25; i++)); do
		ctr create --name c1 --volume v1:/data busybox -- sh -c 'echo kept >/data/f && cat /data/f && sleep 1000' >/dev/null &
		pid=$!
		ctr volume rm --force v1 >/dev/null 2>&1 || true
		wait "$pid"
		ctr start c1 >/dev/null
		wait_until 5 ctr exec c1 test -s /data/f
		run ctr volume rm v1
		assert_failure 2
		assert_equal "$(cat "$data/volumes/v1/_data/f")" kept
		ctr rm --force c1 >/dev/null
	done
	ctr volume rm v1
	assert_nothing_left
}

@test "volume: after kill -9 a volume is whole or not there, and in nobody's use" {
	local i
	make_bundle "$BATS_TEST_TMPDIR/b"
	mkdir "$BATS_TEST_TMPDIR/b/rootfs/many"
	for ((i = 0; i < 200; i++)); do echo "$i" >"$BATS_TEST_TMPDIR/b/rootfs/many/$i"; done
	for ((i = 1; i <= 25; i++)); do
		ctr_background create --name c1 --rootfs "$BATS_TEST_TMPDIR/b/rootfs" --volume v1:/many -- true
		sleep "0.0$((i % 5))$((i % 10))"
		kill -KILL "$ctr_pid" 2>/dev/null || true
		wait "$ctr_pid" 2>/dev/null || true
		wait_until 10 all_removed
		wait_until 5 nobody_packs
		if [ -d "$data/volumes/v1" ]; then
			[ -s "$data/volumes/v1/volume.json" ]
			[[ $(find "$data/volumes/v1/_data" -type f | wc -l) =~ ^(0|200)$ ]]
		fi
		run ctr volume rm --force v1
		assert_success
	done
	ctr volume create v2
	ctr volume rm v2
	[ -z "$(ls -A "$data/volumes")" ]
	assert_nothing_left
}

nobody_packs() {
	! ps -e -o comm | grep -q '^ctr-archive'
}
