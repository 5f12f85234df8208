/* The monitor's loop. */
#include "monitor/serve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "monitor/slim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Clients of the monitor before us have that long to come back before anything is said to others. */
#define RESUME_NS UINT64_C(1000000000)
#define DRAIN_TICK_MS 20

/* A program has drawn anew when it has said something and then nothing for so long; or it doesn't. */
#define REDRAWN_NS UINT64_C(100000000)
#define REDRAW_MAX_NS UINT64_C(1000000000)

/* Nothing comes for that long: nothing is going on. */
#define IDLE_MS 100

/* How much output is moved before we look at everything else again. */
#define TURN_CHUNKS 16

enum {
	P_OTHER,
	P_LISTEN,
	P_INIT,
	P_FEED,
	P_LOG,
	P_NOTIFY,
	P_OUT,
	P_CHECK = P_OUT + 2,
	P_SESSIONS = P_CHECK + 2,
	P_CLIENTS,
	P_COUNT = P_CLIENTS + CLIENTS_MAX,
};

static void size_set(const struct serve *v, uint32_t size)
{
	struct winsize w = { .ws_row = (uint16_t)(size >> 16), .ws_col = (uint16_t)size };

	if (v->m->terminal >= 0)
		(void)ioctl(v->m->terminal, TIOCSWINSZ, &w);
}

static bool full_screen(const struct serve *v)
{
	char shown[REPLAY_MAX];
	struct modes modes;
	size_t len = replay_get(v->m->shared, shown, &modes);

	modes_follow(&modes, shown, len);
	return modes_full_screen(&modes);
}

/*
 * A program draws anew when its window has another size, and only then: so it has another one until it has drawn
 * that. What asks for the size, as curses does, has to be able to see it; and what comes while it draws, many a
 * program never hears of.
 */
void terminal_resize(struct serve *v, uint32_t size, bool redraw)
{
	bool wait = redraw && full_screen(v);

	if (!(uint16_t)size)
		return;
	if (redraw)
		size_set(v, size + (1u << 16));
	if (!wait)
		size_set(v, size);
	v->redraw_size = size;
	v->redraw_ns = v->redraw_last_ns = wait ? clock_now_ns() + REDRAW_MAX_NS : 0;
}

void terminal_drew(struct serve *v)
{
	uint64_t then;

	if (!v->redraw_ns)
		return;
	then = clock_now_ns() + REDRAWN_NS;
	v->redraw_ns = then < v->redraw_last_ns ? then : v->redraw_last_ns;
}

static void redraw_over(struct serve *v)
{
	if (!v->redraw_ns || clock_now_ns() < v->redraw_ns)
		return;
	v->redraw_ns = 0;
	size_set(v, v->redraw_size);
}

static void watch(struct serve *v, struct pollfd *p)
{
	struct monitor *m = v->m;

	for (size_t i = 0; i < P_COUNT; i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	p[P_OTHER].fd = m->other;
	p[P_LISTEN].fd = m->listen;
	p[P_INIT].fd = v->ended ? -1 : m->pidfd;
	p[P_FEED] = (struct pollfd){ input_watch(v), POLLOUT, 0 };
	if (v->log && v->log_again_ns)
		p[P_LOG] = (struct pollfd){ log_poll_fd(v->log), POLLOUT, 0 };
	p[P_NOTIFY].fd = sdnotify_watch(&v->notify);
	(void)output_watch(v, &p[P_OUT]);
	check_watch(v, &p[P_CHECK]);
	p[P_SESSIONS].fd = v->sessions;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &v->clients[i];
		bool reads = !c->deferred || input_room(v);

		p[P_CLIENTS + i] = (struct pollfd){
			c->fd, (short)((reads ? POLLIN : 0) | (c->blocked ? POLLOUT : 0)), 0
		};
	}
}

static void sooner(int *timeout, uint64_t at_ns, uint64_t now)
{
	uint64_t ms = at_ns <= now ? 0 : (at_ns - now + 999999) / 1000000;

	if (at_ns && (*timeout < 0 || ms < (uint64_t)*timeout))
		*timeout = ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static int timeout_of(struct serve *v)
{
	const struct shared *s = v->m->shared;
	uint64_t now = clock_now_ns();
	int timeout = v->ended && !v->drained ? DRAIN_TICK_MS : -1;

	sooner(&timeout, v->resume_until_ns, now);
	sooner(&timeout, v->farewell_ns, now);
	sooner(&timeout, v->log_again_ns, now);
	sooner(&timeout, v->notify.next_ns, now);
	sooner(&timeout, v->redraw_ns, now);
	sooner(&timeout, check_next_ns(v), now);
	if (v->unheld_until_ns > now)
		sooner(&timeout, v->unheld_until_ns, now);
	if (atomic_load(&s->phase) == PHASE_RESTING && !v->farewell_ns)
		sooner(&timeout, s->rest_until_ns, now);
	return timeout;
}

static void serve_clients(struct serve *v, const struct pollfd *p)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &v->clients[i];

		/* Its place may have been given away within this turn. */
		if (c->fd < 0 || c->fd != p[i].fd || !p[i].revents)
			continue;
		if (p[i].revents & POLLOUT)
			c->blocked = false;
		if (p[i].revents & (POLLIN | POLLHUP | POLLERR))
			client_read(v, c);
		/* It is gone, whatever of its input we could not take. */
		if (c->fd >= 0 && c->deferred && p[i].revents & (POLLHUP | POLLERR))
			client_drop(v, c);
	}
	clients_flush(v);
}

static void resume_over(struct serve *v)
{
	if (!v->resume_until_ns)
		return;
	if (clients_attached(v) < atomic_load(&v->m->shared->attached) &&
	    clock_now_ns() < v->resume_until_ns)
		return;
	v->resume_until_ns = 0;
	atomic_store(&v->m->shared->attached, (uint32_t)clients_attached(v));
}

/* What follows from the turn, in the order in which it has to. */
static void settle(struct serve *v)
{
	resume_over(v);
	redraw_over(v);
	input_move(v);
	/* A container that never stops talking, and clients that keep up, are not to keep us from the rest. */
	for (int i = 0; i < TURN_CHUNKS && output_move(v); i++)
		;
	if (v->ended && !v->drained && output_empty(v)) {
		v->drained = true;
		life_after_end(v);
	}
	clients_flush(v);
	if (atomic_load(&v->m->shared->phase) == PHASE_RESTING && !v->farewell_ns &&
	    clock_now_ns() >= v->m->shared->rest_until_ns)
		life_look(v);
}

static bool done(struct serve *v)
{
	if (!v->farewell_ns || (clients_owed(v) && clock_now_ns() < v->farewell_ns))
		return false;
	return true;
}

/*
 * Wait for what is to be done. When nothing comes for a moment, the memory that the last work took is given
 * back: what waits for days beside hundreds of others is to be small.
 */
static int wait_for(struct serve *v, struct pollfd *p)
{
	int timeout = timeout_of(v), n;

	if (!v->slim && (timeout < 0 || timeout > IDLE_MS)) {
		n = poll(p, P_COUNT, IDLE_MS);
		if (n)
			return n;
		slim();
		v->slim = true;
		timeout = timeout_of(v);
	}
	n = poll(p, P_COUNT, timeout);
	if (n)
		v->slim = false;
	return n;
}

/* One turn. True in a child that is to be the keeper. */
static bool turn(struct serve *v)
{
	struct pollfd p[P_COUNT];
	struct err ignored;
	bool child = false;
	int status;

	settle(v);
	if (done(v))
		return false;
	watch(v, p);
	if (wait_for(v, p) < 0)
		return false;
	if (p[P_OTHER].revents) {
		/* The keeper was killed. One that we forked ourselves is our child. */
		(void)!process_wait(v->m->other, &status);
		if (monitor_split(v->m, &child, &ignored) == 0 && child)
			return true;
	}
	if (p[P_INIT].revents)
		life_init_ended(v);
	if (p[P_LISTEN].revents)
		clients_accept(v);
	sdnotify_turn(&v->notify);
	if (p[P_LOG].revents)
		v->log_again_ns = 0;
	check_turn(v, &p[P_CHECK]);
	sessions_turn(v, &p[P_SESSIONS]);
	serve_clients(v, &p[P_CLIENTS]);
	return false;
}

/* Who started us, if it is still there. To a monitor that took over it has to speak once more. */
static void greet_first(struct serve *v)
{
	const struct wire_head head = { .type = WIRE_AGAIN };
	struct client *c;

	if (v->m->first < 0)
		return;
	(void)fcntl(v->m->first, F_SETFL, O_RDWR | O_NONBLOCK);
	c = client_add(v, v->m->first);
	c->starter = !v->m->shared->told_start;
	if (v->m->resumed)
		(void)!send(c->fd, &head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void serve_free(struct serve *v)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (v->clients[i].fd >= 0 && v->clients[i].fd != v->m->first)
			close(v->clients[i].fd);
	container_close(&v->c);
	log_close(&v->log);
	order_free(&v->order);
	free(v->name);
	if (v->root >= 0)
		close(v->root);
	free(v);
}

static void clean_serve(struct serve **v)
{
	if (*v)
		serve_free(*v);
}

static int serve_open(struct serve *v, struct err *err)
{
	int rc = order_unpack(v->m->order, &v->order, NULL, err);

	if (rc == 0)
		rc = v->root = state_root_open(v->order.root, err);
	v->c.root = v->root;
	return rc < 0 ? rc : 0;
}

enum role serve_main(struct monitor *m)
{
	CLEAN(serve) struct serve *v = xcalloc(1, sizeof(*v));
	struct err err = { 0 };
	bool keeper = false;

	(void)prctl(PR_SET_NAME, "ctr-monitor");
	v->m = m;
	v->root = -1;
	v->c = CONTAINER_INIT;
	v->notify = SDNOTIFY_INIT;
	v->check.pidfd = v->check.out = v->sessions = -1;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		v->clients[i].fd = -1;
	greet_first(v);
	if (m->resumed) {
		v->resume_until_ns = clock_now_ns() + RESUME_NS;
		input_recover(v);
	}
	if (serve_open(v, &err) < 0)
		clients_tell_start(v, WIRE_FAILED, &err, sizeof(err));
	else if (life_begin(v)) {
		if (m->resumed)
			sessions_resume(v);
		while (!keeper && !done(v))
			keeper = turn(v);
	}
	if (keeper) {
		return ROLE_KEEPER;
	}
	keeper_dismiss(m);
	clients_linger(v);
	return ROLE_END;
}
