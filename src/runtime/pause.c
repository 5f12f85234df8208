/* A container's processes stopped where they are, and let go on. */
#include "runtime/container.h"

#include "cgroups/leaf.h"
#include "runtime/events.h"
#include "runtime/life.h"
#include "runtime/vm_control.h"

#include <errno.h>

#define VM_FREEZE_MS 1000

static int freeze(struct container *c, bool paused, int timeout_ms, struct err *err)
{
	int fd = container_cgroup(c, err);

	return fd < 0 ? fd : cgroup_freeze(fd, paused, timeout_ms, err);
}

/*
 * It may be that it can't be: before Linux 6.12 (and Debian's 6.1 is) a thread that KVM has in the kernel keeps its
 * group from being frozen. And without a group nothing was.
 */
int launcher_freeze(struct container *c, bool frozen, struct err *err)
{
	struct err ignored;

	if (!c->state.cgroup)
		return 0;
	if (!frozen)
		return freeze(c, false, KILL_MS, err);
	(void)!freeze(c, true, VM_FREEZE_MS, &ignored);
	return 0;
}

/* A micro-VM's processors are held by its launcher, which is what counts. */
static int freeze_vm(struct container *c, bool paused, struct err *err)
{
	int rc = paused ? vm_control(c->dir, "pause", err) : launcher_freeze(c, false, err);

	if (rc < 0)
		return rc;
	return paused ? launcher_freeze(c, true, err) : vm_control(c->dir, "resume", err);
}

static int pause_locked(struct container *c, bool paused, struct err *err)
{
	enum status now = paused ? STATUS_RUNNING : STATUS_PAUSED;
	int rc;

	if (c->state.status != now)
		return err_set(err, EINVAL, "container \"%s\" is %s, not %s", c->state.name,
			       status_name(c->state.status), status_name(now));
	rc = vm_has_control(&c->state) ? freeze_vm(c, paused, err) :
					 freeze(c, paused, KILL_MS, err);
	if (rc < 0)
		return rc;
	c->state.status = paused ? STATUS_PAUSED : STATUS_RUNNING;
	rc = state_write(c->dir, &c->state, err);
	event_note(c->root, &c->state, paused ? EVENT_PAUSE : EVENT_UNPAUSE, NULL);
	return rc;
}

int container_pause(struct container *c, bool paused, struct err *err)
{
	int rc = container_lock(c, err);

	if (rc == 0)
		rc = pause_locked(c, paused, err);
	container_unlock(c);
	return rc;
}
