/* Where cgroup v2 is on this host, and what it has to offer. */
#ifndef CTR_CGROUPS_HOST_H
#define CTR_CGROUPS_HOST_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum cgroup_layout {
	CGROUP_UNIFIED, /* cgroup2 at /sys/fs/cgroup: all controllers */
	CGROUP_HYBRID,  /* cgroup2 beside v1 hierarchies that hold some or all controllers */
	CGROUP_V1_ONLY, /* no cgroup2 tree mounted: we can't make a group */
	CGROUP_NONE,    /* no cgroup filesystem at all */
};

/* CGROUP_HOST_INIT, then cgroup_host_find(). */
struct cgroup_host {
	enum cgroup_layout layout;
	char *mount; /* where cgroup2 is mounted, "/sys/fs/cgroup"; NULL: nowhere */
	int fd;      /* that folder, O_PATH; -1: none */
};

#define CGROUP_HOST_INIT                        \
	(struct cgroup_host)                    \
	{                                       \
		.layout = CGROUP_NONE, .fd = -1 \
	}

void cgroup_host_free(struct cgroup_host *host);
CLEAN_DEFINE(cgroup_host, struct cgroup_host, cgroup_host_free)

/*
 * Look for cgroup2: by the filesystem type at /sys/fs/cgroup, then at /sys/fs/cgroup/unified, and
 * only then in /proc/self/mountinfo. A host without it is no error: the layout says so. ret may be
 * uninitialised.
 */
int cgroup_host_find(struct cgroup_host *ret, struct err *err) MUST_CHECK;

/* The same for a cgroup2 tree mounted elsewhere (tests, a container's view). */
int cgroup_host_at(const char *mount, struct cgroup_host *ret, struct err *err) MUST_CHECK;

/* The layout in one word for tables: "unified", "hybrid", "v1", "none". */
const char *cgroup_layout_name(enum cgroup_layout layout);

/*
 * The layout in words for an error or `ctr info`: "hybrid: cpu, memory, pids are on cgroup v1; the
 * cgroup2 tree at /sys/fs/cgroup/unified has only hugetlb". The caller's to free.
 */
char *cgroup_host_words(const struct cgroup_host *host) MUST_CHECK;

/* Our own group's path below the mount ("/", "/user.slice/..."), the caller's to free. */
int cgroup_host_own(const struct cgroup_host *host, char **ret, struct err *err) MUST_CHECK;

/* The controllers that a group (a path below the mount) may hand to its children: the words of its
 * cgroup.controllers. */
int cgroup_controllers(const struct cgroup_host *host, const char *path, struct strv *ret,
		       struct err *err) MUST_CHECK;

/* Does the kernel keep who is in a cgroup namespace from the limits of its root (nsdelegate)? True of all
 * mounts of cgroup2 at once. */
bool cgroup_host_guards_namespaces(void) MUST_CHECK;

/* Is this a path for a group: absolute, clean, not the root itself, no part that starts with
 * "cgroup." as the kernel's own files do. -EINVAL or -ENAMETOOLONG with words. */
int cgroup_path_check(const char *path, struct err *err) MUST_CHECK;

/* ---- what the files of this room share --------------------------------------------- */

/* The same by the text of a mountinfo file (proc(5)), which it cuts up. */
void cgroup_host_from_mountinfo(char *text, struct cgroup_host *ret);

/* A whole control file into buf, NUL-terminated, the last newline gone: its length or -errno.
 * -EFBIG when it doesn't fit. Relative to the group's folder. */
int cgroup_read(int group, const char *file, char *buf, size_t room) MUST_CHECK;

/* The number of the line "NAME NUMBER" of such a text. False: it has none. */
bool cgroup_line(const char *text, const char *name, uint64_t *ret);

/* Is `word` one of the words of a list like cgroup.controllers? */
bool cgroup_words_have(const char *words, const char *word) MUST_CHECK;

#endif
