/* A container that exists: found, signalled, waited for, stopped. */
#include "runtime/container.h"

#include "base/clock.h"
#include "base/process.h"
#include "cgroups/leaf.h"
#include "runtime/ends.h"
#include "runtime/events.h"
#include "runtime/life.h"
#include "runtime/pids.h"
#include "runtime/rename.h"
#include "runtime/unit.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

void container_close(struct container *c)
{
	int *const fds[] = { &c->dir,      &c->pidfd,  &c->cgroup,
			     &c->terminal, &c->notify, &c->start_sock };

	container_reap(c);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (*fds[i] >= 0)
			close(take_fd(fds[i]));
	state_free(&c->state);
	*c = CONTAINER_INIT;
}

/* Written down as running; by who starts it himself, as created and started. */
static bool was_running(const struct state *s)
{
	return s->status == STATUS_RUNNING || s->status == STATUS_PAUSED ||
	       (s->status == STATUS_CREATED && s->started_unix_ms);
}

/* Look at the folder (again). A process handle that we have is better than one by number. */
static int load(struct container *c, const char *name, struct err *err)
{
	struct state fresh;
	int pidfd, rc = state_read(c->dir, name, &fresh, err);

	if (rc < 0)
		return rc;
	state_free(&c->state);
	c->state = fresh;
	c->end_untold = was_running(&fresh);
	pidfd = state_refresh_open(c->dir, &c->state, err);
	if (pidfd < 0 && pidfd != -ESRCH)
		return pidfd;
	if (pidfd >= 0 && c->pidfd >= 0)
		close(pidfd);
	else if (pidfd >= 0)
		c->pidfd = pidfd;
	return 0;
}

int container_load(struct container *c, struct err *err)
{
	CLEAN(free) char *name = xstrdup(c->state.name);

	return load(c, name, err);
}

int container_open(int root, const char *name_or_id, struct container *ret, struct err *err)
{
	CLEAN(free) char *name = NULL;
	int rc;

	*ret = CONTAINER_INIT;
	ret->root = root;
	ret->dir = state_open(root, name_or_id, &name, err);
	if (ret->dir < 0)
		return ret->dir;
	rc = load(ret, name, err);
	if (rc < 0)
		container_close(ret);
	return rc;
}

/*
 * The folder that we hold may have been removed by now, and its name may be another container's: that
 * one is not ours to touch.
 */
int container_lock(struct container *c, struct err *err)
{
	int rc = state_lock(c->dir, true, err);

	if (rc < 0)
		return rc;
	rc = rename_find(c, err);
	if (rc == 0)
		rc = err_set(err, ENOENT, "container \"%s\" does not exist any more",
			     c->state.name);
	/* Once its init was waited for, nobody writes down anything new of it. */
	if (rc < 0 || c->state.exit_known)
		return rc < 0 ? rc : 0;
	rc = container_load(c, err);
	/* Who made it held the lock, and was killed. */
	if (rc == 0 && c->state.status == STATUS_CREATING)
		c->state.status = STATUS_STOPPED;
	return rc;
}

void container_unlock(struct container *c)
{
	state_unlock(c->dir);
}

int container_cgroup(struct container *c, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	int rc;

	if (c->cgroup >= 0)
		return c->cgroup;
	if (!c->state.cgroup)
		return err_set(err, ENOENT, "container \"%s\" has no cgroup of its own",
			       c->state.name);
	rc = cgroup_host_find(&host, err);
	if (rc == 0)
		rc = c->cgroup = cgroup_open(&host, c->state.cgroup, err);
	return rc;
}

int container_spec(const struct container *c, struct spec *ret, struct err *err)
{
	return spec_load_own(c->dir, "config.json", ret, err);
}

/* ---- the end ------------------------------------------------------------------------- */

/* What others wrote down meanwhile (a stop that was asked for) is kept. */
int container_ended(struct container *c, bool known, int wait_status, struct err *err)
{
	/* Nobody reads it where it goes at once: there it is container_delete() that tells. */
	int rc = c->state.auto_remove ? 0 : container_lock(c, err);

	c->state.status = STATUS_STOPPED;
	c->state.exit_known = known;
	c->state.exit_code = known ? process_exit_code(wait_status) : 0;
	c->state.finished_unix_ms = clock_unix_ms();
	if (c->state.auto_remove)
		return 0;
	if (rc == 0) {
		end_look(c);
		rc = state_write(c->dir, &c->state, err);
		end_tell(c);
	}
	container_unlock(c);
	return rc;
}

/* Written down before it is reaped: who finds it gone without a word knows that nobody waits for it. */
int container_wait(struct container *c, int *ret_exit_code, struct err *err)
{
	int status, rc = process_peek(c->pidfd, &status);

	if (rc < 0)
		return err_set(err, -rc, "wait for container \"%s\": %s", c->state.name,
			       strerror(-rc));
	*ret_exit_code = process_exit_code(status);
	c->unreaped = true;
	rc = container_ended(c, true, status, err);
	if (!c->state.auto_remove)
		container_reap(c);
	/* Somebody has removed it at this moment (rm --force): then there is nothing to write down. */
	return rc == -ENOENT ? 0 : rc;
}

void container_reap(struct container *c)
{
	int status;

	if (c->unreaped)
		(void)!process_wait(c->pidfd, &status);
	c->unreaped = false;
}

int container_stop_asked(struct container *c, struct err *err)
{
	int rc = container_lock(c, err);

	if (rc == 0 && !c->state.stop_asked) {
		c->state.stop_asked = true;
		rc = state_write(c->dir, &c->state, err);
	}
	container_unlock(c);
	return rc;
}

static int not_running(const struct container *c, struct err *err)
{
	return err_set(err, ESRCH, "container \"%s\": container not running", c->state.name);
}

/* Its group, where that can't be another's by now. -ENOENT: it is. */
static int own_cgroup(struct container *c, struct err *err)
{
	int fd = container_cgroup(c, err), rc = 0;

	/* Where its init is, nobody else's unit can be. */
	if (fd >= 0 && c->pidfd < 0 && cgroup_populated(fd) != 0)
		rc = unit_is_others(&c->state, err);
	if (rc == 1)
		return err_set(err, ENOENT, "container \"%s\": the unit %s is another's",
			       c->state.name, c->state.unit);
	return rc < 0 ? rc : fd;
}

static int send(struct container *c, int signal, bool all, struct err *err)
{
	int fd, rc;

	if (!all) {
		if (c->state.status == STATUS_STOPPED || c->pidfd < 0)
			return not_running(c, err);
		rc = process_signal(c->pidfd, signal);
		if (rc == -ESRCH)
			return not_running(c, err);
		return rc < 0 ? err_set(err, -rc, "signal container \"%s\": %s", c->state.name,
					strerror(-rc)) :
				0;
	}
	if (!c->state.cgroup)
		return c->pidfd < 0 ? not_running(c, err) : pids_signal(c, signal, err);
	fd = own_cgroup(c, err);
	if (fd == -ENOENT)
		return not_running(c, err);
	if (fd < 0)
		return fd;
	return signal == SIGKILL ? cgroup_kill(fd, err) : cgroup_signal(fd, signal, err);
}

int container_signal(struct container *c, int signal, bool all, struct err *err)
{
	int rc = send(c, signal, all, err);

	if (rc == 0)
		event_note(c->root, &c->state, EVENT_KILL, event_number("signal", signal));
	return rc;
}

int container_kill_all(struct container *c, struct err *err)
{
	int fd = own_cgroup(c, err), rc = 0;
	bool full = fd >= 0 && cgroup_populated(fd) != 0;

	if (fd < 0 && fd != -ENOENT && c->state.unit)
		return fd;
	if (fd == -ENOENT && c->pidfd >= 0)
		rc = process_signal(c->pidfd, SIGKILL);
	else if (full)
		rc = cgroup_kill(fd, err);
	if (rc < 0 && rc != -ESRCH)
		return rc;
	if (c->pidfd >= 0 && !process_ended(c->pidfd, KILL_MS))
		return err_set(err, ETIMEDOUT,
			       "container \"%s\": its init does not end after SIGKILL",
			       c->state.name);
	if (full && cgroup_wait_empty(fd, KILL_MS) == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT,
			       "container \"%s\": processes do not end after SIGKILL",
			       c->state.name);
	return 0;
}

int container_stop_signal(const struct container *c)
{
	CLEAN(spec) struct spec spec = { 0 };
	const char *name = NULL;
	struct err ignored;
	int signal;

	if (container_spec(c, &spec, &ignored) == 0)
		name = spec_annotation(&spec, SPEC_ANNOTATION_STOP_SIGNAL);
	signal = name ? process_signal_from_name(name) : SIGTERM;
	return signal < 0 ? SIGTERM : signal;
}

int container_stop(struct container *c, int signal, int timeout_ms, struct err *err)
{
	int rc;

	if (c->state.status == STATUS_STOPPED || c->pidfd < 0)
		return 0;
	/* A frozen process gets no signal; one that was not started has nothing to put in order. */
	if (c->state.status == STATUS_PAUSED)
		rc = container_pause(c, false, err);
	else
		rc = 0;
	if (rc == 0 && c->state.status != STATUS_CREATED)
		rc = container_signal(c, signal ? signal : container_stop_signal(c), false, err);
	else if (rc == 0)
		timeout_ms = 0;
	if (rc == -ESRCH)
		return 0;
	if (rc < 0)
		return rc;
	if (!process_ended(c->pidfd, timeout_ms)) {
		/* First, for its end is told of as soon as it is there. */
		event_note(c->root, &c->state, EVENT_KILL, event_number("signal", SIGKILL));
		rc = container_kill_all(c, err);
		if (rc < 0)
			return rc;
	}
	c->state.status = STATUS_STOPPED;
	end_await(c);
	event_note(c->root, &c->state, EVENT_STOP, NULL);
	return 0;
}
