#include "ctr/cidfile.h"

#include "base/fd.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int cidfile_make(struct cidfile *c, const char *path, struct err *err)
{
	if (!path)
		return 0;
	c->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (c->fd < 0)
		return err_sys(err, "--cidfile %s", path);
	c->path = path;
	return 0;
}

int cidfile_keep(struct cidfile *c, const char *id, struct err *err)
{
	int rc;

	if (!c->path)
		return 0;
	rc = fd_write_all(c->fd, id, strlen(id));
	if (rc < 0)
		return err_set(err, -rc, "--cidfile %s: %s", c->path, strerror(-rc));
	c->path = NULL;
	return 0;
}

void cidfile_close(struct cidfile *c)
{
	if (c->path)
		(void)unlink(c->path);
	if (c->fd >= 0)
		close(c->fd);
	*c = CIDFILE_INIT;
}
