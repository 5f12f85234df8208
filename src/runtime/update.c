/* Other limits for a container that is there. */
#include "runtime/container.h"

#include "cgroups/leaf.h"

#include <errno.h>

/* A frozen group takes new limits as well as a running one; one that has ended has no group to limit. */
static int update_locked(struct container *c, const struct spec_resources *res,
			 struct strv *warnings, struct err *err)
{
	CLEAN(cgroup_settings) struct cgroup_settings settings = { 0 };
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	int fd, rc;

	if (c->state.status == STATUS_STOPPED || c->state.status == STATUS_CREATING)
		return err_set(err, ESRCH, "container \"%s\" is %s: container not running",
			       c->state.name, status_name(c->state.status));
	rc = cgroup_settings_make(res, &settings, warnings, err);
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
	return rc < 0 ? rc : cgroup_apply(fd, &settings, err);
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
