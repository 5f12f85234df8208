/* The child's rows: how a clone of us becomes a container. */
#include "runtime/stages.h"

#include "base/path.h"
#include "runtime/account.h"
#include "runtime/command.h"
#include "sandbox/rights.h"
#include "sandbox/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

bool want_rootfs(const struct plan *p)
{
	return p->have_rootfs;
}

bool want_terminal(const struct plan *p)
{
	return p->process->terminal;
}

bool want_sysctls(const struct plan *p)
{
	return p->spec->lin.sysctl.count > 0;
}

int in_session(struct making *m, struct err *err)
{
	int rc = 0;

	/*
	 * Others may be in a pid namespace that we share: our memory and our executable are not theirs
	 * to look at. The payload's exec makes it readable again.
	 */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(err, "PR_SET_DUMPABLE");
	m->umask = umask(0);
	umask(m->umask);
	if (setsid() < 0)
		return err_sys(err, "setsid");
	if (!m->plan->no_new_keyring)
		rc = rights_session_keyring(m->plan->id, err);
	/* No keyrings in the kernel, or none to be had by quota: nothing of the host's is shared then. */
	return rc == -ENOSYS || rc == -EDQUOT ? 0 : rc;
}

int in_root(struct making *m, struct err *err)
{
	return rootfs_root_mount(&m->plan->rootfs, err);
}

int in_mounts(struct making *m, struct err *err)
{
	return rootfs_mounts_do(&m->plan->rootfs, err);
}

int in_devices(struct making *m, struct err *err)
{
	return rootfs_devices_make(&m->plan->rootfs, err);
}

int in_console(struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;
	CLEAN(fd) int master = -1;
	int slave, rc = rootfs_console_make(&m->plan->rootfs, (uint16_t)p->console_height,
					    (uint16_t)p->console_width, &master, &slave, err);

	if (rc < 0)
		return rc;
	m->terminal = slave;
	return stages_send_terminal(m, master, err);
}

/* /proc is still the host's, and /proc/sys shows the namespaces of whoever opens it. */
int in_sysctls(struct making *m, struct err *err)
{
	return sandbox_sysctl_write(AT_FDCWD, &m->plan->spec->lin.sysctl, err);
}

int in_protect(struct making *m, struct err *err)
{
	return rootfs_protect(&m->plan->rootfs, err);
}

int in_pivot(struct making *m, struct err *err)
{
	return rootfs_pivot(&m->plan->rootfs, err);
}

/* Put three fds at 0, 1, 2, whatever numbers they have now: also each other's. */
static int streams_place(const int from[3], struct err *err)
{
	int high[3];

	for (int i = 0; i < 3; i++) {
		high[i] = from[i];
		if (from[i] < 3 && from[i] != i)
			high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 10);
		if (high[i] < 0)
			return err_sys(err, "standard stream %d (fd %d)", i, from[i]);
	}
	for (int i = 0; i < 3; i++) {
		if (high[i] != i && dup2(high[i], i) < 0)
			return err_sys(err, "standard stream %d", i);
		if (high[i] != from[i])
			close(high[i]);
	}
	return 0;
}

/*
 * A user that is not root must be able to open /dev/stderr, which leads to a pipe that we, as root,
 * were given. Only pipes: a file or a terminal of the host's is not ours to give away.
 */
static void pipes_give(uid_t uid)
{
	for (int i = 0; uid && i < 3; i++) {
		struct stat st;

		if (fstat(i, &st) == 0 && S_ISFIFO(st.st_mode) && fchown(i, uid, (gid_t)-1) < 0)
			continue;
	}
}

int in_stdio(struct making *m, struct err *err)
{
	int tty[3] = { m->terminal, m->terminal, m->terminal };
	const struct spec_process *p = m->plan->process;
	int rc;

	if (m->terminal < 0) {
		rc = streams_place(m->plan->stdio, err);
		if (rc == 0)
			pipes_give(p->uid);
		return rc;
	}
	rc = streams_place(tty, err);
	if (rc < 0)
		return rc;
	close(take_fd(&m->terminal));
	return ioctl(0, TIOCSCTTY, 0) < 0 ?
		       err_sys(err, "process.terminal: make it the controlling one") :
		       0;
}

int in_command(struct making *m, struct err *err)
{
	const struct spec_process *p = m->plan->process;
	CLEAN(fd) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	/* A container without process: it will wait for a start that is refused. A micro-VM's is no file of its
	 * rootfs. */
	if (!p->args.count || m->plan->vm.wanted)
		return 0;
	rc = command_enter(p->cwd, err);
	if (rc == 0 && root >= 0)
		account_home_put(root, p->uid, &m->plan->env);
	return rc < 0 ? rc : command_find(p->args.items[0], &m->plan->env, &m->command, err);
}
