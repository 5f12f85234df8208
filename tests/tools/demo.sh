#!/bin/bash
# What `make demo` runs: a container of the machine's own programs, telling what it sees.
set -euo pipefail

ctr=${CTR_BIN:?}
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "demo: making a container needs root, and there is no sudo here" >&2
		exit 1
	}
	exec sudo CTR_BIN="$ctr" "$0"
fi

echo "host:      $(uname -n), $(find /proc -maxdepth 1 -name '[0-9]*' | wc -l) processes," \
	"$(ls /sys/class/net | wc -l) interface(s), $(wc -l </proc/self/mountinfo) mounts"
"$ctr" run --rm --hostname demo host -- sh -c '
field() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
echo "container: $(uname -n), $(find /proc -maxdepth 1 -name "[0-9]*" | wc -l) processes,"\
	"$(ls /sys/class/net | wc -l) interface(s), $(wc -l </proc/self/mountinfo) mounts"
echo "user:      $(id -un), capabilities $(field CapEff), seccomp mode $(field Seccomp)"
echo "mount:     $(mount -t tmpfs none /mnt 2>&1 | head -n 1)"
echo "shadow:    $(cat /etc/shadow 2>&1)"
echo "rm -rf:    $(rm -rf /usr/share/doc && echo "/usr/share/doc is gone, in here")"'
echo "host:      $(ls /usr/share/doc | wc -l) folders in /usr/share/doc"
echo "Stand in it yourself: $ctr run --rm -it host"
