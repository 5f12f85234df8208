/* A container from the folder of a checkpoint. */
#include "runtime/criu_terms.h"

#include "base/fd.h"
#include "base/process.h"
#include "base/spawn.h"
#include "netns/loopback.h"
#include "runtime/events.h"
#include "runtime/hooks.h"
#include "runtime/stages.h"
#include "runtime/vm_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_FILE "restore.log"
/* The one file that every image folder of criu has. */
#define INVENTORY "inventory.img"

/* ---- rows ---------------------------------------------------------------------------- */

int restore_points(struct making *m, struct err *err)
{
	return criu_mount_points(m->plan, err);
}

/*
 * In criu's process, in a mount namespace that dies with it: criu wants a root that is a mount point
 * and whose parent is in view. What the host mounts meanwhile is to be seen, what we mount is not to
 * reach the host.
 */
static int stand_root(void *data, struct err *err)
{
	const struct making *m = data;
	const struct rootfs_plan *r = &m->plan->rootfs;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return err_sys(err, "cut mount propagation to the host");
	if (mount(r->root_path, r->staging, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_sys(err, "root.path: bind %s to %s", r->root_path, r->staging);
	/* The flags of all mounts but this one are in the image. */
	if (r->readonly &&
	    mount(NULL, r->staging, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return err_sys(err, "root.readonly: %s", r->staging);
	return 0;
}

/* The restored container's own network namespace is empty: criu was told so. */
static int loopback_up_there(const struct making *m, struct err *err)
{
	CLEAN(fd) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	char path[48];
	CLEAN(fd) int there = -1;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)m->pid);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		return err_sys(err, "enter %s", path);
	rc = netns_loopback_up(err);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(err, "leave %s", path);
	return rc;
}

/*
 * The namespaces are there, and in them the first process, which has not become the container's yet. It
 * is our child (rst_sibling), so that its pid is nobody else's until we have waited for it.
 */
static int namespaces_made(struct making *m, pid_t pid, struct err *err)
{
	int rc = 0;

	m->pid = pid;
	m->pidfd = pidfd_open(pid, 0);
	if (m->pidfd < 0)
		return err_sys(err, "open the restored init %d", (int)pid);
	if (want_loopback(m->plan))
		rc = loopback_up_there(m, err);
	if (rc == 0 && want_net_devices(m->plan))
		rc = net_devices_in(m, err);
	if (rc == 0 && want_runtime_hooks(m->plan))
		rc = hooks_runtime(m, err);
	return rc;
}

static int step(void *data, const char *name, pid_t pid, int *fd, struct err *err)
{
	struct making *m = data;

	if (str_eq(name, "setup-namespaces"))
		return namespaces_made(m, pid, err);
	if (str_eq(name, "orphan-pts-master") && *fd >= 0 && m->terminal < 0)
		m->terminal = take_fd(fd);
	return 0;
}

/*
 * A network namespace that was given is held by criu from the checkpoint on: packets for connections
 * that are nobody's for the time being would be answered with a reset. In the same one as then its
 * rules are there; in another, as an engine makes it anew, they have to be made first, which criu does
 * for one that is to be empty. Made twice they would stay for ever.
 */
static bool is_held(int netns)
{
	static const char *const places[] = { "/usr/sbin/iptables", "/sbin/iptables",
					      "/usr/local/sbin/iptables", "/usr/bin/iptables" };
	CLEAN(fd) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEAN(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *const argv[] = { "iptables", "-w", "-S", "CRIU", NULL };
	struct spawn s = { .argv = argv, .in = null, .catch_output = true, .timeout_ms = 10000 };
	CLEAN(str) struct str words = { 0 };
	int status = 1;

	for (size_t i = 0; !s.path && i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			s.path = places[i];
	if (!s.path || home < 0 || null < 0 || setns(netns, CLONE_NEWNET) < 0)
		return false;
	if (spawn_wait(&s, &words, &status) < 0)
		status = 1;
	if (setns(home, CLONE_NEWNET) < 0)
		err_die("the way back from the container's network namespace is lost");
	return status == 0;
}

static int terms_make(struct making *m, int *null, struct criu_options *o, struct err *err)
{
	const struct restoring *r = m->restoring;
	const struct plan *p = m->plan;
	int rc = criu_terms(r->how, r->images, p->spec, LOG_FILE, o, err);

	if (rc == 0)
		rc = criu_namespaces_restore(p, o, err);
	if (rc == 0)
		rc = criu_mounts_restore(p, r->images, &o->external, err);
	if (rc == 0)
		rc = criu_streams_restore(r->images, p->stdio, null, o, err);
	if (p->join[NS_NETWORK] >= 0 && is_held(p->join[NS_NETWORK]))
		o->empty_ns = 0;
	o->root = p->rootfs.staging;
	o->rst_sibling = o->evasive_devices = true;
	/* cgroup v2 has one hierarchy, and it has no name. */
	if (p->cgroup)
		criu_cgroup_root_add(o, "", p->cgroup);
	return rc;
}

/*
 * In a new user namespace criu looks some images up as its root, who is a nobody in a folder of mode
 * 0700. The names in there are no secret; the files are still for root alone.
 */
static int images_searchable(const struct making *m, struct err *err)
{
	const struct images *images = m->restoring->images;
	struct stat st;

	if (!(m->plan->clone_flags & CLONE_NEWUSER))
		return 0;
	if (fstat(images->dir, &st) < 0 ||
	    ((st.st_mode & 0111) != 0111 && fchmod(images->dir, (st.st_mode | 0111) & 07777) < 0))
		return err_sys(err, "make %s searchable for the container's root", images->path);
	return 0;
}

int restore_processes(struct making *m, struct err *err)
{
	CLEAN(criu_options) struct criu_options o = CRIU_OPTIONS_INIT;
	struct criu_answer answer = { 0 };
	CLEAN(fd) int null = -1;
	const struct criu_call call = {
		.program = m->restoring->criu,
		.job = CRIU_RESTORE,
		.options = &o,
		.cgroup = m->cgroup,
		.no_new_privs = m->plan->spec->process.no_new_privileges,
		.prepare = stand_root,
		.notify = step,
		.data = m,
	};
	int rc = terms_make(m, &null, &o, err);

	if (rc == 0)
		rc = images_searchable(m, err);
	if (rc < 0)
		return rc;
	rc = criu_run(&call, &answer, err);
	if (rc == 0 && m->pidfd < 0)
		rc = err_set(err, EPROTO, "criu restored something and did not say what");
	if (rc == 0)
		return 0;
	if (!answer.ours)
		rc = criu_said("criu fails", m->restoring->images, LOG_FILE, err);
	unrestore_processes(m);
	return rc;
}

void unrestore_processes(struct making *m)
{
	if (m->netns >= 0)
		net_devices_out(m);
	unmake_child(m);
}

/* ---- all of it ----------------------------------------------------------------------- */

int criu_image_check(const struct images *images, struct err *err)
{
	if (faccessat(images->dir, INVENTORY, F_OK, 0) == 0)
		return 0;
	return err_set(err, ENOENT, "no checkpoint in %s: it has no " INVENTORY "; --image-path",
		       images->path);
}

/* The container that the checkpoint was taken of may still be listed: it has ended by that. */
int restore_take_over(int root, const char *name, struct strv *warnings, struct err *err)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err ignored;

	if (container_open(root, name, &c, &ignored) < 0 || !str_eq(c.state.name, name) ||
	    c.state.status != STATUS_STOPPED ||
	    faccessat(c.dir, STATE_CHECKPOINT_MARK, F_OK, 0) < 0)
		return 0;
	return container_delete(&c, false, warnings, err);
}

static int walk(struct plan *p, int root, const struct restoring *restoring, struct strv *warnings,
		struct container *ret, struct err *err)
{
	CLEAN(making) struct making m;
	int rc;

	state_begin(p, &ret->state);
	making_init(&m, p, &ret->state, warnings);
	m.root = root;
	m.restoring = restoring;
	rc = stages_walk(restore_stages, &m, err);
	if (rc == 0)
		rc = console_deliver(p, &m.terminal, err);
	if (rc < 0)
		return rc;
	ret->dir = take_fd(&m.dir);
	ret->pidfd = take_fd(&m.pidfd);
	ret->cgroup = take_fd(&m.cgroup);
	ret->terminal = take_fd(&m.terminal);
	ret->end_untold = true;
	event_note(root, &ret->state, EVENT_RESTORE, NULL);
	container_unlock(ret);
	return 0;
}

int container_restore(int root, struct spec *spec, const struct create_options *opt,
		      const struct checkpoint_options *how, struct strv *warnings,
		      struct container *ret, struct err *err)
{
	CLEAN(plan) struct plan p = PLAN_INIT;
	CLEAN(images) struct images images = IMAGES_INIT;
	CLEAN(free) char *criu = NULL;
	struct restoring restoring = { .how = how, .images = &images };
	char path[PATH_MAX];
	int rc = fd_path(root, path, sizeof(path), err);

	*ret = CONTAINER_INIT;
	ret->root = root;
	if (rc == 0 && spec_wants_vm(spec))
		return vm_restore(root, spec, opt, how, warnings, ret, err);
	if (rc == 0)
		rc = criu_ready(how, &criu, err);
	restoring.criu = criu;
	if (rc == 0)
		rc = images_open(how, false, &images, err);
	if (rc == 0)
		rc = criu_image_check(&images, err);
	if (rc == 0)
		rc = criu_rootfs_check(spec, err);
	if (rc == 0)
		rc = restore_take_over(root, opt->name, warnings, err);
	if (rc == 0)
		rc = plan_make(path, spec, opt, &p, warnings, err);
	if (rc == 0)
		rc = walk(&p, root, &restoring, warnings, ret, err);
	if (rc < 0)
		container_close(ret);
	return rc;
}
