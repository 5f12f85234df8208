#include "ctr/events_read.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "runtime/events.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a line of ours has; a longer one is none. */
#define LINE_MAX_BYTES 65536

static void file_close(struct events_file *f)
{
	if (f->fd >= 0)
		close(take_fd(&f->fd));
	str_free(&f->rest);
}

void events_close(struct events_reader *r)
{
	file_close(&r->now);
	file_close(&r->before);
}

static int file_open(int root, const char *name)
{
	return openat(root, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int events_open(struct events_reader *r, int root, bool past, struct err *err)
{
	r->root = root;
	/* The older one first: what is moved in between is read twice rather than not at all. */
	r->now.fd = file_open(root, EVENTS_FILE);
	if (r->now.fd < 0 && errno != ENOENT)
		return err_sys(err, "open the events of containers (%s)", EVENTS_FILE);
	if (past)
		r->before.fd = file_open(root, EVENTS_OLD);
	else if (r->now.fd >= 0)
		(void)lseek(r->now.fd, 0, SEEK_END);
	return 0;
}

/* Cut the first whole line off; NULL: there is none. */
static char *line_cut(struct str *rest)
{
	char *end = rest->len ? memchr(rest->text, '\n', rest->len) : NULL, *line;
	size_t len;

	if (!end)
		return NULL;
	len = (size_t)(end - rest->text);
	line = xstrndup(rest->text, len);
	rest->len -= len + 1;
	memmove(rest->text, end + 1, rest->len + 1);
	return line;
}

static char *file_line(struct events_file *f)
{
	char buf[4096], *line;
	ssize_t n;

	while (!(line = line_cut(&f->rest))) {
		n = f->fd >= 0 ? read(f->fd, buf, sizeof(buf)) : 0;
		if (n <= 0)
			return NULL;
		if (f->rest.len > LINE_MAX_BYTES)
			str_free(&f->rest);
		str_add_bytes(&f->rest, buf, (size_t)n);
	}
	return line;
}

/* Is the file of that name another one than ours? Then ours is the one before. */
static bool moved(struct events_reader *r)
{
	struct stat ours, named;

	if (fstatat(r->root, EVENTS_FILE, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return r->now.fd < 0 || fstat(r->now.fd, &ours) < 0 || ours.st_ino != named.st_ino ||
	       ours.st_dev != named.st_dev;
}

static char *next_line(struct events_reader *r)
{
	char *line = file_line(&r->before);

	if (!line)
		line = file_line(&r->now);
	if (line || !moved(r))
		return line;
	/* Once more: it was moved by who had just written to it. */
	line = file_line(&r->now);
	if (line)
		return line;
	file_close(&r->before);
	r->before = r->now;
	r->now = (struct events_file){ .fd = file_open(r->root, EVENTS_FILE) };
	return file_line(&r->now);
}

struct json_object *events_next(struct events_reader *r)
{
	for (;;) {
		CLEAN(free) char *line = next_line(r);
		struct json_object *o = NULL;
		struct err ignored;

		if (!line)
			return NULL;
		if (json_parse_own(line, strlen(line), EVENTS_FILE, &o, &ignored) == 0 &&
		    json_object_is_type(o, json_type_object) &&
		    json_object_object_get_ex(o, "event", NULL))
			return o;
		json_drop(&o);
	}
}
