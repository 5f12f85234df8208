/* Handing a filter to the kernel, and what it means when the kernel refuses. */
#include "sandbox/seccomp_rules.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which of the flags does this kernel not have? It says EFAULT for a NULL program only when it knows
 * the flag. */
static uint32_t unknown_flags(uint32_t flags)
{
	uint32_t unknown = 0;

	for (uint32_t bit = 1; bit && bit <= flags; bit <<= 1) {
		uint32_t probe = bit;

		if (bit == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
			probe |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
		if (flags & bit && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, probe, NULL) < 0 &&
		    errno == EINVAL)
			unknown |= bit;
	}
	return unknown;
}

static int explain(const struct seccomp_filter *f, uint32_t flags, struct err *err)
{
	CLEAN(str) struct str text = { 0 };
	int code = errno;
	uint32_t unknown;

	switch (code) {
	case EACCES:
		return err_set(
			err, code,
			"linux.seccomp: only a process with no_new_privs or CAP_SYS_ADMIN may load a "
			"filter; set process.noNewPrivileges (--security-opt no-new-privileges)");
	case ENOSYS:
		return err_set(
			err, code,
			"linux.seccomp: this kernel, or a filter that we run under, has no seccomp(2); "
			"leave the profile out (--security-opt seccomp=unconfined)");
	case EBUSY:
		return err_set(
			err, code,
			"linux.seccomp: SCMP_ACT_NOTIFY: a filter that we run under has a listener "
			"already, and there can be only one");
	case ENOMEM:
		return err_set(
			err, code,
			"linux.seccomp: the filter has %zu instructions; with those of the filters that we "
			"run under that is more than the kernel allows",
			f->count);
	case EINVAL:
		unknown = unknown_flags(flags);
		seccomp_flags_text(unknown, &text);
		if (unknown & SECCOMP_FILTER_FLAG_NEW_LISTENER)
			str_printf(&text, "%sSCMP_ACT_NOTIFY", text.len ? ", " : "");
		if (text.len)
			return err_set(err, ENOTSUP,
				       "linux.seccomp: this kernel doesn't have %s; leave it out",
				       text.text);
		break;
	}
	errno = code;
	return err_sys(err, "linux.seccomp: load a filter of %zu instructions", f->count);
}

int seccomp_filter_load(const struct seccomp_filter *f, int *ret_listener, struct err *err)
{
	struct sock_fprog prog = { .len = (unsigned short)f->count, .filter = f->insns };
	uint32_t flags = f->flags;
	long fd;

	if (ret_listener)
		*ret_listener = -1;
	if (f->count == 0)
		return 0;
	if (f->wants_listener) {
		if (!ret_listener)
			return err_set(
				err, EINVAL,
				"linux.seccomp: SCMP_ACT_NOTIFY: nobody takes the notify fd");
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
		/* Both would return a number: that of a thread which can't follow, or the fd. */
		if (flags & SECCOMP_FILTER_FLAG_TSYNC)
			flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	}
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd < 0)
		return explain(f, flags, err);
	if (f->wants_listener)
		*ret_listener = (int)fd;
	else if (fd > 0)
		return err_set(
			err, ESRCH,
			"linux.seccomp.flags: SECCOMP_FILTER_FLAG_TSYNC: thread %ld runs under a filter "
			"that is not ours",
			fd);
	return 0;
}
