/* The parent's rows: what it makes for the container, in the host's view, and writes down. */
#include "runtime/stages.h"
#include "runtime/stone.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "runtime/rootless.h"
#include "runtime/vm_control.h"
#include "spec/load.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

bool want_cgroup(const struct plan *p)
{
	return p->cgroup && !p->unit.name;
}

bool want_limits(const struct plan *p)
{
	return p->cgroup && !want_scope(p);
}

bool want_cgroup_owner(const struct plan *p)
{
	return p->cgroup && p->cgroup_delegated;
}

bool want_device_rules(const struct plan *p)
{
	return want_limits(p) && !p->devices.allow_all;
}

bool want_oom_score(const struct plan *p)
{
	return p->process->oom_score_adj.set;
}

bool want_rlimits(const struct plan *p)
{
	return p->process->rlimits.count > 0;
}

/*
 * A container that has stopped is to run once more: of its last life nothing stays but the day on which
 * it was made.
 */
static int take_again(struct making *m, struct err *err)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	int rc = container_open(m->root, m->plan->name, &c, err);

	if (rc == 0)
		rc = container_lock(&c, err);
	if (rc == 0 && c.state.status != STATUS_STOPPED)
		rc = err_set(err, EBUSY, "container \"%s\" is %s already", c.state.name,
			     status_name(c.state.status));
	if (rc == 0)
		rc = container_clear(&c, m->warnings, err);
	if (rc < 0)
		return rc;
	m->state->created_unix_ms = c.state.created_unix_ms;
	/* With the lock that is on it. */
	m->dir = take_fd(&c.dir);
	return 0;
}

int make_name(struct making *m, struct err *err)
{
	if (m->plan->opt->again)
		return take_again(m, err);
	m->dir = state_reserve(m->root, m->plan->name, err);
	if (m->dir < 0)
		return m->dir;
	if (mkdirat(m->dir, "rootfs", 0711) < 0) {
		int rc = err_sys(err, "make the mount point %s/rootfs", m->plan->staging);

		unmake_name(m);
		return rc;
	}
	return 0;
}

void unmake_name(struct making *m)
{
	struct err ignored;

	if (m->plan->opt->again) {
		m->state->status = STATUS_STOPPED;
		(void)!state_write(m->dir, m->state, &ignored);
	} else if (!m->residue) {
		(void)!state_remove(m->root, m->plan->name, &ignored);
	}
}

int make_record(struct making *m, struct err *err)
{
	if (!m->state->created_unix_ms)
		m->state->created_unix_ms = clock_unix_ms();
	return state_write(m->dir, m->state, err);
}

int make_cgroup(struct making *m, struct err *err)
{
	int made;

	return cgroup_make(&m->plan->host, m->plan->cgroup, &m->plan->limits, &m->cgroup, &made,
			   err);
}

void unmake_cgroup(struct making *m)
{
	struct err ignored;

	if (m->cgroup >= 0)
		(void)!cgroup_kill(m->cgroup, &ignored);
	if (cgroup_remove(&m->plan->host, m->plan->cgroup, m->plan->cgroup_levels, 5000, &ignored) <
	    0)
		m->residue = true;
}

int make_limits(struct making *m, struct err *err)
{
	return cgroup_apply(m->cgroup, &m->plan->limits, err);
}

int make_device_rules(struct making *m, struct err *err)
{
	return cgroup_devices_attach(m->cgroup, &m->plan->devices, false, err);
}

int make_cgroup_owner(struct making *m, struct err *err)
{
	cgroup_mark_delegated(m->cgroup);
	return m->plan->cgroup_owner ?
		       cgroup_delegate(m->cgroup, m->plan->cgroup_owner, (gid_t)-1, err) :
		       0;
}

bool want_cgroup_closed(const struct plan *p)
{
	return p->cgroup && cgroup_closes(&p->limits);
}

int make_cgroup_closed(struct making *m, struct err *err)
{
	return cgroup_close(m->cgroup, &m->plan->limits, err);
}

int make_sources(struct making *m, struct err *err)
{
	return rootfs_sources_open(&m->plan->rootfs, err);
}

void unmake_sources(struct making *m)
{
	rootfs_sources_close(&m->plan->rootfs);
}

/* Whoever starts the container finds its init by the name of this socket, as long as it lives. */
static int listen_by_name(struct making *m, struct err *err)
{
	m->start_child = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (m->start_child < 0)
		return err_sys(err, "socket");
	if (fd_bind_at(m->start_child, m->dir, STATE_START_SOCKET) < 0 ||
	    listen(m->start_child, 4) < 0)
		return err_sys(err, "bind %s/" STATE_START_SOCKET, m->plan->staging);
	return 0;
}

bool want_vm(const struct plan *p)
{
	return p->vm.wanted;
}

static int listen_in(const struct making *m, const char *name, int *ret, struct err *err)
{
	*ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*ret < 0)
		return err_sys(err, "socket");
	/* Of a life before. */
	unlinkat(m->dir, name, 0);
	if (fd_bind_at(*ret, m->dir, name) < 0 || listen(*ret, 128) < 0)
		return err_sys(err, "bind %s/%s", m->plan->staging, name);
	return 0;
}

/* Whoever comes to the guest comes this way, or controls it: root alone, as all of the folder's. */
int make_guest_sockets(struct making *m, struct err *err)
{
	int rc = listen_in(m, VM_SOCKET, &m->plan->vm.fds[VM_CALLS], err);

	/* An emulator is frozen as any process is, and has no balloon. */
	if (rc == 0 && !m->plan->vm.emulated)
		rc = listen_in(m, VM_CONTROL_SOCKET, &m->plan->vm.fds[VM_CONTROL], err);
	return rc < 0 ? rc : vm_report_make(m->dir, &m->plan->vm.fds[VM_REPORT], err);
}

static int pair(int *ret_ours, int *ret_childs, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "socketpair");
	*ret_ours = ends[0];
	*ret_childs = ends[1];
	return 0;
}

int make_start_socket(struct making *m, struct err *err)
{
	int rc = pair(&m->sync, &m->sync_child, err);

	/* Whoever is at our end anyway says it there. */
	return rc < 0 || m->plan->opt->start_by_caller ? rc : listen_by_name(m, err);
}

__attribute__((noreturn)) static void child_begin(struct making *m)
{
	/*
	 * The folder's fd carries its lock, which would be held for as long as we wait for start; the
	 * parent's ends of the sockets would keep us from seeing that it died.
	 */
	int *const theirs[] = { &m->dir, &m->root, &m->sync, &m->notify };

	for (size_t i = 0; i < ARRAY_LEN(theirs); i++)
		if (*theirs[i] >= 0)
			close(take_fd(theirs[i]));
	for (size_t i = 0; i < m->plan->opt->own_count; i++)
		if (m->plan->opt->own[i] >= 0)
			close(m->plan->opt->own[i]);
	m->sync = take_fd(&m->sync_child);
	stages_child(m);
}

int make_child(struct making *m, struct err *err)
{
	const struct plan *p = m->plan;

	if (p->by_stone) {
		int rc = stone_clone(m, ns_enter_by_stone, p->clone_flags, child_begin, err);

		if (rc < 0)
			return rc;
	} else {
		m->pid = process_clone(p->clone_flags, m->cgroup, &m->pidfd);
		if (m->pid == 0)
			child_begin(m);
		if (m->pid < 0)
			return clone_failed(-m->pid, err);
	}
	close(take_fd(&m->sync_child));
	return 0;
}

void unmake_child(struct making *m)
{
	int status;

	if (m->pidfd < 0)
		return;
	(void)!process_signal(m->pidfd, SIGKILL);
	(void)!process_wait(m->pidfd, &status);
	close(take_fd(&m->pidfd));
}

int make_oom_score(struct making *m, struct err *err)
{
	char path[48], value[24];
	int rc;

	/* By us, not by the child: in a user namespace it could not lower it. And while it waits for its
	 * ids: later it isn't the user's own any more. */
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)m->pid);
	snprintf(value, sizeof(value), "%lld", (long long)m->plan->process->oom_score_adj.value);
	rc = file_poke(AT_FDCWD, path, value);
	if ((rc == -EACCES || rc == -EPERM) && rootless()) {
		strv_printf(m->warnings, "process.oomScoreAdj: an ordinary user can't set %s here",
			    value);
		return 0;
	}
	return rc < 0 ? err_set(err, -rc, "process.oomScoreAdj: write %s to %s: %s", value, path,
				strerror(-rc)) :
			0;
}

/* Killed in here, one that is made once more still has that of its life before: it can be started again. */
int make_config(struct making *m, struct err *err)
{
	CLEAN(json) struct json_object *o = spec_to_json(m->plan->whole);
	size_t len;
	const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	int rc = file_write_atomic(m->dir, "config.json", 0600, text, len, err);

	return rc < 0 ? err_wrap(err, "%s: ", m->plan->staging) : 0;
}

/*
 * One limit, for the child, by us: a hard limit can be raised only with rights that the child may not
 * have. Where we lack them too (a restricted host), the engines that ask for their usual defaults must
 * still be able to start: as much as there is, and a warning.
 */
static int limit_set(struct making *m, const struct spec_rlimit *r, struct err *err)
{
	struct rlimit now, want = { .rlim_cur = r->soft, .rlim_max = r->hard };
	const char *name = spec_rlimit_name(r->resource);

	if (prlimit(m->pid, (__rlimit_resource_t)r->resource, &want, NULL) == 0)
		return 0;
	if (errno != EPERM || prlimit(m->pid, (__rlimit_resource_t)r->resource, NULL, &now) < 0)
		return err_sys(err, "%s: soft %llu, hard %llu", name, (unsigned long long)r->soft,
			       (unsigned long long)r->hard);
	strv_printf(m->warnings,
		    "process.rlimits: %s: the hard limit can't be raised from %llu to %llu here",
		    name, (unsigned long long)now.rlim_max, (unsigned long long)want.rlim_max);
	want.rlim_max = now.rlim_max;
	if (want.rlim_cur > want.rlim_max)
		want.rlim_cur = want.rlim_max;
	return prlimit(m->pid, (__rlimit_resource_t)r->resource, &want, NULL) < 0 ?
		       err_sys(err, "%s: set what is allowed", name) :
		       0;
}

int make_rlimits(struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;

	for (size_t i = 0; i < p->rlimits.count; i++) {
		int rc = limit_set(m, &p->rlimits.items[i], err);

		if (rc < 0)
			return err_wrap(err, "process.rlimits[%zu]: ", i);
	}
	return 0;
}

int make_pid_file(struct making *m, struct err *err)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)m->pid), rc;

	if (!m->plan->pid_file)
		return 0;
	rc = file_write_atomic(AT_FDCWD, m->plan->pid_file, 0644, text, (size_t)len, err);
	return rc < 0 ? err_wrap(err, "the pid file (--pidfile): ") : 0;
}

static int write_down(struct making *m, enum status status, struct err *err)
{
	struct state *s = m->state;
	int rc = process_start_time(m->pid, &s->pid_start);

	if (rc < 0)
		return err_set(err, -rc, "look at the init process %d: %s", (int)m->pid,
			       strerror(-rc));
	s->pid = m->pid;
	s->parent = getpid();
	s->status = status;
	if (status == STATUS_RUNNING || m->plan->opt->start_by_caller)
		s->started_unix_ms = clock_unix_ms();
	for (int i = 0; m->table[i].name; i++) {
		if (!m->stage_ns[i])
			continue;
		s->stages[s->stage_count].name = xstrdup(m->table[i].name);
		s->stages[s->stage_count++].ns = m->stage_ns[i];
	}
	rc = state_write(m->dir, s, err);
	return rc < 0 ? rc : make_pid_file(m, err);
}

int make_created(struct making *m, struct err *err)
{
	return write_down(m, STATUS_CREATED, err);
}

int make_running(struct making *m, struct err *err)
{
	return write_down(m, STATUS_RUNNING, err);
}
