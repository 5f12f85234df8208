/* The monitor's connections. */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* How long clients may take to close their side once all is said. */
#define LINGER_MS 2000

/* The socket outlives us with the keeper: a resumed monitor finds it bound. */
void clients_listen(struct serve *v)
{
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	if (getsockname(v->m->listen, (struct sockaddr *)&addr, &len) == 0 &&
	    len <= offsetof(struct sockaddr_un, sun_path)) {
		(void)unlinkat(v->c.dir, STATE_MONITOR_SOCKET, 0);
		if (fd_bind_at(v->m->listen, v->c.dir, STATE_MONITOR_SOCKET) == 0)
			(void)listen(v->m->listen, CLIENTS_MAX);
	}
}

struct client *client_add(struct serve *v, int fd)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (v->clients[i].fd < 0) {
			v->clients[i] = (struct client){ .fd = fd };
			return &v->clients[i];
		}
	close(fd);
	return NULL;
}

void clients_accept(struct serve *v)
{
	int fd = accept4(v->m->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		(void)client_add(v, fd);
}

size_t clients_attached(const struct serve *v)
{
	size_t n = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		n += v->clients[i].fd >= 0 && v->clients[i].wants & WIRE_WANT_OUTPUT;
	return n;
}

/* For the monitor after us: so many will come back. */
static void count_attached(struct serve *v)
{
	if (!v->resume_until_ns)
		atomic_store(&v->m->shared->attached, (uint32_t)clients_attached(v));
}

void client_drop(struct serve *v, struct client *c)
{
	if (c->fd == v->m->first)
		v->m->first = -1;
	input_forget(v, c->id);
	close(c->fd);
	*c = (struct client){ .fd = -1 };
	count_attached(v);
}

/* ---- to a client --------------------------------------------------------------------- */

/* True when it went. A client that takes nothing more is asked again when poll says so. */
static bool tell(struct client *c, const struct wire_head *head, const void *data, size_t len)
{
	struct iovec parts[] = { { (void *)head, sizeof(*head) }, { (void *)data, len } };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (c->fd < 0 || c->blocked)
		return false;
	if (sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	/* One that is gone is noticed where it is read. */
	c->blocked = errno == EAGAIN || errno == ENOBUFS;
	return !c->blocked;
}

static bool tell_ready(struct serve *v, struct client *c)
{
	const struct progress p = shared_progress(v->m->shared);
	const struct wire_head head = { .type = WIRE_READY };
	/* The chunk that there is belongs to those who came before. */
	bool behind = p.len && c->got;
	const struct wire_ready ready = {
		.at = { p.done[0] + (behind && !p.stream ? p.len : 0),
			p.done[1] + (behind && p.stream ? p.len : 0) },
		.taken = input_last(v, c->id),
		.terminal = v->c.state.terminal,
		.input = input_open(v),
	};

	return tell(c, &head, &ready, sizeof(ready));
}

static bool tell_replay(struct serve *v, struct client *c)
{
	const struct wire_head head = { .type = WIRE_REPLAY };
	CLEAN(str) struct str before = { 0 };
	char shown[REPLAY_MAX];
	struct modes modes;
	size_t len;

	if (!v->c.state.terminal)
		return true;
	len = replay_get(v->m->shared, shown, &modes);
	modes_do(&modes, &before);
	str_add_bytes(&before, shown, len);
	return !before.len || tell(c, &head, before.text, before.len);
}

static bool tell_chunk(struct serve *v, struct client *c, const struct progress *p)
{
	const struct wire_head head = { WIRE_OUTPUT, p->stream, p->done[p->stream & 1] };

	return tell(c, &head, v->m->shared->chunk, p->len);
}

static bool tell_exit(struct serve *v, struct client *c)
{
	const struct wire_head head = { WIRE_EXIT, !v->exit_known, (uint64_t)v->exit_code };

	return tell(c, &head, NULL, 0);
}

/* Input that lies in `feed` is safe; it is said when there is room for more. */
static void tell_taken(struct serve *v, struct client *c)
{
	const struct progress p = shared_progress(v->m->shared);
	const struct wire_head head = { .type = WIRE_TAKEN, .number = input_last(v, c->id) };
	bool moving = p.fed_client == c->id && p.fed_len;

	if (!moving && c->taken < head.number && tell(c, &head, NULL, 0))
		c->taken = head.number;
}

void client_flush(struct serve *v, struct client *c)
{
	const struct progress p = shared_progress(v->m->shared);

	if (c->fd < 0 || !c->greeted)
		return;
	if (c->owes_ready)
		c->owes_ready = !tell_ready(v, c);
	if (c->owes_replay && !c->owes_ready)
		c->owes_replay = !tell_replay(v, c);
	if (c->owes_ready || c->owes_replay)
		return;
	tell_taken(v, c);
	if (p.len && v->chunk_read && c->wants & WIRE_WANT_OUTPUT && !c->got)
		c->got = tell_chunk(v, c, &p);
	if (c->owes_exit && (!p.len || c->got || !(c->wants & WIRE_WANT_OUTPUT)))
		c->owes_exit = !tell_exit(v, c);
}

void clients_flush(struct serve *v)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		client_flush(v, &v->clients[i]);
}

bool clients_owed(const struct serve *v)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (v->clients[i].fd >= 0 && v->clients[i].owes_exit)
			return true;
	return false;
}

void clients_linger(struct serve *v)
{
	uint64_t until = clock_now_ns() + LINGER_MS * UINT64_C(1000000);

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &v->clients[i];
		struct pollfd p = { c->fd, POLLIN, 0 };

		if (c->fd < 0)
			continue;
		(void)shutdown(c->fd, SHUT_WR);
		while (clock_now_ns() < until && poll(&p, 1, LINGER_MS) > 0 &&
		       recv(c->fd, v->message, sizeof(v->message), MSG_DONTWAIT) > 0)
			;
		client_drop(v, c);
	}
}

void clients_tell_start(struct serve *v, uint32_t type, const void *data, size_t len)
{
	const struct wire_head head = { .type = type };

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (v->clients[i].fd >= 0 && v->clients[i].starter) {
			(void)tell(&v->clients[i], &head, data, len);
			if (type != WIRE_WARNING)
				v->clients[i].starter = false;
		}
}

void clients_tell_exit(struct serve *v, bool final)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &v->clients[i];

		if (c->fd >= 0 && c->greeted && (final || !(c->wants & WIRE_WANT_END)))
			c->owes_exit = true;
	}
	clients_flush(v);
}

/* ---- from a client ------------------------------------------------------------------- */

/*
 * One that comes back says how much it has; a chunk passes as a whole or not at all, so what it has ends
 * before the chunk or behind it.
 */
static void greet(struct serve *v, struct client *c, const struct wire_hello *hello)
{
	const struct progress p = shared_progress(v->m->shared);
	bool resumes = hello->wants & WIRE_RESUMES;

	c->greeted = true;
	c->id = hello->client;
	c->wants = hello->wants;
	c->owes_ready = true;
	c->owes_replay = c->wants & WIRE_WANT_OUTPUT && !resumes;
	/* What there is of a chunk already belongs to those who came before. */
	c->got = p.len && (!resumes || hello->got[p.stream & 1] > p.done[p.stream & 1]);
	if (hello->size)
		terminal_resize(v, hello->size, !resumes);
	if (c->wants & WIRE_WANT_OUTPUT)
		count_attached(v);
	/* All is over but for the farewell. */
	if (v->farewell_ns)
		c->owes_exit = true;
	client_flush(v, c);
}

static void hand_out_fds(struct serve *v, struct client *c)
{
	const struct wire_head head = { .type = WIRE_FDS };
	int fds[MONITOR_FDS_MAX];

	for (int i = 0; i < v->m->preserved; i++)
		fds[i] = 3 + i;
	(void)!fd_send(c->fd, &head, sizeof(head), fds, (size_t)v->m->preserved);
}

/* False: it makes no sense, or can't be done. */
static bool obey(struct serve *v, struct client *c, const struct wire_head *head, const char *data,
		 size_t len)
{
	struct wire_hello hello;

	switch (head->type) {
	case WIRE_HELLO:
		if (len != sizeof(hello))
			return false;
		memcpy(&hello, data, sizeof(hello));
		greet(v, c, &hello);
		return true;
	case WIRE_INPUT:
		/* Said to the monitor before us; it is said again after the hello. */
		if (!c->greeted)
			return true;
		if (input_open(v))
			input_take(v, c->id, head->number, data, len);
		return c->wants & WIRE_WANT_INPUT;
	case WIRE_INPUT_END:
		if (c->wants & WIRE_WANT_INPUT && input_open(v))
			input_end(v);
		return true;
	case WIRE_GONE:
		if (v->order.attached && !v->order.restart && c->fd == v->m->first)
			keeper_output_gone(v->m, head->stream & 1);
		return true;
	case WIRE_RESIZE:
		terminal_resize(v, (uint32_t)head->number, false);
		return true;
	case WIRE_SIGNAL:
		/* One window of several was closed. */
		if (head->number == SIGHUP && v->c.state.terminal && clients_attached(v) > 1)
			return true;
		if (v->m->pidfd >= 0 && head->number > 0 && head->number < 65)
			(void)!process_signal(v->m->pidfd, (int)head->number);
		return true;
	case WIRE_START:
		return life_start_now(v, c);
	case WIRE_LOOK:
		life_look(v);
		return true;
	case WIRE_SESSION:
		sessions_watch(v, (pid_t)head->number);
		return true;
	case WIRE_FDS:
		hand_out_fds(v, c);
		return true;
	default:
		return false;
	}
}

/* Input for which there is no room stays where it is, and what follows it as well. */
static bool must_wait(struct serve *v, struct client *c)
{
	struct wire_head head;

	if (input_room(v) || !c->greeted)
		return false;
	return recv(c->fd, &head, sizeof(head), MSG_PEEK | MSG_DONTWAIT) >= (ssize_t)sizeof(head) &&
	       (head.type == WIRE_INPUT || head.type == WIRE_INPUT_END);
}

void client_read(struct serve *v, struct client *c)
{
	struct wire_head head;
	ssize_t n;

	c->deferred = must_wait(v, c);
	if (c->deferred)
		return;
	n = recv(c->fd, v->message, sizeof(v->message), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < (ssize_t)sizeof(head)) {
		client_drop(v, c);
		return;
	}
	memcpy(&head, v->message, sizeof(head));
	if (!obey(v, c, &head, v->message + sizeof(head), (size_t)n - sizeof(head)))
		client_drop(v, c);
}
