# buildah runs the commands of a build by the plug-in.

load lib

setup_file() {
	have /usr/bin/buildah
	private /var/lib/containers
	podman_config
	make_image "$BATS_FILE_TMPDIR/image.tar"
	build pull -q "docker-archive:$BATS_FILE_TMPDIR/image.tar"
	build from --name warm box:1
	build run --network none warm true
	build rm warm
}

teardown() {
	build rm --all >/dev/null 2>&1
	ctr_teardown
}

# Its network would be a bridge of the machine's.
build() {
	BUILDAH_ISOLATION=oci BUILDAH_RUNTIME=$OCI /usr/bin/buildah "$@" 3>&- 4>&-
}

@test "buildah: run in a working container, with its output and exit status" {
	build from --name b1 box:1
	split build run --network none b1 -- sh -c 'echo out; echo err >&2; echo made >/file'
	assert_equal "$status" 0
	assert_equal "$out" out
	assert_equal "$errors" err
	run build run --network none b1 -- cat /file
	assert_output made
	run build run --network none b1 -- sh -c 'exit 7'
	assert_failure 7
	run build run --network none b1 -- nosuch
	assert_failure
	assert_output --partial 'executable file not found in $PATH'
	build rm b1
	assert_nothing_left
}

@test "buildah: run on a terminal, as another user, with a volume" {
	build from --name b1 box:1
	run in_tty env BUILDAH_ISOLATION=oci BUILDAH_RUNTIME="$OCI" /usr/bin/buildah run -t --network none b1 -- tty
	assert_success
	assert_line --partial /dev/
	run build run --network none --user user --volume "$BATS_TEST_TMPDIR:/vol:ro" --workingdir /home \
		b1 -- sh -c 'id -u; pwd; echo $HOME; touch /vol/x'
	assert_line 1000
	assert_line /home
	assert_line --partial 'Read-only'
	build rm b1
	assert_nothing_left
}

@test "buildah: a Dockerfile" {
	cat >"$BATS_TEST_TMPDIR/Dockerfile" <<-'END'
	FROM box:1
	RUN echo one >/one && id -u >>/one
	USER user
	RUN id -u >/tmp/two
	CMD ["cat", "/one", "/tmp/two"]
	END
	run build bud --network none --isolation oci -t made "$BATS_TEST_TMPDIR"
	assert_success
	build from --name b1 made
	run build run --network none b1 -- cat /one /tmp/two
	assert_output $'one\n0\n1000'
	build rm b1
	build rmi made
	assert_nothing_left
}

@test "buildah: a step that fails fails the build" {
	printf 'FROM box:1\nRUN exit 5\n' >"$BATS_TEST_TMPDIR/Dockerfile"
	run build bud --network none --isolation oci "$BATS_TEST_TMPDIR"
	assert_failure
	assert_output --partial 'exit status 5'
	build rm --all
	assert_nothing_left
}
