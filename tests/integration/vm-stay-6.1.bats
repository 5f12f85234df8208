# The verbs of containers that live on, where cgroup v2 is whole, by an older kernel: runs in the test VM.
# vm: -k 6.1
# long: make check-long

load lib
load stay

@test "stay: exec in all its ways, sessions, and the limits of both" {
	walk_exec
}

@test "stay: logs, attach, wait, stop, start, restart, kill, prune" {
	walk_life
}

@test "stay: pause, rename, cp, diff, export, a volume" {
	walk_files
}

@test "stay: restart policy, health check, events" {
	walk_watched
}

@test "stay: kill -9 of monitor and keeper" {
	walk_killed
}
