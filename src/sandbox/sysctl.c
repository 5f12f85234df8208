/* linux.sysctl: which keys belong to which namespace, and writing them. */
#include "sandbox/sysctl.h"

#include "sandbox/proc.h"

#include "base/sys.h"

#include <errno.h>
#include <linux/sched.h>
#include <string.h>

/*
 * What each namespace has of its own. A key that ends in '/' stands for all below it. Everything else
 * under kernel/, vm/, fs/ ... is the whole machine's.
 */
static const struct {
	char key[32];
	uint64_t ns;
} owners[] = {
	{ "net/", CLONE_NEWNET },
	{ "kernel/msgmax", CLONE_NEWIPC },
	{ "kernel/msgmnb", CLONE_NEWIPC },
	{ "kernel/msgmni", CLONE_NEWIPC },
	{ "kernel/msg_next_id", CLONE_NEWIPC },
	{ "kernel/auto_msgmni", CLONE_NEWIPC },
	{ "kernel/sem", CLONE_NEWIPC },
	{ "kernel/sem_next_id", CLONE_NEWIPC },
	{ "kernel/shmall", CLONE_NEWIPC },
	{ "kernel/shmmax", CLONE_NEWIPC },
	{ "kernel/shmmni", CLONE_NEWIPC },
	{ "kernel/shm_next_id", CLONE_NEWIPC },
	{ "kernel/shm_rmid_forced", CLONE_NEWIPC },
	{ "fs/mqueue/", CLONE_NEWIPC },
	{ "kernel/hostname", CLONE_NEWUTS },
	{ "kernel/domainname", CLONE_NEWUTS },
	{ "user/", CLONE_NEWUSER },
};

static const struct {
	uint64_t flag;
	char words[40];
} namespaces[] = {
	{ CLONE_NEWNET, "network namespace (--network)" },
	{ CLONE_NEWIPC, "ipc namespace (--ipc)" },
	{ CLONE_NEWUTS, "uts namespace (--uts)" },
	{ CLONE_NEWUSER, "user namespace (--userns)" },
};

static const char *namespace_words(uint64_t flag)
{
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
		if (namespaces[i].flag == flag)
			return namespaces[i].words;
	return "";
}

/*
 * The path below /proc/sys. As sysctl(8) reads a key: whichever of '.' and '/' comes first separates,
 * and the other one is a letter, so that "net/ipv4/conf/eth0.100/forwarding" and
 * "net.ipv4.conf.eth0/100.forwarding" are the same. NULL when there is something in it that would lead
 * elsewhere.
 */
static char *key_to_path(const char *key, size_t len)
{
	CLEAN(free) char *path = xstrndup(key, len);
	const char *first = strpbrk(path, "./");
	bool dots = first && *first == '.';

	for (char *p = path; *p && dots; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	if (strlen(path) != len || len == 0)
		return NULL;
	for (const char *part = path; part;) {
		size_t n = strcspn(part, "/");

		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return NULL;
		part = part[n] ? part + n + 1 : NULL;
	}
	return take_ptr(path);
}

static bool row_has(const char *row, const char *path)
{
	return str_ends(row, "/") ? str_starts(path, row) : str_eq(path, row);
}

static int check_path(const char *key, const char *path, uint64_t own, struct err *err)
{
	size_t i = 0;

	while (i < ARRAY_LEN(owners) && !row_has(owners[i].key, path))
		i++;
	if (i == ARRAY_LEN(owners))
		return err_set(
			err, EINVAL,
			"linux.sysctl.%s: it belongs to no namespace: the container would set it "
			"for the whole machine; set it on the host",
			key);
	if (!(own & owners[i].ns))
		return err_set(
			err, EINVAL,
			"linux.sysctl.%s: without a %s of its own the container would set it for "
			"the host",
			key, namespace_words(owners[i].ns));
	return 0;
}

int sandbox_sysctl_check(const char *key, uint64_t own, struct err *err)
{
	CLEAN(free) char *path = key_to_path(key, strlen(key));

	if (!path)
		return err_set(err, EINVAL, "linux.sysctl: \"%s\" is not a sysctl's name", key);
	return check_path(key, path, own, err);
}

int sandbox_sysctl_check_all(const struct strv *sysctls, uint64_t own, struct err *err)
{
	for (size_t i = 0; i < sysctls->count; i++) {
		const char *end = strchrnul(sysctls->items[i], '=');
		CLEAN(free)
		char *key = xstrndup(sysctls->items[i], (size_t)(end - sysctls->items[i]));
		int rc = sandbox_sysctl_check(key, own, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_one(int proc, const char *assignment, struct err *err)
{
	const char *value = strchr(assignment, '=');
	int len = (int)(value ? value - assignment : 0);
	CLEAN(free) char *path = value ? key_to_path(assignment, (size_t)len) : NULL;
	CLEAN(free) char *file = path ? xasprintf("sys/%s", path) : NULL;
	int refused, rc;

	if (!file)
		return err_set(err, EINVAL, "linux.sysctl: \"%s\" is not KEY=VALUE", assignment);
	value++;
	rc = proc_poke(proc, file, value, &refused, err);
	if (refused)
		return err_set(err, refused, "linux.sysctl.%.*s: the kernel refuses \"%s\": %s",
			       len, assignment, value, strerror(refused));
	if (rc == -ENOENT)
		return err_set(
			err, ENOENT,
			"linux.sysctl.%.*s: this kernel has no such sysctl in the container's namespaces",
			len, assignment);
	return rc < 0 ? err_wrap(err, "linux.sysctl.%.*s: ", len, assignment) : 0;
}

int sandbox_sysctl_write(int proc, const struct strv *sysctls, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sysctls->count; i++)
		rc = write_one(proc, sysctls->items[i], err);
	return rc;
}
