# config.md, mounts: their order, sources, destinations, and every option.

load lib

# A folder of the host's with another mount in it, both shared: $FROM.
setup() {
	oci_setup
	FROM=$BATS_TEST_TMPDIR/from
	mkdir "$FROM"
}

teardown() {
	umount -R "$FROM/sub" "$FROM" 2>/dev/null
	oci_teardown
}

# mounted [OPTION...]: FROM and FROM/sub are tmpfs with these options.
mounted() {
	local options
	options=$(IFS=,; echo "$*")
	mount -t tmpfs from "$FROM"
	mkdir "$FROM/sub"
	mount -t tmpfs ${options:+-o "$options"} sub "$FROM/sub"
	mount -o "remount,bind${options:+,$options}" "$FROM"
	mount --make-rshared "$FROM"
}

# options_of DESTINATION: the flags of that mount, from the mountinfo in $output.
options_of() {
	awk -v at="$1" '$5 == at { flags = $6; shared = ""
		for (i = 7; $i != "-"; i++) shared = shared "," $i
		for (i++; i <= NF; i++) super = $i
		line = flags shared " super " super } END { print "," line "," }' <<<"$output" | tr ' ' ','
}

has_option() {
	[[ $(options_of "$1") == *",$2,"* ]] || fail "$1 has no $2: $(options_of "$1")"
}

lacks_option() {
	[[ -n $(options_of "$1") && $(options_of "$1") != *",$2,"* ]] || fail "$1 has $2: $(options_of "$1")"
}

# tmpfs_each OPTION...: a tmpfs at /m/OPTION for each; $output is the mountinfo.
tmpfs_each() {
	config --arg options "$*" '.mounts += ($options / " " | map({destination: "/m/\(.)", type: "tmpfs", source: "tmpfs", options: [.]}))'
	edit_config . '.process.args = ["cat", "/proc/self/mountinfo"]'
	run oci run c1
	assert_success
}

@test "mounts: are made in the listed order" {
	runs '.mounts += [{destination: "/x", type: "tmpfs", source: "first"}, {destination: "/x/y", type: "tmpfs", source: "second"},
		{destination: "/z/y", type: "tmpfs", source: "third"}, {destination: "/z", type: "tmpfs", source: "fourth"}]' \
		'touch /x/y/z; cat /proc/self/mountinfo; ls -d /x/y /z/y'
	assert_line --regexp ' / /x/y .* second '
	# What was mounted first is covered by what came over it.
	assert_output --partial '/z/y: No such file'
}

@test "mounts: a relative destination is taken from /, the source of a bind from the bundle" {
	mkdir -p sub/source
	echo from-bundle >sub/source/file
	runs '.mounts += [{destination: "rel/dest", type: "none", source: "sub/source", options: ["bind"]},
		{destination: "/abs", type: "tmpfs", source: "tmpfs"}]' 'cat /rel/dest/file'
	assert_line from-bundle
	refuses '.mounts += [{destination: "/x", type: "none", source: "nosuch", options: ["bind"]}]' 'mounts[7]' nosuch
	refuses '.mounts += [{type: "tmpfs"}]' 'mounts[7].destination'
	refuses '.mounts += [{destination: "", type: "tmpfs"}]' 'mounts[7].destination'
}

@test "mounts: bind and rbind make a bind mount, of a folder or a file, whatever the type says" {
	mounted
	echo top >"$FROM/file"
	echo below >"$FROM/sub/file"
	runs "$(cat <<-FILTER
		.mounts += [
			{destination: "/one", type: "none", source: "$FROM", options: ["bind"]},
			{destination: "/all", source: "$FROM", options: ["rbind"]},
			{destination: "/dummy", type: "ext4", source: "$FROM", options: ["rbind"]},
			{destination: "/a/file", type: "bind", source: "$FROM/file", options: ["bind"]}]
		FILTER
	)" 'cat /one/file /a/file; ls /one/sub; echo -; cat /all/sub/file /dummy/sub/file; echo new >/one/made'
	assert_output $'top\ntop\n-\nbelow\nbelow'
	assert_equal "$(<"$FROM/made")" new
}

@test "mounts: types are those of the kernel, and need be said where it is no bind" {
	runs '.mounts += [{destination: "/t", type: "tmpfs", source: "dummy", options: ["size=64k"]}]' 'grep " /t " /proc/self/mountinfo'
	assert_output --regexp ' - tmpfs dummy rw,size=64k'
	refuses '.mounts += [{destination: "/t", type: "nosuchfs", source: "x"}]' 'mounts[7]' nosuchfs
	refuses '.mounts += [{destination: "/t", source: "x"}]' 'mounts[7].type'
}

@test "mounts: options of one mount point" {
	tmpfs_each ro rw nosuid suid nodev dev noexec exec noatime atime nodiratime diratime relatime norelatime \
		strictatime nostrictatime nosymfollow symfollow defaults
	local option
	for option in ro nosuid nodev noexec noatime nodiratime nosymfollow relatime; do
		has_option /m/$option $option
	done
	for option in suid dev exec atime diratime symfollow defaults rw; do
		has_option /m/$option rw
		lacks_option /m/$option no$option
		has_option /m/$option relatime
	done
	lacks_option /m/strictatime relatime
	lacks_option /m/strictatime noatime
	has_option /m/nostrictatime relatime
}

@test "mounts: options of a filesystem" {
	tmpfs_each sync async dirsync lazytime nolazytime iversion noiversion silent loud mand nomand
	has_option /m/sync sync
	lacks_option /m/async sync
	has_option /m/dirsync dirsync
	has_option /m/lazytime lazytime
	lacks_option /m/nolazytime lazytime
	for option in iversion noiversion silent loud mand nomand; do
		has_option /m/$option rw
	done
}

@test "mounts: of two options that contradict each other the later one counts" {
	runs '.mounts += [{destination: "/a", type: "tmpfs", source: "t", options: ["ro", "noexec", "rw", "exec"]},
		{destination: "/b", type: "tmpfs", source: "t", options: ["rw", "suid", "ro", "nosuid"]}]' 'cat /proc/self/mountinfo'
	has_option /a rw
	lacks_option /a noexec
	has_option /b ro
	has_option /b nosuid
}

@test "mounts: options on a bind mount are that mount's own" {
	mounted
	config --arg from "$FROM" '.mounts += (["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "nosymfollow"]
		| map({destination: "/b/\(.)", type: "none", source: $from, options: ["rbind", .]}))'
	edit_config . '.process.args = ["cat", "/proc/self/mountinfo"]'
	run oci run c1
	assert_success
	local option
	for option in ro nosuid nodev noexec noatime nodiratime nosymfollow; do
		has_option /b/$option $option
		lacks_option /b/$option/sub $option
	done
	# The host's mount is as it was.
	run cat /proc/self/mountinfo
	has_option "$FROM" rw
}

@test "mounts: recursive options reach what is mounted below" {
	mounted
	config --arg from "$FROM" '.mounts += (["rro", "rnosuid", "rnodev", "rnoexec", "rnoatime", "rnodiratime", "rnosymfollow", "rrelatime", "rstrictatime", "rnorelatime", "rnostrictatime"]
		| map({destination: "/b/\(.)", type: "none", source: $from, options: ["rbind", .]}))'
	edit_config . '.process.args = ["cat", "/proc/self/mountinfo"]'
	run oci run c1
	assert_success
	local option at
	for option in ro nosuid nodev noexec noatime nodiratime nosymfollow relatime; do
		has_option /b/r$option $option
		has_option /b/r$option/sub $option
	done
	for at in /b/rstrictatime /b/rstrictatime/sub; do
		lacks_option $at relatime
		lacks_option $at noatime
	done
}

@test "mounts: recursive options take away what is there below" {
	mounted ro nosuid nodev noexec noatime nodiratime nosymfollow
	config --arg from "$FROM" '.mounts += (["rrw", "rsuid", "rdev", "rexec", "ratime", "rdiratime", "rsymfollow"]
		| map({destination: "/b\(.)", type: "none", source: $from, options: ["rbind", .]}))'
	mkdir -p rootfs/b{rrw,rsuid,rdev,rexec,ratime,rdiratime,rsymfollow}
	edit_config . '.process.args = ["cat", "/proc/self/mountinfo"]'
	run oci run c1
	assert_success
	local option
	has_option /brrw rw
	has_option /brrw/sub rw
	for option in suid dev exec atime diratime symfollow; do
		lacks_option /br$option no$option
		lacks_option /br$option/sub no$option
		has_option /br$option/sub ro
	done
}

@test "mounts: propagation, of one mount and of all below" {
	local option
	mounted
	config --arg from "$FROM" '.mounts += (["private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable"]
		| map({destination: "/p/\(.)", type: "none", source: $from, options: ["rbind", .]}))'
	edit_config . '.process.args = ["cat", "/proc/self/mountinfo"]'
	run oci run c1
	assert_success
	[[ $(options_of /p/private) != *,shared:* && $(options_of /p/private) != *,master:* ]]
	[[ $(options_of /p/rprivate/sub) != *,shared:* && $(options_of /p/rprivate/sub) != *,master:* ]]
	[[ $(options_of /p/shared) == *,shared:* ]]
	[[ $(options_of /p/rshared/sub) == *,shared:* ]]
	[[ $(options_of /p/slave) == *,master:* && $(options_of /p/slave) != *,shared:* ]]
	[[ $(options_of /p/rslave/sub) == *,master:* && $(options_of /p/rslave/sub) != *,shared:* ]]
	[[ $(options_of /p/unbindable) == *,unbindable,* ]]
	[[ $(options_of /p/runbindable/sub) == *,unbindable,* ]]
}

@test "mounts: remount changes what is there" {
	runs '.mounts += [{destination: "/t", type: "tmpfs", source: "t", options: ["size=64k"]},
		{destination: "/t", type: "tmpfs", source: "t", options: ["remount", "ro", "noexec"]}]' 'cat /proc/self/mountinfo'
	assert_success
	has_option /t ro
	has_option /t noexec
	assert_equal "$(grep -c ' /t ' <<<"$output")" 1
}

@test "mounts: options that nobody knows are the filesystem's, and its refusal is an error" {
	runs '.mounts += [{destination: "/t", type: "tmpfs", source: "t", options: ["size=128k", "nr_inodes=50", "mode=0711", "uid=5"]}]' \
		'grep " /t " /proc/self/mountinfo; stat -c "%a %u" /t'
	assert_line --partial 'size=128k,nr_inodes=50,mode=711,uid=5'
	assert_line '711 5'
	refuses '.mounts += [{destination: "/t", type: "tmpfs", source: "t", options: ["nosuchoption"]}]' 'mounts[7]' nosuchoption
	refuses '.mounts += [{destination: "/t", type: "tmpfs", source: "t", options: "ro"}]' 'mounts[7].options'
}

@test "mounts: tmpcopyup fills a tmpfs with what was there" {
	mkdir -p rootfs/up/deep
	echo text >rootfs/up/deep/file
	chmod 640 rootfs/up/deep/file
	runs '.mounts += [{destination: "/up", type: "tmpfs", source: "t", options: ["tmpcopyup"]}]' \
		'cat /up/deep/file; stat -c %a /up/deep/file; echo changed >/up/deep/file; grep -c " /up " /proc/self/mountinfo'
	assert_output $'text\n640\n1'
	assert_equal "$(<rootfs/up/deep/file)" text
}

@test "mounts: idmap with maps of its own" {
	mkdir -p "$FROM/sub"
	: >"$FROM/file"
	chown 5:6 "$FROM/file"
	runs "$(cat <<-FILTER
		.mounts += [{destination: "/i", type: "none", source: "$FROM", options: ["bind", "idmap"],
			uidMappings: [{containerID: 5, hostID: 1005, size: 10}], gidMappings: [{containerID: 6, hostID: 2006, size: 10}]}]
		FILTER
	)" 'stat -c "%u %g" /i/file'
	assert_output '1005 2006'
	# The files themselves keep their owner.
	assert_equal "$(stat -c '%u %g' "$FROM/file")" '5 6'
}

@test "mounts: idmap without maps takes those of the user namespace, ridmap goes below" {
	chmod 711 "$BUNDLE"
	mkdir -p "$FROM/sub" rootfs/i rootfs/r rootfs/n rootfs/p
	: >"$FROM/file"
	mount --bind "$FROM" "$FROM/sub"
	runs "$(cat <<-FILTER
		.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 70000, size: 1000}]
		| .linux.gidMappings = .linux.uidMappings
		| .mounts += [{destination: "/i", type: "none", source: "$FROM", options: ["bind", "idmap"]},
			{destination: "/r", type: "none", source: "$FROM", options: ["rbind", "ridmap"]},
			{destination: "/n", type: "none", source: "$FROM", options: ["rbind", "idmap"]},
			{destination: "/p", type: "none", source: "$FROM", options: ["bind"]}]
		FILTER
	)" 'stat -c "%u %g" /i/file /r/file /r/sub/file /n/file /n/sub/file /p/file'
	assert_output $'0 0\n0 0\n0 0\n0 0\n65534 65534\n65534 65534'
}

@test "mounts: idmap that can't be is an error" {
	local maps='[{containerID: 0, hostID: 5, size: 1}]'
	refuses ".mounts += [{destination: \"/i\", type: \"none\", source: \"$FROM\", options: [\"bind\", \"idmap\"]}]" 'mounts[7]' idmap
	refuses ".mounts += [{destination: \"/i\", type: \"none\", source: \"$FROM\", options: [\"rbind\", \"ridmap\"]}]" 'mounts[7]' idmap
	refuses ".mounts += [{destination: \"/i\", type: \"none\", source: \"$FROM\", options: [\"bind\", \"idmap\"], uidMappings: $maps}]" 'mounts[7].gidMappings'
	refuses ".mounts += [{destination: \"/i\", type: \"none\", source: \"$FROM\", options: [\"bind\", \"idmap\"], gidMappings: $maps}]" 'mounts[7].uidMappings'
	refuses ".mounts += [{destination: \"/i\", type: \"none\", source: \"$FROM\", options: [\"bind\", \"idmap\"], uidMappings: [{containerID: 0, size: 1}], gidMappings: $maps}]" 'mounts[7].uidMappings[0].hostID'
}

@test "mounts: cgroup is version 2's tree, with the container's own group as its root" {
	runs '.linux.cgroupsPath = "/oci-mounts/c1"' 'grep " /sys/fs/cgroup " /proc/self/mountinfo; cat /sys/fs/cgroup/cgroup.procs; cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x || echo readonly'
	assert_line --regexp ' - cgroup2 '
	assert_line 1
	assert_line '0::/'
	assert_line readonly
	runs '(.mounts[] | select(.type == "cgroup")).options = ["nosuid", "noexec", "nodev"]' 'mkdir /sys/fs/cgroup/x && echo made && rmdir /sys/fs/cgroup/x'
	assert_output made
}
