#include "sandbox/landlock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's struct as of version 6, which is newer than some headers: a version knows so many bytes of it. */
struct ruleset {
	uint64_t files, net, scoped;
};

#define VERSION_REFER 2

/* What each version has added. */
static const struct {
	struct ruleset adds;
	size_t bytes;
} versions[] = {
	{ { 0, 0, 0 }, 0 },
	{ { 0x1fff, 0, 0 }, offsetof(struct ruleset, net) },     /* from execute to make_sym */
	{ { 1 << 13, 0, 0 }, offsetof(struct ruleset, net) },    /* refer */
	{ { 1 << 14, 0, 0 }, offsetof(struct ruleset, net) },    /* truncate */
	{ { 0, 3, 0 }, offsetof(struct ruleset, scoped) },       /* bind and connect TCP */
	{ { 1 << 15, 0, 0 }, offsetof(struct ruleset, scoped) }, /* ioctl of devices */
	{ { 0, 0, 1 }, sizeof(struct ruleset) },                 /* abstract sockets of others */
};

#define VERSION_MAX ((int)(sizeof(versions) / sizeof(versions[0])) - 1)

int landlock_version(void)
{
	long n = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return n < 0 ? 0 : n > VERSION_MAX ? VERSION_MAX : (int)n;
}

static int allow(int rules, int root, uint64_t files, struct err *err)
{
	const struct landlock_path_beneath_attr below = { .allowed_access = files,
							  .parent_fd = root };

	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0)
		return err_sys(err, "allow a folder by Landlock");
	return 0;
}

int landlock_confine(int root, struct err *err)
{
	struct ruleset all = { 0 };
	int version = landlock_version(), rc = 0;
	CLEAN(fd) int rules = -1;

	if (version == 0 || (root >= 0 && version < VERSION_REFER))
		return 0;
	for (int i = 0; i <= version; i++) {
		all.files |= versions[i].adds.files;
		all.net |= versions[i].adds.net;
		all.scoped |= versions[i].adds.scoped;
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, versions[version].bytes, 0);
	if (rules < 0)
		return err_sys(err, "make rules for Landlock");
	if (root >= 0)
		rc = allow(rules, root, all.files, err);
	if (rc < 0)
		return rc;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return err_sys(err, "confine a thread by Landlock");
	return 1;
}
