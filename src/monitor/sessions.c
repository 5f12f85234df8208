/* Exec sessions end with their clients: who waits for one is watched here, and swept up after. */
#include "monitor/serve.h"

#include "base/process.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AT_ONCE 16

/* However many there are, the loop looks at one fd. */
static void watch(struct serve *v, int pidfd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = pidfd };

	if (v->sessions < 0)
		v->sessions = epoll_create1(EPOLL_CLOEXEC);
	if (v->sessions < 0 || epoll_ctl(v->sessions, EPOLL_CTL_ADD, pidfd, &e) < 0)
		close(pidfd);
}

void sessions_watch(struct serve *v, pid_t client)
{
	CLEAN(fd) int pidfd = (int)syscall(SYS_pidfd_open, client, 0);

	/* It may have been gone before we heard of it. */
	if (pidfd >= 0)
		watch(v, take_fd(&pidfd));
	else if (v->c.dir >= 0)
		session_sweep(&v->c);
}

void sessions_resume(struct serve *v)
{
	CLEAN(sessions) struct sessions list = { 0 };
	struct err ignored;

	if (v->c.dir < 0)
		return;
	session_sweep(&v->c);
	if (session_list(&v->c, &list, &ignored) < 0)
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct session *s = &list.items[i];
		int pidfd = s->ended ? -1 : process_open_of(s->client, s->client_ticks);

		if (pidfd >= 0)
			watch(v, pidfd);
	}
}

void sessions_turn(struct serve *v, const struct pollfd *p)
{
	struct epoll_event e[AT_ONCE];
	int n = p->revents ? epoll_wait(v->sessions, e, AT_ONCE, 0) : 0;

	for (int i = 0; i < n; i++)
		close(e[i].data.fd);
	if (n > 0 && v->c.dir >= 0 && !v->ended)
		session_sweep(&v->c);
}
