/* From a created container to one that runs. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/events.h"
#include "runtime/hooks.h"
#include "runtime/life.h"
#include "runtime/stages.h"
#include "runtime/vm.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int start_connect(struct container *c, struct err *err)
{
	int sock = fd_connect_at(c->dir, STATE_START_SOCKET, SOCK_SEQPACKET);

	if (sock < 0)
		return err_sys(err, "reach the init of container \"%s\"", c->state.name);
	return sock;
}

/* A hook of the start failed: the standard wants the container destroyed, and then the poststop hooks. */
static void destroy(struct container *c, struct strv *warnings)
{
	struct err why = { 0 };

	if (container_destroy(c, warnings, &why) < 0)
		strv_printf(warnings, "after that, removing the container failed too: %s",
			    why.text);
}

static int poststart(struct container *c, struct strv *warnings, struct err *err)
{
	CLEAN(spec) struct spec spec = { 0 };
	int rc = 0;

	if (!c->state.no_late_hooks)
		rc = container_spec(c, &spec, err);
	if (rc == 0 && !c->state.no_late_hooks)
		rc = hooks_run(&spec, HOOK_POSTSTART, &c->state, STATUS_RUNNING, err);
	if (rc < 0)
		destroy(c, warnings);
	return rc;
}

/* Over the socket to its init. */
static int start_over(int sock, struct container *c, struct strv *warnings, struct err *err)
{
	const struct stage *failed = NULL;
	CLEAN(fd) int network = -1;
	int rc = vm_network_in(c, sock, &network, err);

	if (rc == 0)
		rc = stages_start(sock, &c->state, c->dir, network, &failed, err);

	c->state.status = rc < 0 ? STATUS_STOPPED : STATUS_RUNNING;
	if (rc < 0 && failed && failed->run == hooks_start_container)
		destroy(c, warnings);
	return rc;
}

static int tell_init(struct container *c, struct strv *warnings, struct err *err)
{
	CLEAN(fd) int sock = start_connect(c, err);

	/*
	 * An init that lives and takes no callers has heard the word already: whoever said it was killed
	 * before he could write that down, and we do the rest in his place.
	 */
	if (sock == -ECONNREFUSED && !process_ended(c->pidfd, 0)) {
		c->state.status = STATUS_RUNNING;
		return 0;
	}
	return sock < 0 ? sock : start_over(sock, c, warnings, err);
}

/* What never came to run has no end that is to be told. */
static int started(struct container *c)
{
	c->end_untold = true;
	event_note(c->root, &c->state, EVENT_START, NULL);
	return 0;
}

/* A command that can't be run is an end with a status, to docker and to its users. */
static void ended_at_once(struct container *c, const struct err *err)
{
	c->state.exit_known = c->end_untold = true;
	c->state.exit_code = err->exit_status;
}

static int start_by_name(struct container *c, struct strv *warnings, struct err *err)
{
	int rc;

	if (c->state.status != STATUS_CREATED)
		return err_set(
			err, EINVAL,
			"cannot start container \"%s\": it is %s, and only a created one can be started",
			c->state.name, status_name(c->state.status));
	if (c->state.no_process)
		return err_set(
			err, EINVAL,
			"cannot start container \"%s\": its config.json has no process to run",
			c->state.name);
	rc = tell_init(c, warnings, err);
	if (rc < 0)
		return rc;
	unlinkat(c->dir, STATE_START_SOCKET, 0);
	c->state.started_unix_ms = clock_unix_ms();
	rc = poststart(c, warnings, err);
	if (rc == 0)
		rc = state_write(c->dir, &c->state, err);
	return rc < 0 ? rc : started(c);
}

/*
 * A container that we made for ourselves is written down as running when it was created, so that
 * `run` writes nothing more here.
 */
int container_start(struct container *c, struct strv *warnings, struct err *err)
{
	int rc;

	if (c->start_sock >= 0) {
		rc = start_over(c->start_sock, c, warnings, err);
		if (rc < 0)
			ended_at_once(c, err);
		close(take_fd(&c->start_sock));
		if (rc == 0)
			rc = poststart(c, warnings, err);
		if (rc == 0)
			rc = started(c);
		container_unlock(c);
		return rc;
	}
	rc = container_lock(c, err);
	if (rc == 0)
		rc = start_by_name(c, warnings, err);
	container_unlock(c);
	return rc;
}
