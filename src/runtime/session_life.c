/* Exec sessions as groups of processes: made by the rows of exec, signalled, ended, swept up. */
#include "base/clock.h"
#include "base/process.h"
#include "cgroups/leaf.h"
#include "runtime/session_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define END_MS 1000

/* ---- the rows of exec ------------------------------------------------------------------- */

bool want_session(const struct plan *p)
{
	return p->session;
}

int exec_session(struct making *m, struct err *err)
{
	m->session_file = session_write(m->dir, m->plan->session, err);
	return m->session_file < 0 ? m->session_file : 0;
}

void unmake_session(struct making *m)
{
	char name[SESSION_NAME_ROOM];

	session_name(m->plan->session, name);
	(void)unlinkat(m->dir, name, 0);
}

/* Where systemd is to move the process, it is systemd that makes groups. */
bool want_session_group(const struct plan *p)
{
	return p->session && !p->attach;
}

/*
 * A group without controllers: its processes count against the container's limits. One that can't be had
 * (the container's own limit of groups, or a tree that we may not change) makes no difference to the command.
 */
int exec_session_group(struct making *m, struct err *err)
{
	char name[SESSION_NAME_ROOM];

	if (m->cgroup < 0)
		return 0;
	session_name(m->plan->session, name);
	if (mkdirat(m->cgroup, name, 0755) < 0) {
		if (errno == EAGAIN || errno == EPERM || errno == EACCES || errno == EROFS)
			return 0;
		return err_sys(err, "make the group %s below the container's", name);
	}
	m->session_group = openat(m->cgroup, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return m->session_group < 0 ? err_sys(err, "open the group %s", name) : 0;
}

void unmake_session_group(struct making *m)
{
	char name[SESSION_NAME_ROOM];

	if (m->session_group < 0)
		return;
	session_name(m->plan->session, name);
	(void)unlinkat(m->cgroup, name, AT_REMOVEDIR);
}

int exec_session_pid(struct making *m, struct err *err)
{
	struct session *s = m->plan->session;

	s->pid = m->pid;
	s->pid_ticks = clock_boot_ticks();
	return session_write_pid(m->session_file, s, err);
}

void session_undo(struct making *m)
{
	if (!m->plan->session)
		return;
	unmake_session_group(m);
	unmake_session(m);
}

/*
 * The kernel's word that our parent is gone is forgotten whenever a process changes its rights: so it is asked
 * for when ours are what they will be. A parent that was gone before that has closed its end of the socket.
 */
int in_callers_life(const struct making *m, struct err *err)
{
	char byte;

	if (!m->plan->ends_with_caller)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(err, "ask for an end with the caller (PR_SET_PDEATHSIG)");
	if (recv(m->sync, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		_exit(1);
	return 0;
}

/* ---- its processes ---------------------------------------------------------------------- */

/* Its group, the caller's fd; -ENOENT: it has none (any more). */
static int group_of(struct container *c, const struct session *s)
{
	char name[SESSION_NAME_ROOM];
	struct err ignored;
	int group = container_cgroup(c, &ignored), fd;

	if (group < 0)
		return -ENOENT;
	session_name(s, name);
	fd = openat(group, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -ENOENT : fd;
}

/* Its first process; -ESRCH: there is none (any more). */
static int first_of(const struct session *s)
{
	return s->pid ? process_open_of(s->pid, s->pid_ticks) : -ESRCH;
}

static int signal_first(const struct session *s, int signal, struct err *err)
{
	CLEAN(fd) int pidfd = first_of(s);
	int rc = pidfd < 0 ? pidfd : process_signal(pidfd, signal);

	return rc < 0 ? err_set(err, -rc, "signal exec session %s: %s", s->id,
				rc == -ESRCH ? "its first process has ended" : strerror(-rc)) :
			0;
}

int session_signal(struct container *c, const struct session *s, int signal, bool all,
		   struct err *err)
{
	CLEAN(fd) int group = all ? group_of(c, s) : -ENOENT;

	return group < 0 ? signal_first(s, signal, err) : cgroup_signal(group, signal, err);
}

int session_end(struct container *c, const struct session *s, struct err *err)
{
	CLEAN(fd) int group = group_of(c, s);
	CLEAN(fd) int pidfd = -1;
	int rc;

	if (group >= 0) {
		rc = cgroup_kill(group, err);
		if (rc == 0 && cgroup_wait_empty(group, END_MS) == -ETIMEDOUT)
			rc = err_set(err, ETIMEDOUT, "exec session %s does not end", s->id);
		return rc;
	}
	pidfd = first_of(s);
	if (pidfd == -ESRCH)
		return 0;
	rc = pidfd < 0 ? pidfd : process_signal(pidfd, SIGKILL);
	if (rc == 0 && !process_ended(pidfd, END_MS))
		rc = -ETIMEDOUT;
	return rc < 0 ? err_set(err, -rc, "end exec session %s: %s", s->id, strerror(-rc)) : 0;
}

int session_pids(struct container *c, const struct session *s, pid_t **ret, size_t *ret_count,
		 struct err *err)
{
	CLEAN(fd) int group = group_of(c, s);
	CLEAN(fd) int pidfd = -1;

	if (group >= 0)
		return cgroup_pids(group, true, ret, ret_count, err);
	pidfd = first_of(s);
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)[0] = s->pid;
	*ret_count = pidfd >= 0 && !process_ended(pidfd, 0);
	return 0;
}

/* ---- its end ---------------------------------------------------------------------------- */

/* True: no process of it is left, nor its group. */
static bool group_removed(struct container *c, const struct session *s)
{
	char name[SESSION_NAME_ROOM];
	struct err ignored;
	int group = container_cgroup(c, &ignored);

	session_name(s, name);
	return group < 0 || unlinkat(group, name, AT_REMOVEDIR) == 0 || errno != EBUSY;
}

static void forget(const struct container *c, const struct session *s)
{
	char name[SESSION_NAME_ROOM];

	session_name(s, name);
	(void)unlinkat(c->dir, name, 0);
}

void session_over(struct container *c, const struct session *s, int exit_code)
{
	struct err ignored;

	if (group_removed(c, s))
		forget(c, s);
	else
		(void)!session_write_end(c->dir, s, exit_code, &ignored);
}

static bool lives(pid_t pid, uint64_t start)
{
	CLEAN(fd) int pidfd = pid > 0 ? process_open_of(pid, start) : -ESRCH;

	return pidfd >= 0 ? !process_ended(pidfd, 0) : pidfd != -ESRCH;
}

static void sweep_one(struct container *c, const struct session *s)
{
	struct err ignored;

	if (!s->ended && lives(s->client, s->client_ticks))
		return;
	if (!s->keep && !s->ended)
		(void)!session_end(c, s, &ignored);
	if (!lives(s->pid, s->pid_ticks) && group_removed(c, s))
		forget(c, s);
}

void session_sweep(struct container *c)
{
	CLEAN(sessions) struct sessions list = { 0 };
	struct err ignored;

	if (session_list(c, &list, &ignored) < 0)
		return;
	for (size_t i = 0; i < list.count; i++)
		sweep_one(c, &list.items[i]);
}
