/* What is left of a container is taken away. */
#include "cgroups/leaf.h"
#include "runtime/ends.h"
#include "runtime/events.h"
#include "runtime/hooks.h"
#include "runtime/life.h"
#include "runtime/rename.h"
#include "runtime/session.h"
#include "runtime/unit.h"
#include "runtime/vm.h"
#include "spec/load.h"

#include <errno.h>

static int remove_cgroup(struct container *c, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	int rc = unit_remove(&c->state, err);

	if (rc < 0 || !c->state.cgroup)
		return rc;
	if (rc == 1)
		return 0;
	rc = cgroup_host_find(&host, err);
	if (rc < 0 || host.fd < 0)
		return rc;
	return cgroup_remove(&host, c->state.cgroup, c->state.cgroup_levels, KILL_MS, err);
}

/* The hooks stand in its folder, and run when that is gone. None: it never came to be whole. */
static bool read_hooks(struct container *c, struct spec *ret, struct strv *warnings)
{
	struct err why = { 0 };
	int rc;

	if (c->state.no_late_hooks)
		return false;
	rc = container_spec(c, ret, &why);
	if (rc < 0 && rc != -ENOENT)
		strv_printf(warnings, "hooks.poststop: not run: %s", why.text);
	return rc == 0;
}

/*
 * What is left of the container goes in the order that keeps it findable: processes, the group, and
 * its name last. Killed anywhere in here, the rest is still listed and can be removed.
 */
int container_destroy(struct container *c, struct strv *warnings, struct err *err)
{
	CLEAN(spec) struct spec spec = { 0 };
	struct err why = { 0 };
	bool has_hooks;
	int rc = container_kill_all(c, err);

	if (rc == 0 && c->end_untold)
		end_look(c);
	if (rc == 0)
		rc = remove_cgroup(c, err);
	if (rc < 0)
		return rc;
	if (vm_network_out(c, &why) < 0)
		strv_printf(warnings, "the network that its micro-VM had: %s", why.text);
	rename_forget(c);
	c->state.status = STATUS_STOPPED;
	has_hooks = read_hooks(c, &spec, warnings);
	rc = state_log_remove(&c->state, err);
	if (rc == 0)
		rc = state_remove(c->root, c->state.name, err);
	if (rc == 0) {
		end_tell(c);
		event_note(c->root, &c->state, EVENT_REMOVE, NULL);
	}
	container_reap(c);
	if (rc == 0 && has_hooks)
		hooks_run_all(&spec, HOOK_POSTSTOP, &c->state, STATUS_STOPPED, warnings);
	return rc;
}

int container_clear(struct container *c, struct strv *warnings, struct err *err)
{
	static const char *const gone[] = { STATE_START_SOCKET, STATE_CHECKPOINT_MARK,
					    STATE_HEALTH_FILE };
	CLEAN(spec) struct spec spec = { 0 };
	int rc = container_kill_all(c, err);

	if (rc == 0)
		rc = remove_cgroup(c, err);
	if (rc == 0 && read_hooks(c, &spec, warnings))
		hooks_run_all(&spec, HOOK_POSTSTOP, &c->state, STATUS_STOPPED, warnings);
	if (rc == 0)
		session_forget_all(c);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(gone); i++)
		if (unlinkat(c->dir, gone[i], 0) < 0 && errno != ENOENT)
			rc = err_sys(err, "remove %s of container \"%s\"", gone[i], c->state.name);
	return rc;
}

int container_delete(struct container *c, bool force, struct strv *warnings, struct err *err)
{
	int rc = container_lock(c, err);

	if (rc == 0 && !force && c->state.status != STATUS_STOPPED)
		rc = err_set(
			err, EBUSY,
			"container \"%s\" is %s; stop it first or remove it by force (--force)",
			c->state.name, status_name(c->state.status));
	else if (rc == 0)
		rc = container_destroy(c, warnings, err);
	container_unlock(c);
	return rc;
}
