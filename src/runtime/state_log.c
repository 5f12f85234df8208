/* The log of a container goes with it. */
#include "runtime/state.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* "NAME", or "NAME.7": an older file of it. */
static bool is_of(const char *entry, const char *name)
{
	const char *rest = str_starts(entry, name) ? entry + strlen(name) : "?";

	if (*rest == '.' && rest[1])
		rest += 1 + strspn(rest + 1, "0123456789");
	return !*rest;
}

int state_log_remove(const struct state *s, struct err *err)
{
	const char *slash = s->log_path ? strrchr(s->log_path, '/') : NULL;
	CLEAN(free) char *name = xasprintf("%s.log", s->id ? s->id : ""), *folder = NULL;
	struct dirent *d;
	DIR *dir;
	int rc = 0;

	if (!slash || !s->id || !str_eq(slash + 1, name))
		return 0;
	folder = xstrndup(s->log_path, (size_t)(slash - s->log_path));
	dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, "open the folder of the log, %s", folder);
	/* A rotation that was cut short leaves a gap in the numbers, so they aren't counted up. */
	while (rc == 0 && (d = readdir(dir)))
		if (is_of(d->d_name, name) && unlinkat(dirfd(dir), d->d_name, 0) < 0 &&
		    errno != ENOENT)
			rc = err_sys(err, "remove the log %s/%s", folder, d->d_name);
	closedir(dir);
	return rc;
}
