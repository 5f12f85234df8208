#include "microvm/jail.h"

#include "microvm/jail_calls.h"
#include "microvm/jail_root.h"
#include "sandbox/landlock.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(cap) (1U << (cap))

/* To serve files as their owners: all are among the first 32. */
#define FILES                                                                         \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | \
	 BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETFCAP) | BIT(CAP_MKNOD))

static int keep(uint32_t caps, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2] = { 0 };

	if (syscall(SYS_capget, &head, now) < 0)
		return err_sys(err, "read our capabilities");
	now[0].permitted &= caps;
	now[0].effective = now[0].permitted;
	now[0].inheritable = 0;
	now[1] = (struct __user_cap_data_struct){ 0 };
	head.pid = 0;
	return syscall(SYS_capset, &head, now) < 0 ? err_sys(err, "give capabilities up") : 0;
}

int jail_enter(bool own_container, struct err *err)
{
	int rc = own_container ? jail_root(err) : 0;

	if (rc < 0)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "PR_SET_NO_NEW_PRIVS");
	return keep(FILES, err);
}

int jail_bare(struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "PR_SET_NO_NEW_PRIVS");
	return keep(0, err);
}

int jail_thread(enum jail_thread what, int root, struct err *err)
{
	bool files = what == JAIL_SHARE || what == JAIL_CALLER;
	int rc;

	if (what == JAIL_NONE)
		return 0;
	/* Sockets by name are none of Landlock's business. */
	rc = landlock_confine(what == JAIL_SHARE ? root : -1, err);
	if (rc >= 0 && !files)
		rc = keep(0, err);
	return rc < 0 ? rc : jail_calls(what, err);
}
