#include "microvm/kernel_find.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PREFIX "vmlinuz-"

/* One that is being installed or was put aside is none. */
static bool is_kernel(const char *name)
{
	static const char *const aside[] = { ".old",      ".bak",      ".rescue", ".dpkg-new",
					     ".dpkg-tmp", ".dpkg-bak", "~" };

	for (size_t i = 0; i < ARRAY_LEN(aside); i++)
		if (str_ends(name, aside[i]))
			return false;
	/* A rescue kernel of Fedora's has no version, but a machine's id. */
	return str_starts(name, PREFIX) && name[strlen(PREFIX)] >= '0' &&
	       name[strlen(PREFIX)] <= '9';
}

int kernel_find(const char *folder, char **ret, struct err *err)
{
	CLEAN(dir) DIR *dir = opendir(folder);
	CLEAN(free) char *best = NULL;
	bool closed = false;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (!is_kernel(e->d_name) || (best && strverscmp(e->d_name, best) < 0))
			continue;
		if (faccessat(dirfd(dir), e->d_name, R_OK, AT_EACCESS) < 0) {
			closed = true;
			continue;
		}
		free(best);
		best = xstrdup(e->d_name);
	}
	if (!best && closed)
		return err_set(err, EACCES,
			       "which kernel? %s has some that you may not read, as on Ubuntu; "
			       "--kernel FILE, one that you may",
			       folder);
	if (!best)
		return err_set(err, ENOENT,
			       "which kernel? there is no " PREFIX "VERSION in %s; --kernel FILE",
			       folder);
	*ret = xasprintf("%s/%s", folder, best);
	return 0;
}
