# Each reader of text that may be hostile, searched for a while from the inputs that are kept. `make fuzz`
# takes longer; with CTR_LONG so does this; in a sanitized build the kept inputs alone are read, for the
# fuzzers have their own sanitizers anyway.
#
# build: tests/fuzz
# limit: 600

fuzz() {
	local seconds=6
	[ -z "$CTR_LONG" ] || seconds=120
	[ -z "$CTR_SAN" ] || seconds=0
	CTR_SEED=${CTR_SEED:-1} TMPDIR=$BATS_TEST_TMPDIR tests/fuzz/run -c -s "$seconds" "$1"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
}

@test "fuzz: config.json, and the plan that comes of it" {
	fuzz config
}

@test "fuzz: state.json" {
	fuzz state
}

@test "fuzz: linux.seccomp, and the program held against the rules" {
	fuzz seccomp
}

@test "fuzz: seccomp rules of every shape" {
	fuzz rules
}

@test "fuzz: seccomp profiles in docker's form" {
	fuzz profile
}

@test "fuzz: the command line of run" {
	fuzz run
}

@test "fuzz: numbers, sizes, signals, paths, names, lists, mount options" {
	fuzz words
}

@test "fuzz: accounts of a rootfs" {
	fuzz accounts
}

@test "fuzz: templates of --format" {
	fuzz format
}

@test "fuzz: control files of cgroups, and the mount table" {
	fuzz kernel
}

@test "fuzz: what our programs tell each other" {
	fuzz messages
}

@test "fuzz: the files of a log" {
	fuzz log
}

@test "fuzz: what a container says to a service manager and to a terminal" {
	fuzz terminal
}

@test "fuzz: the kernel of a guest" {
	fuzz kernel_image
}

@test "fuzz: a guest's driver: the bus, registers, rings" {
	fuzz virtio_queue
}

@test "fuzz: a guest's requests for shared files" {
	fuzz fuse
}

@test "fuzz: a guest's sockets" {
	fuzz vsock
}

@test "fuzz: what an emulator says of a device" {
	fuzz virtio_user
}

@test "fuzz: a guest's packets" {
	fuzz net
}

@test "fuzz: what a machine is asked by its control socket" {
	fuzz control
}

@test "fuzz: a machine's snapshot" {
	fuzz snapshot
}

@test "fuzz: a guest's console driver" {
	fuzz console
}

@test "fuzz: what passes between a guest's init and its launcher" {
	fuzz wire
}

@test "fuzz: every target has a test here, and inputs" {
	local name
	for name in $(basename -s _fuzz.c tests/fuzz/*_fuzz.c); do
		grep -q "^	fuzz $name\$" "$BATS_TEST_FILENAME"
		[ -n "$(ls "tests/fuzz/corpus/$name")" ]
	done
	[ "$(find tests/fuzz/corpus -type f | wc -l)" -le 200 ]
	[ "$(cat tests/fuzz/corpus/*/* | wc -c)" -le 300000 ]
}
