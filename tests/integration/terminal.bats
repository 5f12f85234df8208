# Containers in a real terminal emulator: tmux, whose panes are asked what they show.

load lib

setup() {
	ctr_setup
	TMUX_SOCKET=$BATS_TEST_TMPDIR/tmux
	export BASH_ENV='' ENV=''
	# A shell that shows no more than it has to. What it starts is our command, by its short name.
	printf 'PS1="shell> "; unset HISTFILE; ctr() { %s "$@"; }\n' \
		"$(printf '%q ' "$CTR_BIN" "${CTR_FLAGS[@]}")" >"$BATS_TEST_TMPDIR/rc"
	tm new-session -d -s t -x 80 -y 24 "bash --noprofile --rcfile $BATS_TEST_TMPDIR/rc"
	tm set-option -g escape-time 0
	sees 0 'shell>'
	BACKGROUND+=("$(tm display-message -p '#{pid}')" "$(tm list-panes -s -F '#{pane_pid}')")
	snapshot_host
}

teardown() {
	tm kill-server 2>/dev/null
	ctr_teardown
}

tm() {
	env -u TMUX tmux -S "$TMUX_SOCKET" -f /dev/null "$@" 3>&- 4>&- </dev/null
}

# One more window, with a shell of its own; windows are counted from 0.
window() {
	tm new-window -d -t t: "bash --noprofile --rcfile $BATS_TEST_TMPDIR/rc"
	sees "$1" 'shell>'
	BACKGROUND+=("$(tm list-panes -t "t:$1" -F '#{pane_pid}')")
}

# What is to be seen in a window.
screen() {
	tm capture-pane -p -t "t:$1"
}

# shows WINDOW TEXT; shows_line WINDOW LINE: for wait_until.
shows() {
	screen "$1" | grep -qF -- "$2"
}

shows_line() {
	screen "$1" | grep -qxF -- "$2"
}

# sees WINDOW TEXT, sees_line, sees_row: it does within some seconds.
sees() {
	wait_until 5 shows "$@" || fail "$(screen "$1")"
}

sees_line() {
	wait_until 5 shows_line "$@" || fail "$(screen "$1")"
}

sees_row() {
	wait_until 5 row_is "$@" || fail "$(screen "$1")"
}

# row WINDOW N: one row of it, from 1 on.
row() {
	screen "$1" | sed -n "$2p"
}

row_is() {
	[ "$(row "$1" "$2")" = "$3" ]
}

# enter WINDOW LINE: type it, and Enter. keys WINDOW KEY...: tmux' names of keys.
enter() {
	tm send-keys -t "t:$1" -l -- "$2"
	tm send-keys -t "t:$1" Enter
}

keys() {
	local window=$1
	shift
	tm send-keys -t "t:$window" "$@"
}

# In the alternate screen, as full-screen programs are?
alternate() {
	[ "$(tm display-message -p -t "t:$1" '#{alternate_on}')" = 1 ]
}

resize() {
	tm resize-window -t "t:$1" -x "$2" -y "$3"
}

# fresh WINDOW LINE: the same on an empty screen.
fresh() {
	tm send-keys -R -t "t:$1"
	tm clear-history -t "t:$1"
	enter "$@"
}

# begin COMMAND...: a container c1 with a terminal, in window 0.
begin() {
	fresh 0 "ctr run -it --name c1 $*"
}

# inside SIZE [CONTAINER]: the size that its terminal has.
inside() {
	[ "$(ctr exec "${2-c1}" stty -F /dev/pts/0 size)" = "$1" ]
}

at_prompt() {
	[ "$(screen "$1" | grep -v '^$' | tail -n 1)" = 'shell>' ]
}

# detach WINDOW: by the usual keys; the shell is back.
detach() {
	keys "$1" C-p C-q
	wait_until 5 at_prompt "$1"
}

@test "terminal: a new size of the window is one inside, at the prompt and for who asks" {
	begin busybox sh
	sees 0 '/ #'
	enter 0 'stty size'
	sees_line 0 '24 80'
	resize 0 101 33
	wait_until 5 inside '33 101'
	enter 0 'stty size'
	sees_line 0 '33 101'
	enter 0 'exit 3'
	wait_until 5 at_prompt 0
	fresh 0 'ctr run --rm -t -i --name c2 busybox sh'
	sees 0 '/ #'
	# tmux takes its time with a second one.
	resize 0 90 20
	wait_until 5 inside '20 90' c2
	enter 0 'exit'
	wait_until 5 at_prompt 0
	ctr rm c1
	assert_nothing_left
}

@test "terminal: a new size while ctr is still on its way to the monitor is not lost" {
	ctr run -d -it --name c1 busybox sh >/dev/null
	kill -STOP "$(monitors c1 monitor)"
	fresh 0 'ctr attach c1'
	# It has said hello and waits.
	wait_until 5 eval 'pgrep -f "attach c1" >/dev/null'
	sleep 0.3
	resize 0 77 22
	sleep 0.3
	kill -CONT "$(monitors c1 monitor)"
	wait_until 5 inside '22 77'
	detach 0
	ctr rm --force c1
	assert_nothing_left
}

@test "terminal: a full-screen program draws the whole new size" {
	begin busybox sh
	sees 0 '/ #'
	enter 0 'seq 1 200 >/tmp/f; vi /tmp/f'
	sees_row 0 23 23
	alternate 0
	resize 0 100 40
	sees_row 0 39 39
	assert_equal "$(screen 0 | head -n 39)" "$(seq 1 39)"
	resize 0 60 10
	sees_row 0 9 9
	assert_equal "$(screen 0 | head -n 9)" "$(seq 1 9)"
	enter 0 ':q!'
	wait_until 5 eval '! alternate 0'
	sees 0 '/ #'
	enter 0 exit
	wait_until 5 at_prompt 0
	ctr rm c1
	assert_nothing_left
}

@test "terminal: detached, the shell's terminal is as it was; the container goes on" {
	fresh 0 'stty -a | md5sum'
	sees 0 ' -'
	before=$(screen 0 | grep ' -$')
	begin busybox sh
	sees 0 '/ #'
	enter 0 'echo it"s"self'
	sees_line 0 itsself
	detach 0
	fresh 0 'stty -a | md5sum'
	sees_line 0 "$before"
	fresh 0 'echo $((40 + 2))'
	sees_line 0 42
	state_is c1 running
	# Again, and what it showed is there; and it has the size that the window has now.
	resize 0 70 30
	fresh 0 'ctr attach c1'
	sees_line 0 itsself
	enter 0 'stty size'
	sees_line 0 '30 70'
	enter 0 'exit 7'
	wait_until 5 at_prompt 0
	enter 0 'echo "status $?"'
	sees_line 0 'status 7'
	fresh 0 'stty rows 24 columns 80; stty -a | md5sum'
	sees_line 0 "$before"
	ctr rm c1
	assert_nothing_left
}

@test "terminal: keys of one's own, of which others pass" {
	fresh 0 'ctr run -it --detach-keys ctrl-a,d --name c1 busybox sh'
	sees 0 '/ #'
	keys 0 C-p C-q
	enter 0 'echo still"-"here'
	sees 0 still-here
	# The first key alone, and another behind it, are the program's.
	enter 0 'cat -v'
	keys 0 C-a x C-m
	sees 0 '^Ax'
	keys 0 C-a d
	wait_until 5 at_prompt 0
	fresh 0 'ctr attach --detach-keys "" c1'
	keys 0 C-p C-q C-a d C-m
	# ^Q is the line discipline's.
	sees 0 '^P^Ad'
	keys 0 C-c
	enter 0 exit
	wait_until 5 at_prompt 0
	ctr rm c1
	assert_nothing_left
}

@test "terminal: a full-screen program is there again after detach and attach, and gone from the shell's screen between" {
	begin busybox sh
	sees 0 '/ #'
	enter 0 'seq 1 200 >/tmp/f; vi /tmp/f'
	sees_row 0 23 23
	detach 0
	# The shell is on its own screen, with a cursor, and its keys are its own.
	run alternate 0
	assert_failure
	assert_equal "$(tm display-message -p -t t:0 '#{cursor_flag}#{keypad_cursor_flag}#{keypad_flag}#{mouse_any_flag}')" 1000
	refute_row 0 '^23$'
	fresh 0 'ctr attach c1'
	sees_row 0 23 23
	assert_equal "$(screen 0 | head -n 23)" "$(seq 1 23)"
	alternate 0
	# It has to do with a terminal that never saw it begin, too, far behind what is shown again.
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		keys 0 C-f C-b G g g
	done
	detach 0
	window 1
	fresh 1 'ctr attach c1'
	sees_row 1 23 23
	alternate 1
	enter 1 ':q!'
	wait_until 5 eval '! alternate 1'
	sees 1 '/ #'
	enter 1 'exit'
	wait_until 5 at_prompt 1
	ctr rm c1
	assert_nothing_left
}

# refute_row WINDOW REGEX
refute_row() {
	! screen "$1" | grep -q -- "$2" || fail "$(screen "$1")"
}

@test "terminal: a program of curses, which draws only what it thinks has changed, is there again as a whole" {
	cat >"$BATS_TEST_TMPDIR/drawing.py" <<-'END'
		import curses
		def main(scr):
		    while True:
		        rows, columns = scr.getmaxyx()
		        scr.erase()
		        for i in range(rows - 1):
		            scr.addstr(i, 0, "row %d of %d" % (i + 1, rows))
		        scr.refresh()
		        if scr.getch() == ord("q"):
		            return
		curses.wrapper(main)
	END
	begin --volume "$BATS_TEST_TMPDIR:/t:ro" host -- /usr/bin/python3 /t/drawing.py
	sees_row 0 23 'row 23 of 24'
	resize 0 80 30
	sees_row 0 29 'row 29 of 30'
	detach 0
	window 1
	resize 1 80 30
	# What it drew is far away by now.
	ctr exec c1 sh -c 'i=0; while [ $i -lt 2000 ]; do echo "far far away"; i=$((i+1)); done >/proc/1/fd/1'
	fresh 1 'ctr attach c1'
	sees_row 1 29 'row 29 of 30'
	assert_equal "$(screen 1 | head -n 29)" "$(for i in {1..29}; do echo "row $i of 30"; done)"
	keys 1 q
	wait_until 5 at_prompt 1
	ctr rm c1
	rm "$BATS_TEST_TMPDIR/drawing.py"
	assert_nothing_left
}

@test "terminal: a program that takes its time to draw, and hears of no other size meanwhile, is there again as well" {
	cat >"$BATS_TEST_TMPDIR/drawing.py" <<-'END'
		import os, signal, sys, time
		signal.signal(signal.SIGWINCH, lambda *ignored: None)
		sys.stdout.write("\x1b[?1049h")
		while True:
		    rows = os.get_terminal_size().lines
		    time.sleep(0.2)
		    sys.stdout.write("\x1b[H\x1b[J" + "\r\n".join("row %d of %d" % (i, rows) for i in range(1, rows)))
		    sys.stdout.flush()
		    signal.pause()
	END
	begin --volume "$BATS_TEST_TMPDIR:/t:ro" host -- /usr/bin/python3 /t/drawing.py
	sees_row 0 23 'row 23 of 24'
	detach 0
	window 1
	fresh 1 'ctr attach c1'
	# First as it was, then for a moment with a row more.
	sees_row 1 23 'row 23 of 25'
	sees_row 1 23 'row 23 of 24'
	assert_equal "$(screen 1 | head -n 23)" "$(for i in {1..23}; do echo "row $i of 24"; done)"
	ctr rm --force c1
	wait_until 5 at_prompt 1
	rm "$BATS_TEST_TMPDIR/drawing.py"
	assert_nothing_left
}

@test "terminal: two viewers see the same, either types, and one that is killed leaves the other" {
	begin busybox sh
	sees 0 '/ #'
	window 1
	fresh 1 'echo $$; exec '"$(printf '%q ' "$CTR_BIN" "${CTR_FLAGS[@]}")"' attach c1'
	sees 1 '/ #'
	enter 0 'echo from"-"zero'
	sees_line 0 from-zero
	sees_line 1 from-zero
	enter 1 'echo from"-"one'
	sees_line 0 from-one
	sees_line 1 from-one
	assert_equal "$(screen 0 | grep -A 9 from-zero)" "$(screen 1 | grep -A 9 from-zero)"
	viewer=$(tm list-panes -t t:1 -F '#{pane_pid}')
	kill -KILL "$viewer"
	wait_until 5 process_gone "$viewer"
	enter 0 'echo still"-"there'
	sees_line 0 still-there
	# And where it was the window that began it: closed by its owner, who has others.
	window 1
	fresh 1 'ctr attach c1'
	sees_line 1 still-there
	tm kill-window -t t:0
	wait_until 5 eval '! tm list-windows -F "#{window_index}" | grep -q 0'
	enter 1 'echo last"-"one'
	sees_line 1 last-one
	enter 1 'exit 4'
	wait_until 5 at_prompt 1
	assert_equal "$(ctr inspect --format '{{.State.ExitCode}}' c1)" 4
	ctr rm c1
	assert_nothing_left
}

@test "terminal: UTF-8 and every byte pass, in and out" {
	begin busybox sh
	sees 0 '/ #'
	# As a text that it has, for its shell knows no more than ASCII.
	printf 'grüße→世界 e\xcc\x81nd\n' | ctr exec -i c1 sh -c 'cat >/tmp/f'
	enter 0 'cat /tmp/f'
	sees_line 0 $'grüße→世界 e\xcc\x81nd'
	enter 0 'od -An -tx1'
	keys 0 -l 'ß世'
	keys 0 Enter C-d
	sees 0 'c3 9f e4 b8 96 0a'
	enter 0 'stty raw -echo; dd bs=1 count=4 2>/dev/null | od -An -tx1; stty sane'
	sleep 0.5
	keys 0 -H 80 ff 00 9b
	sees 0 '80 ff 00 9b'
	enter 0 exit
	wait_until 5 at_prompt 0
	ctr rm c1
	assert_nothing_left
}

@test "terminal: a monitor that is killed is not noticed in the window" {
	begin busybox sh
	sees 0 '/ #'
	enter 0 'seq 1 200 >/tmp/f; vi /tmp/f'
	sees_row 0 23 23
	kill_hard "$(monitors c1 monitor)"
	resize 0 90 28
	sees_row 0 27 27
	assert_equal "$(screen 0 | head -n 27)" "$(seq 1 27)"
	enter 0 ':q!'
	sees 0 '/ #'
	enter 0 exit
	wait_until 5 at_prompt 0
	ctr rm c1
	assert_nothing_left
}
