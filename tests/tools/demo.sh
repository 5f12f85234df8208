#!/bin/bash
# What `make demo` runs: a container of the machine's own programs, telling what it sees. An ordinary
# user gets a rootless one, where the machine lets users have namespaces.
set -euo pipefail

ctr=${CTR_BIN:?}

# Nothing but a container that ends at once: is there any, for this user?
if [ "$(id -u)" != 0 ] && ! why=$("$ctr" run --rm host -- true 2>&1); then
	echo "demo: no container of an ordinary user's here (${why##*$'\n'})" >&2
	command -v sudo >/dev/null || {
		echo "demo: and there is no sudo: be root, or let users have namespaces" \
			"(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)" >&2
		exit 1
	}
	exec sudo CTR_BIN="$ctr" "$0"
fi

echo "host:      $(uname -n), $(find /proc -maxdepth 1 -name '[0-9]*' | wc -l) processes," \
	"$(find /sys/class/net/ -mindepth 1 | wc -l) interface(s), $(wc -l </proc/self/mountinfo) mounts," \
	"user $(id -un)"
"$ctr" run --rm --hostname demo host -- sh -c '
field() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
echo "container: $(uname -n), $(find /proc -maxdepth 1 -name "[0-9]*" | wc -l) processes,"\
	"$(ls /sys/class/net | wc -l) interface(s), $(wc -l </proc/self/mountinfo) mounts, user $(id -un)"
echo "outside:   its root is user $(sed "s/^ *0 *\([0-9]*\).*/\1/;q" /proc/self/uid_map) of the host"
echo "rights:    capabilities $(field CapEff), seccomp mode $(field Seccomp)"
echo "mount:     $(mount -t tmpfs none /mnt 2>&1 | head -n 1)"
echo "shadow:    $(cat /etc/shadow 2>&1)"
rm -rf /usr/share/doc 2>/dev/null || true
left=$(ls /usr/share/doc 2>/dev/null | wc -l)
[ "$left" = 0 ] && echo "rm -rf:    /usr/share/doc is gone, in here" ||
	echo "rm -rf:    /usr/share/doc is root'"'"'s of the host, and $left folders of it stay"'
echo "host:      $(find /usr/share/doc -mindepth 1 -maxdepth 1 | wc -l) folders in /usr/share/doc"
echo "Stand in it yourself: $ctr run --rm -it host"
