/*
 * The systemd cgroup manager: the group is a unit's, and systemd makes it. A scope wants a process to
 * begin with, so the child is born in our own group, and systemd moves it: the one case in which
 * somebody writes cgroup.procs for us. The child waits for it before it does anything.
 */
#include "runtime/unit.h"

#include "base/json.h"
#include "runtime/container.h"
#include "runtime/rootless.h"
#include "runtime/stages.h"
#include "systemd/props.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- the plan ---------------------------------------------------------------------- */

/* Nobody is asked where the host's own has its units: at the top. */
static int manager_plan(struct plan *p, char **ret_root, struct err *err)
{
	int rc = systemd_manager_find(p->unit_user, &p->systemd, err);

	if (rc == 0 && p->unit_user)
		rc = systemd_manager_root(&p->systemd, ret_root, err);
	return rc < 0 ? err_wrap(err, "%s: ", p->opt->systemd) : 0;
}

int plan_unit(struct plan *p, struct err *err)
{
	const struct systemd_wish wish = {
		.cgroups_path = p->spec->lin.cgroups_path,
		.parent = p->opt->cgroup_parent,
		.id = p->name,
		.user = rootless_served(),
	};
	CLEAN(free) char *root = NULL;
	int rc = systemd_unit_make(&wish, &p->unit, err);
	char mark[65];

	p->unit_user = wish.user;
	container_id_make(mark);
	p->unit_mark = xstrdup(mark);
	if (rc == 0)
		rc = manager_plan(p, &root, err);
	if (rc == 0)
		p->cgroup = xasprintf("%s%s", root ? root : "", p->unit.path);
	return rc;
}

int plan_unit_props(struct plan *p, struct err *err)
{
	const struct spec_resources *res = &p->spec->lin.resources;

	p->unit_props = json_object_new_array();
	systemd_props_limits(p->unit_props, &p->limits);
	/* An ordinary user's systemd can't attach a program either. */
	if (!p->unit_user)
		systemd_props_devices(p->unit_props, res->devices.items, res->devices.count,
				      p->devices.allow_all);
	return systemd_props_annotations(p->unit_props, &p->spec->annotations, err);
}

/* ---- the rows ---------------------------------------------------------------------- */

bool want_scope(const struct plan *p)
{
	return p->unit.name && !p->unit.is_slice;
}

bool want_slice(const struct plan *p)
{
	return p->unit.name && p->unit.is_slice;
}

bool want_scope_rules(const struct plan *p)
{
	return want_scope(p) && !p->devices.allow_all;
}

/* The unit's own properties, and behind them what the plan has: an annotation has the last word. */
static struct json_object *props_make(const struct making *m)
{
	struct json_object *props = json_object_new_array(), *more = m->plan->unit_props;

	systemd_props_unit(props, &m->plan->unit, m->plan->name, m->pid);
	for (size_t i = 0; i < json_object_array_length(more); i++)
		json_object_array_add(props, json_object_get(json_object_array_get_idx(more, i)));
	systemd_props_mark(props, m->plan->unit_mark);
	return props;
}

/*
 * Is the child where it should be? A systemd of another pid namespace knows somebody else by that number,
 * one of another cgroup tree has put it elsewhere.
 */
static int check_moved(const struct making *m, struct err *err)
{
	CLEAN(free) pid_t *pids = NULL;
	size_t count = 0;
	int rc = cgroup_pids(m->cgroup, false, &pids, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++)
		if (pids[i] == m->pid)
			return 0;
	return rc < 0 ? rc :
			err_set(err, ESRCH,
				"systemd made the unit %s, but process %d is not in %s: is this "
				"another pid namespace than systemd's?",
				m->plan->unit.name, (int)m->pid, m->plan->cgroup);
}

static int unit_open(struct making *m, struct err *err)
{
	struct plan *p = m->plan;
	int rc = m->cgroup = cgroup_open(&p->host, p->cgroup, err);

	if (rc >= 0 && !p->unit.is_slice)
		rc = check_moved(m, err);
	/* What it has no property for (hugetlb, rdma) it doesn't hand down either. */
	return rc < 0 ? rc : cgroup_hand_down(&p->host, p->cgroup, &p->limits, err);
}

int unit_start(struct making *m, struct err *err)
{
	CLEAN(json) struct json_object *props = props_make(m);
	int rc = systemd_start(&m->plan->systemd, m->plan->unit.name, props, err);

	if (rc == -EHOSTDOWN)
		return err_wrap(err, "%s: ", m->plan->opt->systemd);
	if (rc == 0)
		rc = unit_open(m, err);
	if (rc < 0) {
		/*
		 * Ended by us and waited for: its end is not to be taken for the reason. Whether there is
		 * a unit now is known to systemd alone, whatever failed.
		 */
		unmake_child(m);
		unit_stop(m);
	}
	return rc;
}

int unit_start_slice(struct making *m, struct err *err)
{
	return unit_start(m, err);
}

/* As where we make the group ourselves, in rows of their own. */
int unit_device_rules(struct making *m, struct err *err)
{
	return make_device_rules(m, err);
}

int unit_limits(struct making *m, struct err *err)
{
	return make_limits(m, err);
}

void unit_stop(struct making *m)
{
	struct plan *p = m->plan;
	struct err ignored;
	int rc;

	if (m->cgroup >= 0)
		(void)!cgroup_kill(m->cgroup, &ignored);
	rc = systemd_stop(&p->systemd, p->unit.name, p->unit_mark, &ignored);
	if (rc == 0)
		rc = cgroup_remove(&p->host, p->cgroup, 0, 5000, &ignored);
	/* Another's unit of that name, and its group, are none of ours. */
	if (rc < 0)
		m->residue = true;
}

/* Nothing to do but to have waited: what this process makes from here on counts for its own group. */
int in_scope(struct making *m, struct err *err)
{
	(void)m;
	(void)err;
	return 0;
}

/* ---- one more process ---------------------------------------------------------------- */

/*
 * May we clone into that group from where we are? The kernel wants cgroup.procs of the nearest group
 * above both to be ours to write, and a session of systemd's has none with the user's units that is.
 */
static bool may_clone_into(const struct cgroup_host *host, const char *group)
{
	CLEAN(free) char *own = NULL, *procs = NULL;
	struct err ignored;
	size_t shared = 0;

	if (cgroup_host_own(host, &own, &ignored) < 0)
		return true;
	for (size_t i = 0; own[i] == group[i] || !own[i] || !group[i]; i++) {
		if ((own[i] == '/' || !own[i]) && (group[i] == '/' || !group[i]))
			shared = i;
		if (!own[i] || !group[i])
			break;
	}
	procs = xasprintf(".%.*s/cgroup.procs", (int)shared, group);
	return faccessat(host->fd, procs, W_OK, AT_EACCESS) == 0;
}

/* Below its unit's group, where a system's init has gone from it. */
static int attach_to_init(struct plan *p, const struct state *of, struct err *err)
{
	CLEAN(free) char *group = exec_init_group(of, err);
	size_t len = strlen(of->cgroup);

	if (!group)
		return -err->code;
	if (strncmp(group, of->cgroup, len) == 0 && group[len] == '/')
		p->attach_below = xstrdup(group + len);
	return 0;
}

int plan_attach(struct plan *p, const struct exec_options *opt, const struct state *of,
		struct err *err)
{
	int rc;

	if (!of->unit || !of->unit_user)
		return 0;
	rc = cgroup_host_find(&p->host, err);
	if (rc < 0 || may_clone_into(&p->host, of->cgroup))
		return rc;
	p->attach = true;
	if (opt->cgroup)
		p->attach_below = xstrdup(opt->cgroup);
	else if (p->boots && attach_to_init(p, of, err) < 0)
		return -err->code;
	return systemd_manager_find(true, &p->systemd, err);
}

bool want_attach(const struct plan *p)
{
	return p->attach;
}

int unit_attach(struct making *m, struct err *err)
{
	const struct plan *p = m->plan;

	return systemd_attach(&p->systemd, m->state->unit, p->attach_below, m->pid, err);
}

/* ---- later ------------------------------------------------------------------------- */

int unit_update(const struct state *s, const struct cgroup_settings *settings, struct err *err)
{
	CLEAN(systemd_manager) struct systemd_manager manager = SYSTEMD_MANAGER_INIT;
	CLEAN(json) struct json_object *props = json_object_new_array();
	int rc;

	systemd_props_limits(props, settings);
	if (!s->unit || !json_object_array_length(props))
		return 0;
	rc = systemd_manager_find(s->unit_user, &manager, err);
	return rc < 0 ? rc : systemd_set(&manager, s->unit, props, err);
}

int unit_remove(const struct state *s, struct err *err)
{
	CLEAN(systemd_manager) struct systemd_manager manager = SYSTEMD_MANAGER_INIT;
	int rc;

	if (!s->unit)
		return 0;
	rc = systemd_manager_find(s->unit_user, &manager, err);
	if (rc == 0)
		rc = systemd_stop(&manager, s->unit, s->unit_mark, err);
	return rc == -EHOSTDOWN ? 0 : rc;
}

int unit_is_others(const struct state *s, struct err *err)
{
	CLEAN(systemd_manager) struct systemd_manager manager = SYSTEMD_MANAGER_INIT;
	int rc;

	if (!s->unit || !s->unit_mark)
		return 0;
	rc = systemd_manager_find(s->unit_user, &manager, err);
	if (rc == 0)
		rc = systemd_other(&manager, s->unit, s->unit_mark, err);
	return rc == -EHOSTDOWN ? 0 : rc;
}
