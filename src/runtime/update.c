/* Other limits for a container that is there. */
#include "runtime/container.h"

#include "cgroups/leaf.h"
#include "runtime/events.h"
#include "runtime/unit.h"
#include "runtime/vm_control.h"
#include "spec/load.h"

#include <errno.h>

/* The standard's swap is memory and swap together: said alone, the memory is what the group has now. */
static void memory_beside_swap(struct container *c, struct spec_resources *res)
{
	struct opt_i64 *memory = &res->memory.limit, *swap = &res->memory.swap;
	char text[32];
	struct err ignored;
	int fd;

	if (!swap->set || swap->value <= 0 || (memory->set && memory->value))
		return;
	fd = container_cgroup(c, &ignored);
	if (fd >= 0 && cgroup_read(fd, "memory.max", text, sizeof(text)) > 0)
		memory->set = str_to_i64(text, 1, INT64_MAX, &memory->value) == 0;
}

/*
 * What the kernel has taken, systemd is to know too. It writes the same, but rounded (limits.c of its
 * room): so they are written once more.
 */
static int tell_systemd(const struct container *c, int fd, struct cgroup_settings *settings,
			struct err *err)
{
	int rc;

	cgroup_settle(fd, settings);
	rc = unit_update(&c->state, settings, err);
	settings->check_before_update = false;
	return rc < 0 ? rc : cgroup_apply(fd, settings, err);
}

/*
 * The standard's swap is memory and swap together, the group's is swap alone: where only the memory
 * changes, the sum in config.json changes by as much.
 */
static void swap_beside_memory(const struct container *c, struct spec_resources *res)
{
	struct opt_i64 *memory = &res->memory.limit, *swap = &res->memory.swap;
	CLEAN(spec) struct spec spec = { 0 };
	const struct opt_i64 *was_swap = &spec.lin.resources.memory.swap,
			     *was_memory = &spec.lin.resources.memory.limit;
	struct err ignored;

	if (!memory->set || memory->value <= 0 || swap->set ||
	    container_spec(c, &spec, &ignored) < 0)
		return;
	if (was_swap->set && was_swap->value > 0 && was_memory->set &&
	    was_swap->value >= was_memory->value &&
	    memory->value <= INT64_MAX - (was_swap->value - was_memory->value))
		*swap = (struct opt_i64){ true,
					  memory->value + (was_swap->value - was_memory->value) };
}

/* A later start is to have them too. */
static int keep(const struct container *c, const struct spec_resources *res, struct err *err)
{
	struct spec_resources all = *res;

	swap_beside_memory(c, &all);
	return spec_update_resources(c->dir, "config.json", &all, err);
}

static int write_all(struct container *c, int fd, struct cgroup_settings *settings,
		     const struct spec_resources *res, struct err *err)
{
	int rc = cgroup_apply(fd, settings, err);

	if (rc == 0 && c->state.unit)
		rc = tell_systemd(c, fd, settings, err);
	return rc < 0 ? rc : keep(c, res, err);
}

/* A frozen group takes new limits as well as a running one. */
static int write_or_undo(struct container *c, struct cgroup_settings *settings,
			 const struct spec_resources *res, struct strv *warnings, struct err *err)
{
	CLEAN(cgroup_settings) struct cgroup_settings before = { 0 };
	struct err why = { 0 };
	int fd = container_cgroup(c, err), rc;

	if (fd < 0)
		return fd;
	settings->update = true;
	cgroup_settings_now(fd, settings, &before);
	rc = write_all(c, fd, settings, res, err);
	if (rc < 0 && cgroup_apply(fd, &before, &why) < 0)
		strv_printf(warnings, "after that, a limit that was changed is not as it was: %s",
			    why.text);
	return rc;
}

/*
 * A micro-VM's guest has its memory from its beginning; what a lower limit leaves no room for it gives back first, and
 * takes again when the limit is higher.
 */
static int write_vm(struct container *c, struct cgroup_settings *settings,
		    const struct spec_resources *res, struct strv *warnings, struct err *err)
{
	struct vm_balloon b = { 0 };
	struct err why = { 0 };
	bool more;
	int rc;

	if (c->state.status == STATUS_PAUSED)
		return err_set(err, EBUSY,
			       "container \"%s\" is paused; resume it first, for its guest has to "
			       "give memory back, or to take it",
			       c->state.name);
	rc = vm_balloon_plan(c->dir, res->memory.limit.value, &b, err);
	if (rc < 0)
		return rc;
	more = b.wanted > b.before;
	if (more)
		rc = vm_balloon_grow(c->dir, &b, err);
	if (rc == 0)
		rc = write_or_undo(c, settings, res, warnings, err);
	if (rc == 0 && !more)
		return vm_balloon_set(c->dir, b.wanted, err);
	if (rc < 0 && more && vm_balloon_set(c->dir, b.before, &why) < 0)
		strv_printf(warnings, "after that, the guest's balloon is not as it was: %s",
			    why.text);
	return rc;
}

static int update_locked(struct container *c, const struct spec_resources *res, bool stopped_too,
			 struct strv *warnings, struct err *err)
{
	CLEAN(cgroup_settings) struct cgroup_settings settings = { 0 };
	struct spec_resources all = *res; /* what it points to stays the caller's */
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	bool ended = c->state.status == STATUS_STOPPED;
	int rc;

	if (c->state.status == STATUS_CREATING || (ended && !stopped_too))
		return err_set(err, ESRCH, "container \"%s\" is %s: container not running",
			       c->state.name, status_name(c->state.status));
	if (!ended && res->memory.limit.set && c->state.emulated)
		return err_set(err, ENOTSUP,
			       "linux.resources.memory.limit: an emulated guest (--isolation "
			       "emulated) gives no memory back and gets no more; stop it first");
	if (!ended)
		memory_beside_swap(c, &all);
	rc = cgroup_settings_make(&all, &settings, warnings, err);
	if (rc == 0)
		rc = cgroup_host_find(&host, err);
	if (rc < 0 || !settings.count)
		return rc;
	if (!c->state.cgroup)
		return err_set(err, ENOENT, "container \"%s\" has no cgroup of its own",
			       c->state.name);
	rc = cgroup_check(&host, c->state.cgroup, &settings, warnings, err);
	if (rc < 0 || ended)
		return rc < 0 ? rc : keep(c, &all, err);
	rc = cgroup_hand_down(&host, c->state.cgroup, &settings, err);
	if (rc < 0)
		return rc;
	/* One that was not started has no guest yet. */
	if (res->memory.limit.set && c->state.status != STATUS_CREATED && vm_has_control(&c->state))
		return write_vm(c, &settings, &all, warnings, err);
	return write_or_undo(c, &settings, &all, warnings, err);
}

int container_update(struct container *c, const struct spec_resources *res, bool stopped_too,
		     struct strv *warnings, struct err *err)
{
	int rc = container_lock(c, err);

	if (rc == 0)
		rc = update_locked(c, res, stopped_too, warnings, err);
	if (rc == 0)
		event_note(c->root, &c->state, EVENT_UPDATE, NULL);
	container_unlock(c);
	return rc;
}
