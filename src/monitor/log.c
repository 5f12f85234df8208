#include "monitor/log.h"

#include "base/fd.h"
#include "base/file.h"
#include "monitor/log_format.h"
#include "monitor/log_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One row per driver. */
static const struct driver {
	const char *name;
	log_format_fn format; /* of those that write a file */
	bool journal;
} drivers[] = {
	{ "k8s-file", .format = log_format_k8s },
	{ "json-file", .format = log_format_json },
	{ "journald", .journal = true },
	{ "none" },
};

struct log {
	const struct driver *driver;
	struct log_mark *mark; /* borrowed */
	char *path;
	uint64_t max_size_bytes;
	unsigned int max_files;
	bool drop;
	int fd;
	uint64_t size;
	struct str text; /* of one chunk */
	struct log_journal *journal;
};

static const struct driver *driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (str_eq(drivers[i].name, name))
			return &drivers[i];
	return NULL;
}

bool log_driver_known(const char *name)
{
	return driver_find(name) != NULL;
}

bool log_driver_is_file(const char *name)
{
	const struct driver *d = driver_find(name);

	return d && d->format;
}

void log_driver_names(struct str *out)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		str_printf(out, "%s%s", i ? ", " : "", drivers[i].name);
}

/* ---- the file -------------------------------------------------------------------------- */

static int file_open(struct log *l, struct err *err)
{
	struct stat st;
	int fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		      0600);

	if (fd < 0 || fstat(fd, &st) < 0) {
		int rc = err_sys(err, "open the log %s", l->path);

		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, EINVAL, "the log %s is no regular file", l->path);
	}
	l->fd = fd;
	l->size = (uint64_t)st.st_size;
	return 0;
}

static int folders_make(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	CLEAN(free) char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;

	return folder && *folder ? file_mkdir_p(folder, 0700, err) : 0;
}

static char *numbered(const struct log *l, unsigned int i)
{
	return i ? xasprintf("%s.%u", l->path, i) : xstrdup(l->path);
}

/* The lowest number that no file has: the last one where none is free. */
static unsigned int number_free(const struct log *l)
{
	unsigned int i = 1;

	for (; i < l->max_files - 1; i++) {
		CLEAN(free) char *name = numbered(l, i);

		if (faccessat(AT_FDCWD, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			break;
	}
	return i;
}

/*
 * FILE becomes FILE.1, that FILE.2, and so on up to the first number that is free; where none is, the
 * oldest is gone. Killed in between, there is a gap in the numbers, and the next one who rotates goes on
 * from there.
 */
static int rotate(struct log *l, struct err *err)
{
	for (unsigned int i = l->max_files > 1 ? number_free(l) : 0; i > 0; i--) {
		CLEAN(free) char *from = numbered(l, i - 1), *to = numbered(l, i);

		if (rename(from, to) < 0 && errno != ENOENT)
			return err_sys(err, "rotate the log: rename %s to %s", from, to);
	}
	if (l->max_files == 1 && unlink(l->path) < 0 && errno != ENOENT)
		return err_sys(err, "rotate the log: remove %s", l->path);
	close(take_fd(&l->fd));
	return file_open(l, err);
}

/* The same chunk was begun by somebody who was killed: back to before it. */
static int cut_back(struct log *l, struct err *err)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0)
		return err_sys(err, "look at the log %s", l->path);
	if (st.st_ino != l->mark->inode || (uint64_t)st.st_size <= l->mark->length)
		return 0;
	if (ftruncate(l->fd, (off_t)l->mark->length) < 0)
		return err_sys(err, "cut the log %s back", l->path);
	l->size = l->mark->length;
	return 0;
}

static int note(struct log *l, uint64_t seq, struct err *err)
{
	struct stat st;

	if (fstat(l->fd, &st) < 0)
		return err_sys(err, "look at the log %s", l->path);
	l->mark->inode = st.st_ino;
	l->mark->length = (uint64_t)st.st_size;
	__atomic_store_n(&l->mark->seq, seq, __ATOMIC_SEQ_CST);
	return 0;
}

/* All of it or nothing: what is no whole line would spoil the next one as well. */
static int append(struct log *l, struct err *err)
{
	int rc = fd_write_all(l->fd, l->text.text, l->text.len);

	if (rc == 0) {
		l->size += l->text.len;
		return 0;
	}
	err_set(err, -rc, "write to the log %s: %s", l->path, strerror(-rc));
	if (ftruncate(l->fd, (off_t)l->mark->length) == 0)
		l->size = l->mark->length;
	return rc;
}

static int write_file(struct log *l, uint64_t seq, struct err *err)
{
	int rc = l->fd < 0 ? file_open(l, err) : 0;

	if (rc == 0 && l->mark->seq == seq)
		rc = cut_back(l, err);
	if (rc == 0 && l->max_size_bytes && l->size && l->size + l->text.len > l->max_size_bytes)
		rc = rotate(l, err);
	if (rc == 0)
		rc = note(l, seq, err);
	return rc < 0 ? rc : append(l, err);
}

/* What was handed over once is not written again: what can't be taken back is noted afterwards. */
static int write_journal(struct log *l, uint64_t seq, enum log_stream stream, const char *bytes,
			 size_t len, struct err *err)
{
	int rc = l->mark->length == seq ? 0 :
					  log_journal_write(l->journal, stream, bytes, len, err);

	if (rc == 0)
		__atomic_store_n(&l->mark->length, seq, __ATOMIC_SEQ_CST);
	return rc;
}

int log_write(struct log *l, uint64_t seq, enum log_stream stream, const char *bytes, size_t len,
	      uint64_t unix_ns, struct err *err)
{
	int rc;

	if (!l->driver->format && !l->journal)
		return 0;
	l->text.len = 0;
	if (l->driver->format)
		l->driver->format(&l->text, stream, bytes, len, unix_ns);
	rc = l->journal ? write_journal(l, seq, stream, bytes, len, err) : write_file(l, seq, err);
	if (rc == 0 || !l->drop)
		return rc;
	l->mark->dropped += len;
	return 0;
}

int log_poll_fd(const struct log *l)
{
	return l->journal ? log_journal_fd(l->journal) : -1;
}

/* ---- open and close --------------------------------------------------------------------- */

int log_open(const struct log_choice *choice, struct log_mark *mark, struct log **ret,
	     struct err *err)
{
	const struct driver *driver = driver_find(choice->driver);
	struct log *l;
	int rc = 0;

	if (!driver)
		return err_set(err, EINVAL, "there is no log driver \"%s\"", choice->driver);
	if (driver->format && !choice->path)
		return err_set(err, EINVAL, "log driver %s: there is no path", driver->name);
	l = xcalloc(1, sizeof(*l));
	*l = (struct log){
		.driver = driver,
		.mark = mark,
		.path = choice->path ? xstrdup(choice->path) : NULL,
		.max_size_bytes = choice->max_size_bytes,
		.max_files = choice->max_files ? choice->max_files : 1,
		.drop = choice->drop,
		.fd = -1,
	};
	if (driver->format && l->path) {
		rc = folders_make(l->path, err);
		if (rc == 0)
			rc = file_open(l, err);
	}
	if (driver->journal)
		rc = log_journal_open(choice, &l->journal, err);
	if (rc < 0)
		log_close(&l);
	*ret = l;
	return rc;
}

void log_close(struct log **log)
{
	struct log *l = *log;

	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	log_journal_close(&l->journal);
	str_free(&l->text);
	free(l->path);
	free(l);
	*log = NULL;
}
