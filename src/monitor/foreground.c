#include "monitor/foreground.h"

#include "base/fd.h"
#include "monitor/terminal.h"
#include "monitor/tty.h"

#include <errno.h>
#include <fcntl.h>

int foreground_inherited(const struct activation *sockets, int64_t preserve_fds, struct err *err)
{
	unsigned int count = sockets ? sockets->count : 0, all = count + (unsigned int)preserve_fds;
	int missing;

	relay_inherited();
	fd_close_from(3 + (int)all);
	missing = fd_first_missing(all);
	if (missing && missing < 3 + (int)count)
		return err_set(err, EBADF, "LISTEN_FDS=%u: fd %d is not open", count, missing);
	if (missing)
		return err_set(err, EBADF,
			       "--preserve-fds %lld: fd %d is not open; it counts from fd %u on",
			       (long long)preserve_fds, missing, 3 + count);
	return count ? activation_check(sockets, err) : 0;
}

int foreground_stdio(struct foreground *fg, int stdio[3], struct err *err)
{
	if (fg->interactive || fg->tty)
		return 0;
	fg->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fg->null < 0)
		return err_sys(err, "open /dev/null");
	stdio[0] = fg->null;
	return 0;
}

int foreground_signals(struct foreground *fg, struct err *err)
{
	if (!fg->sig_proxy && !fg->tty)
		return 0;
	fg->signals = relay_signals(fg->sig_proxy, err);
	return fg->signals < 0 ? fg->signals : 0;
}

void foreground_resize(int master)
{
	if (master >= 0)
		relay_resize(master, relay_own_tty());
}

int foreground_serve(struct foreground *fg, int pidfd, int master, struct err *err)
{
	struct relay relay = RELAY_INIT;

	relay.pidfd = pidfd;
	relay.signals = fg->signals;
	relay.master = master;
	relay.notify = &fg->notify;
	if (master >= 0) {
		relay.tty = relay_own_tty();
		relay.in = fg->interactive ? STDIN_FILENO : -1;
		relay.out = STDOUT_FILENO;
	}
	return relay_run(&relay, err);
}

int foreground_container(struct foreground *fg, struct container *c, struct strv *warnings,
			 int *ret_code, struct err *err)
{
	int r = foreground_signals(fg, err);

	if (r < 0)
		return r;
	foreground_resize(c->terminal);
	fg->notify.from = take_fd(&c->notify);
	r = container_start(c, warnings, err);
	if (r >= 0 && fg->says_ready)
		sdnotify_say(&fg->notify, "READY=1");
	if (r >= 0)
		r = foreground_serve(fg, c->pidfd, take_fd(&c->terminal), err);
	return r < 0 ? r : container_wait(c, ret_code, err);
}
