/* One more process in a running container, and the rows that only this needs. */
#include "runtime/container.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/process.h"
#include "cgroups/leaf.h"
#include "runtime/events.h"
#include "runtime/plan.h"
#include "runtime/rootless.h"
#include "runtime/session_rows.h"
#include "runtime/stages.h"
#include "runtime/stone.h"
#include "sandbox/rights.h"
#include "spec/names.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

int exec_socket(struct making *m, struct err *err)
{
	int ends[2];

	/*
	 * The child will be seen by what runs in the container before it is one of it: nobody there may
	 * look into its memory or at its executable. A clone inherits this.
	 */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(err, "PR_SET_DUMPABLE");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "socketpair");
	m->sync = ends[0];
	m->sync_child = ends[1];
	return 0;
}

bool want_initial_cpus(const struct plan *p)
{
	return p->process->exec_cpu_affinity_initial && *p->process->exec_cpu_affinity_initial;
}

/* A child inherits where we run, and is born in its group: so it is we who go there before. */
int exec_initial_cpus(struct making *m, struct err *err)
{
	if (sched_getaffinity(0, sizeof(m->cpus), &m->cpus) < 0)
		return err_sys(err, "process.execCPUAffinity.initial: where we run now");
	return rights_cpu_affinity(m->plan->process->exec_cpu_affinity_initial, "initial", err);
}

void exec_former_cpus(struct making *m)
{
	(void)!sched_setaffinity(0, sizeof(m->cpus), &m->cpus);
}

int exec_leave_cpus(struct making *m, struct err *err)
{
	(void)err;
	exec_former_cpus(m);
	return 0;
}

bool want_pid_ns(const struct plan *p)
{
	(void)p;
	return !rootless();
}

int exec_pid_ns(struct making *m, struct err *err)
{
	m->home[NS_PID] = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (m->home[NS_PID] < 0)
		return err_sys(err, "open /proc/self/ns/pid");
	/*
	 * The root of a user namespace (podman's, of an ordinary user) may go into what belongs to that,
	 * and not back to where it was before it: then a stepping stone goes.
	 */
	if (setns(m->home[NS_PID], CLONE_NEWPID) < 0 && errno == EPERM) {
		close(take_fd(&m->home[NS_PID]));
		return 0;
	}
	if (setns(m->target, CLONE_NEWPID) == 0)
		return 0;
	close(take_fd(&m->home[NS_PID]));
	return errno == ESRCH ? err_set(err, ESRCH, "container not running") :
				err_sys(err, "enter the pid namespace");
}

/*
 * A container that manages groups of its own below its group (systemd does) has handed out
 * controllers there, and the kernel allows no process beside them: then it is the group in which its
 * init is.
 */
char *exec_init_group(const struct state *of, struct err *err)
{
	CLEAN(free) char *text = NULL;
	char path[48];
	char *line;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)of->pid);
	if (file_read(AT_FDCWD, path, 1 << 16, &text, NULL, err) < 0)
		return NULL;
	line = strstr(text, "0::/");
	if (!line) {
		err_set(err, ENOENT, "%s has no cgroup v2 line", path);
		return NULL;
	}
	return xstrndup(line + 3, strcspn(line + 3, "\n"));
}

static int group_of_init(const struct state *of, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	CLEAN(free) char *path = exec_init_group(of, err);
	int rc = path ? cgroup_host_find(&host, err) : -err->code;

	return rc < 0 ? rc : cgroup_open(&host, path, err);
}

static void child_begin(struct making *m)
{
	close(take_fd(&m->sync));
	m->sync = take_fd(&m->sync_child);
	stages_child(m);
}

/* An ordinary user has the right to enter the pid namespace only inside of its user namespace. */
static int enter_user_and_pid(struct making *m, struct err *err)
{
	return setns(m->target, CLONE_NEWUSER | CLONE_NEWPID) < 0 ?
		       err_sys(err, "enter its user and pid namespace") :
		       0;
}

static int enter_pid(struct making *m, struct err *err)
{
	return setns(m->target, CLONE_NEWPID) < 0 ? err_sys(err, "enter its pid namespace") : 0;
}

static int clone_child(struct making *m, int group, struct err *err)
{
	int own = m->cgroup, rc = 0;

	m->cgroup = group;
	if (rootless()) {
		rc = stone_clone(m, enter_user_and_pid, 0, child_begin, err);
	} else if (m->home[NS_PID] < 0) {
		rc = stone_clone(m, enter_pid, 0, child_begin, err);
	} else {
		m->pid = process_clone(0, group, &m->pidfd);
		if (m->pid == 0)
			child_begin(m);
		if (m->pid < 0)
			rc = clone_failed(-m->pid, err);
	}
	m->cgroup = own;
	return rc;
}

static int born_in(const struct making *m)
{
	if (m->plan->attach)
		return -1;
	return m->session_group >= 0 ? m->session_group : m->cgroup;
}

int exec_child(struct making *m, struct err *err)
{
	int rc = clone_child(m, born_in(m), err);

	if (rc == -EBUSY && m->cgroup >= 0) {
		CLEAN(fd) int group = group_of_init(m->state, err);

		rc = group < 0 ? group : clone_child(m, group, err);
	}
	if (rc == 0)
		close(take_fd(&m->sync_child));
	return rc;
}

/*
 * The user namespace last: what is not owned by it (a network namespace that was joined) can be
 * entered only with the rights that we have outside.
 */
int exec_enter(struct making *m, struct err *err)
{
	const struct spec_namespace *ns = m->plan->spec->lin.namespaces;
	int flags = 0;

	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++)
		if (ns[kind].wanted && kind != NS_PID && kind != NS_USER)
			flags |= (int)spec_ns_flag(kind);
	if (setns(m->target, flags) < 0)
		return err_sys(err, "enter its namespaces");
	/* A micro-VM's launcher has one also where the container has none. */
	if ((!ns[NS_USER].wanted && !m->plan->vm.wanted) || rootless())
		return rootless() ? ns_become_root(m, err) : 0;
	/* EINVAL: it was joined by path and is the one that we are in. */
	if (setns(m->target, CLONE_NEWUSER) < 0)
		return errno == EINVAL ? 0 : err_sys(err, "enter its user namespace");
	return ns_become_root(m, err);
}

/* A micro-VM's launcher has the container's files, and so its /dev, in a folder (jail_root.h). */
static int open_ptmx(const struct plan *p)
{
	static const char *const paths[] = { "/" WIRE_LAUNCHER_FILES "/dev/pts/ptmx",
					     "/dev/pts/ptmx" };
	int fd = -1;

	for (size_t i = p->vm.wanted ? 0 : 1; fd < 0 && i < ARRAY_LEN(paths); i++)
		fd = open(paths[i], O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	return fd;
}

/* A pty of the container's own devpts, checked to be one: it owns /dev. */
int exec_console(struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;
	struct winsize size = { .ws_row = (unsigned short)p->console_height,
				.ws_col = (unsigned short)p->console_width };
	CLEAN(fd) int master = open_ptmx(m->plan);
	struct statfs fs;
	int unlock = 0;

	if (master < 0)
		return err_sys(err, "process.terminal: open /dev/pts/ptmx in the container");
	if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, EINVAL,
			       "process.terminal: /dev/pts in the container is no devpts");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, "process.terminal: unlock the terminal");
	m->terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (m->terminal < 0)
		return err_sys(err, "process.terminal: open the terminal");
	if (size.ws_row && size.ws_col && ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_sys(err, "process.consoleSize");
	if (p->uid && fchown(m->terminal, p->uid, (gid_t)-1) < 0)
		return err_sys(err, "process.terminal: give it to user %u", p->uid);
	return stages_send_terminal(m, master, err);
}

/*
 * The group that the process is born in: the container's, or one that was made below it. Resolved
 * beneath: what is delegated to a container may hold names of its own making, and links nowhere else.
 * A system's init may be about to hand controllers out, which a process beside its groups would forbid; one
 * of a session is in a group by itself.
 */
static int exec_group(struct container *c, const struct plan *p, const char *below, int *ret,
		      int *ret_own, struct err *err)
{
	if (p->boots && !below && !p->attach && !p->session) {
		*ret = *ret_own = group_of_init(&c->state, err);
		return *ret < 0 ? *ret : 0;
	}
	*ret = container_cgroup(c, err);
	if (*ret == -ENOENT && !below) {
		*ret = -1;
		return 0;
	}
	if (*ret < 0 || !below)
		return *ret < 0 ? *ret : 0;
	below += strspn(below, "/");
	*ret_own = path_open_in_root(*ret, *below ? below : ".", O_RDONLY | O_DIRECTORY, 0, err);
	*ret = *ret_own;
	return *ret < 0 ? err_wrap(err, "--cgroup: ") : 0;
}

static int exec_walk(struct container *c, const struct exec_options *opt, struct plan *p,
		     struct making *m, struct err *err)
{
	CLEAN(fd) int own = -1;
	int rc;

	m->target = c->pidfd;
	rc = exec_group(c, p, opt->cgroup, &m->cgroup, &own, err);
	if (rc < 0)
		return rc;
	m->dir = c->dir;
	rc = stages_walk(exec_stages, m, err);
	if (rc == 0)
		rc = stages_await_exec(m, err);
	if (rc == 0 && p->console_socket >= 0 && m->terminal >= 0) {
		rc = fd_send(p->console_socket, p->name, strlen(p->name), &m->terminal, 1);
		close(take_fd(&m->terminal));
		if (rc < 0)
			err_set(err, -rc, "send the terminal to the console socket: %s",
				strerror(-rc));
	}
	if (rc < 0) {
		unmake_child(m);
		session_undo(m);
	}
	m->cgroup = m->dir = -1; /* the container's, or freed here */
	return rc;
}

pid_t container_exec(struct container *c, const struct exec_options *opt, struct strv *warnings,
		     int *ret_pidfd, int *ret_terminal, struct err *err)
{
	CLEAN(plan) struct plan p = PLAN_INIT;
	CLEAN(making) struct making m;
	char root[PATH_MAX];
	int rc;

	making_init(&m, &p, &c->state, warnings);
	if (c->state.status == STATUS_PAUSED && !opt->ignore_paused)
		return err_set(err, EBUSY, "container \"%s\" is paused; resume it first",
			       c->state.name);
	if (c->pidfd < 0 || c->state.status == STATUS_STOPPED || c->state.status == STATUS_CREATING)
		return err_set(err, ESRCH, "container \"%s\" is %s: container not running",
			       c->state.name, status_name(c->state.status));
	rc = fd_path(c->root, root, sizeof(root), err);
	if (rc == 0)
		rc = plan_make_exec(root, opt->spec, opt, &c->state, &p, warnings, err);
	if (rc == 0)
		rc = exec_walk(c, opt, &p, &m, err);
	if (rc < 0)
		return rc;
	event_note(c->root, &c->state, EVENT_EXEC, event_number("pid", m.pid));
	*ret_pidfd = take_fd(&m.pidfd);
	*ret_terminal = take_fd(&m.terminal);
	return m.pid;
}
