/*
 * That a container has ended is told once, by whoever writes it down: the one who waits for its init, or who
 * removes it, or, of one that nobody waited for, the next who looks. An init that has ended and still is the
 * child of who made it is left to him: he writes first and reaps then.
 */
#include "runtime/ends.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/events.h"
#include "runtime/oom.h"
#include "runtime/rename.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define WRITTEN_MS 500

/* Somebody who follows events may have told of the same kills, from another process. */
static void tell_oom(struct container *c)
{
	CLEAN(state) struct state disk = { 0 };
	struct err ignored;

	if (!oom_look(c))
		return;
	if (state_read(c->dir, c->state.name, &disk, &ignored) == 0 &&
	    disk.oom.kills >= c->state.oom.kills) {
		state_oom_free(&c->state.oom);
		c->state.oom = disk.oom;
		disk.oom = (struct state_oom){ 0 };
		return;
	}
	oom_note(c);
}

void end_look(struct container *c)
{
	tell_oom(c);
	c->state.oom_killed = c->state.oom.kills > 0;
}

void end_tell(struct container *c)
{
	if (!c->end_untold)
		return;
	c->end_untold = false;
	event_note(c->root, &c->state, EVENT_DIE,
		   c->state.exit_known ? event_number("exitCode", c->state.exit_code) : NULL);
}

/* Somebody listens at its monitor's socket: the monitor, or who is about to be the next one. */
static bool has_monitor(int dir)
{
	CLEAN(fd)
	int sock = fd_connect_at(dir, STATE_MONITOR_SOCKET, SOCK_SEQPACKET | SOCK_NONBLOCK);

	return sock >= 0 || sock == -EAGAIN;
}

static bool left_alone(const struct state *s)
{
	CLEAN(fd) int pidfd = process_open(s->pid, s->pid_start);
	pid_t parent;

	return pidfd == -ESRCH ||
	       (pidfd >= 0 && (process_parent(s->pid, &parent) < 0 || parent != s->parent));
}

static bool unseen(const struct container *c)
{
	return c->end_untold && c->state.status == STATUS_STOPPED && left_alone(&c->state) &&
	       !(c->state.monitor_pid && has_monitor(c->dir));
}

/*
 * Look once more, under the lock, and tell where it is for us to tell. True: told by now, by whomever; or gone.
 * Never waits: who holds the lock is about to write something down, perhaps this.
 */
static bool told(struct container *c)
{
	struct err ignored;
	int there;

	if (state_lock(c->dir, false, &ignored) < 0)
		return false;
	there = rename_find(c, &ignored);
	if (there == 1 && container_load(c, &ignored) == 0 && unseen(c)) {
		end_look(c);
		if (state_write(c->dir, &c->state, &ignored) == 0)
			end_tell(c);
	}
	state_unlock(c->dir);
	return there != 1 || !c->end_untold;
}

void container_note_end(struct container *c)
{
	if (unseen(c))
		(void)told(c);
}

void container_note_oom(struct container *c)
{
	uint64_t before = c->state.oom.kills;
	struct err ignored;

	if (!oom_look(c) || state_lock(c->dir, false, &ignored) < 0)
		return;
	c->state.oom.kills = before;
	if (rename_find(c, &ignored) == 1 && container_load(c, &ignored) == 0 && oom_look(c) &&
	    state_write(c->dir, &c->state, &ignored) == 0)
		oom_note(c);
	state_unlock(c->dir);
}

void end_await(struct container *c)
{
	uint64_t until = clock_now_ns() + (uint64_t)WRITTEN_MS * 1000000;
	int step_ms = 1;

	while (!told(c) && clock_now_ns() < until) {
		(void)poll(NULL, 0, step_ms);
		step_ms = step_ms < 32 ? step_ms * 2 : 32;
	}
}
