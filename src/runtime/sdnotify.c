#include "runtime/sdnotify.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "runtime/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Any user in there may write to it. */
static int bind_in(int folder, int sock, struct err *err)
{
	if (unlinkat(folder, SDNOTIFY_NAME, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove the notify socket of before");
	if (fd_bind_at(sock, folder, SDNOTIFY_NAME) < 0 ||
	    fchmodat(folder, SDNOTIFY_NAME, 0777, 0) < 0)
		return err_sys(err, "bind the container's notify socket");
	return 0;
}

int sdnotify_bind(int dir, struct err *err)
{
	CLEAN(fd) int folder = openat(dir, SDNOTIFY_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd) int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (folder < 0 || sock < 0)
		return err_sys(err, "make the container's notify socket");
	rc = bind_in(folder, sock, err);
	return rc < 0 ? rc : take_fd(&sock);
}

/* ---- its row ------------------------------------------------------------------------- */

bool want_notify(const struct plan *p)
{
	return p->notify_socket;
}

/* The mode is said twice, whatever our umask. */
static int make_folder(int dir, const char *path, mode_t mode, struct err *err)
{
	if ((mkdirat(dir, path, mode) < 0 && errno != EEXIST) || fchmodat(dir, path, mode, 0) < 0)
		return err_sys(err, "make the folder %s", path);
	return 0;
}

int make_notify(struct making *m, struct err *err)
{
	int rc = make_folder(m->dir, "notify", 0700, err);

	if (rc == 0)
		rc = make_folder(m->dir, SDNOTIFY_FOLDER, 0755, err);
	if (rc == 0)
		rc = m->notify = sdnotify_bind(m->dir, err);
	return rc < 0 ? rc : 0;
}
