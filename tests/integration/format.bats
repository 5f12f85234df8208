# --format of inspect, ps and others: what users of podman and docker type.

load lib

started() {
	ctr create --name "$@"
	ctr start "$1"
}

@test "format: ranges, conditions, functions over inspect" {
	started c1 --env GREETING=hello --annotation team=a --volume /etc:/x:ro busybox -- sh -c 'sleep 1000' arg
	run ctr inspect --format '{{range .Args}}[{{.}}]{{end}}' c1
	assert_output '[-c][sleep 1000][arg]'
	run ctr inspect --format '{{if .State.Running}}up{{else}}down{{end}} {{.State.Status | upper}}' c1
	assert_output 'up RUNNING'
	run ctr inspect --format '{{range .Spec.mounts}}{{if eq .destination "/x"}}{{.source}} {{join .options ","}}{{end}}{{end}}' c1
	assert_output --regexp '^/etc .*ro'
	run ctr inspect --format '{{range $k, $v := .Annotations}}{{$k}}={{$v}};{{end}}' c1
	assert_output --partial 'team=a;'
	run ctr inspect --format '{{json .Args}} {{len .Args}} {{index .Args 0}} {{printf "%.12s" .Id}} {{.Args | json}}' c1
	assert_output "[\"-c\",\"sleep 1000\",\"arg\"] 3 -c $(ctr ps --quiet) [\"-c\",\"sleep 1000\",\"arg\"]"
	run ctr inspect --format '{{with .State.OOM}}killed{{else}}never{{end}}' c1
	assert_output never
	run ctr inspect --format '{{range .Spec.process.env}}{{println .}}{{end}}' c1
	assert_line GREETING=hello
	ctr rm --force c1
	assert_nothing_left
}

@test "format: columns with headings" {
	started c1 busybox -- sleep 1000
	ctr create --name longer busybox -- true
	run ctr ps --all --format 'table {{.Name}}\t{{.State}}'
	assert_output $'NAME     STATE\nc1       running\nlonger   created'
	ctr rm --force c1 longer
	assert_nothing_left
}

@test "format: what is wrong is said, and nothing is printed" {
	ctr create --name c1 busybox -- true
	run ctr inspect --format '{{.Nosuch}}' c1
	assert_failure 125
	assert_output --partial 'no field .Nosuch'
	run ctr inspect --format '{{range .Args}}' c1
	assert_failure 125
	assert_output --partial 'without {{end}}'
	run ctr inspect --format '{{frob .Args}}' c1
	assert_failure 125
	assert_output --partial 'no function "frob"'
	ctr rm --force c1
	assert_nothing_left
}
