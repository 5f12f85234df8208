# What tests of ctr-vm share: Debian's kernel (or CTR_KERNEL), and an initramfs of a busybox, modules and a script.
# shellcheck disable=SC2034
bats_require_minimum_version 1.5.0
load ../integration/lib

setup() {
	ctr_setup
	guest_setup
}

guest_setup() {
	VM=$CTR_BUILD/bin/ctr-vm
	KERNEL=${CTR_KERNEL:-$(ls "$CTR_BUILD"/vm/"$(uname -r | cut -d. -f1,2)"/boot/image)}
	INITRD=$BATS_TEST_TMPDIR/initramfs
	# Of `ctr run`.
	VM_FLAGS=(--isolation vm --kernel "$KERNEL")
}

# initramfs [MODULE]...: one busybox, these modules and those that they need as /modules/NAME.ko, all loaded
# by `. /modules/load`, and standard input as its /init.
initramfs() {
	local tree=$BATS_TEST_TMPDIR/tree module file
	mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/modules"
	cp "$(command -v busybox)" "$tree/bin/busybox"
	for module; do
		# What is built in, another kernel has as a module, packed or not.
		modprobe --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
	done | awk '!seen[$0]++' | while read -r file; do
		module=$(basename "$file" .xz)
		case $file in
		*.xz) xz -dc "$file" >"$tree/modules/$module" ;;
		*) cp "$file" "$tree/modules/$module" ;;
		esac
		echo "busybox insmod /modules/$module"
	done >"$tree/modules.load"
	mv "$tree/modules.load" "$tree/modules/load"
	{
		echo '#!/bin/busybox sh'
		cat
	} >"$tree/init"
	chmod 755 "$tree/init"
	(cd "$tree" && find . | cpio -o -H newc --quiet -R 0:0) >"$INITRD"
}

# watched_guest: standard input is what it does, with fd 3 for the watchdog that it has woken: 4 s, if it isn't fed.
watched_guest() {
	{
		cat <<-'END'
			busybox mount -t proc proc /proc
			busybox mount -t sysfs sysfs /sys
			busybox mount -t devtmpfs dev /dev
			. /modules/load
			busybox rmmod i6300esb
			busybox insmod /modules/i6300esb.ko heartbeat=4
			exec 3>/dev/watchdog
		END
		cat
	} | initramfs i6300esb
}

# on_terminal SCRIPT: run it on a terminal of its own; what is typed comes from file descriptor $to, what is
# shown goes to the file "shown".
on_terminal() {
	mkfifo "$BATS_TEST_TMPDIR/keys"
	script -qefc "$1" /dev/null <"$BATS_TEST_TMPDIR/keys" >"$BATS_TEST_TMPDIR/shown" 2>&1 3>&- &
	terminal=$!
	BACKGROUND+=("$terminal")
	exec {to}>"$BATS_TEST_TMPDIR/keys"
}

shown() {
	grep -q "$1" "$BATS_TEST_TMPDIR/shown"
}
