#include "microvm/listen.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int listen_address(struct sockaddr_un *ret, const char *path)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

/* One whose maker is gone is nobody's. */
static void remove_dead(const struct sockaddr_un *at)
{
	CLEAN(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd >= 0 && lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 && errno == ECONNREFUSED)
		unlink(at->sun_path);
}

int listen_at(const char *flag, const char *path, struct err *err)
{
	CLEAN(fd) int fd = -1;
	struct sockaddr_un at;

	if (listen_address(&at, path) < 0)
		return err_set(err, ENAMETOOLONG, "%s %s: a socket's path has at most %zu bytes",
			       flag, path, sizeof(at.sun_path) - 1);
	remove_dead(&at);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "%s: make a socket", flag);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return errno != EADDRINUSE ?
			       err_sys(err, "%s: make the socket %s", flag, path) :
			       err_set(err, EADDRINUSE,
				       "%s %s: there is a file already, or a socket that somebody "
				       "serves; name another, or remove it",
				       flag, path);
	if (chmod(path, 0600) < 0 || listen(fd, 128) < 0) {
		(void)err_sys(err, "%s: listen at %s", flag, path);
		unlink(path);
		return -err->code;
	}
	return take_fd(&fd);
}
