/* Labels of AppArmor and SELinux that the payload's exec takes on. */
#include "sandbox/proc.h"
#include "sandbox/rights.h"
#include "sandbox/rights_check.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

bool rights_have_apparmor(void)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;

	return file_read(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &text, NULL,
			 &ignored) == 0 &&
	       text[0] == 'Y';
}

bool rights_have_selinux(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}

static bool asks_for_apparmor(const char *profile)
{
	return profile && *profile && strcmp(profile, "unconfined") != 0;
}

int rights_check_labels(const struct spec_process *p, struct err *err)
{
	if (asks_for_apparmor(p->apparmor_profile) && !rights_have_apparmor())
		return err_set(
			err, ENOTSUP,
			"process.apparmorProfile: \"%s\": this kernel runs without AppArmor; leave it out",
			p->apparmor_profile);
	if (p->selinux_label && *p->selinux_label && !rights_have_selinux())
		return err_set(
			err, ENOTSUP,
			"process.selinuxLabel: \"%s\": this kernel runs without SELinux; leave it out",
			p->selinux_label);
	return 0;
}

int rights_apparmor(int proc, const char *profile, struct err *err)
{
	CLEAN(free) char *command = NULL;
	int refused, rc;

	if (!profile || !*profile)
		return 0;
	command = xasprintf("exec %s", profile);
	rc = proc_poke(proc, "self/attr/apparmor/exec", command, &refused, err);
	/* Kernels before 5.8, and those without AppArmor, have only the file that all modules share. */
	if (rc < 0 && !refused)
		rc = proc_poke(proc, "self/attr/exec", command, &refused, err);
	if (refused && !asks_for_apparmor(profile))
		return 0; /* unconfined it is, then */
	if (refused == ENOENT)
		return err_set(
			err, refused,
			"process.apparmorProfile: the kernel has no profile \"%s\"; load it by "
			"apparmor_parser",
			profile);
	if (refused == EINVAL)
		return err_set(
			err, ENOTSUP,
			"process.apparmorProfile: \"%s\": this kernel runs without AppArmor; leave it out",
			profile);
	if (refused)
		return err_set(err, refused, "process.apparmorProfile: \"%s\": %s", profile,
			       strerror(refused));
	return rc < 0 ? err_wrap(err, "process.apparmorProfile: ") : 0;
}

int rights_selinux(int proc, const char *label, struct err *err)
{
	int refused, rc;

	if (!label || !*label)
		return 0;
	rc = proc_poke(proc, "self/attr/exec", label, &refused, err);
	if (refused == EINVAL)
		return err_set(
			err, refused,
			"process.selinuxLabel: \"%s\": the policy in force has no such context, or this "
			"kernel runs without SELinux",
			label);
	if (refused == EACCES || refused == EPERM)
		return err_set(
			err, refused,
			"process.selinuxLabel: \"%s\": the policy in force doesn't let us take it on",
			label);
	if (refused)
		return err_set(err, refused, "process.selinuxLabel: \"%s\": %s", label,
			       strerror(refused));
	return rc < 0 ? err_wrap(err, "process.selinuxLabel: ") : 0;
}
