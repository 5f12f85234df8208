/* Other limits for a container that is there. */
#include "runtime/container.h"

#include "cgroups/leaf.h"
#include "runtime/unit.h"

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

/* A frozen group takes new limits as well as a running one; one that has ended has no group to limit. */
static int update_locked(struct container *c, const struct spec_resources *res,
			 struct strv *warnings, struct err *err)
{
	CLEAN(cgroup_settings) struct cgroup_settings settings = { 0 };
	struct spec_resources all = *res; /* what it points to stays the caller's */
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	int fd, rc;

	if (c->state.status == STATUS_STOPPED || c->state.status == STATUS_CREATING)
		return err_set(err, ESRCH, "container \"%s\" is %s: container not running",
			       c->state.name, status_name(c->state.status));
	memory_beside_swap(c, &all);
	rc = cgroup_settings_make(&all, &settings, warnings, err);
	if (rc == 0)
		rc = cgroup_host_find(&host, err);
	if (rc < 0 || !settings.count)
		return rc;
	fd = container_cgroup(c, err);
	if (fd < 0)
		return fd;
	rc = cgroup_check(&host, c->state.cgroup, &settings, warnings, err);
	if (rc == 0)
		rc = cgroup_hand_down(&host, c->state.cgroup, &settings, err);
	settings.update = true;
	if (rc == 0)
		rc = cgroup_apply(fd, &settings, err);
	return rc < 0 || !c->state.unit ? rc : tell_systemd(c, fd, &settings, err);
}

int container_update(struct container *c, const struct spec_resources *res, struct strv *warnings,
		     struct err *err)
{
	int rc = container_lock(c, err);

	if (rc == 0)
		rc = update_locked(c, res, warnings, err);
	container_unlock(c);
	return rc;
}
