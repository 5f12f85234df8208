/* The standard streams, which are open files of the host's in most containers. */
#include "runtime/criu_terms.h"

#include "base/file.h"
#include "base/json.h"
#include "runtime/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define STREAMS_MAX (64u << 10)
#define PTS_MAJOR 136
#define PTS_MAJORS 8

/* Behind a key: it was the null device, which is not the caller's to give. */
#define NULL_WORD " /dev/null"
/* It was a FIFO with a name, which criu knows as a file: it has no position. */
#define FIFO_WORD " fifo"

/* Is the file on a mount that the container has? */
static bool is_inside(const struct mount_table *t, int mount)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->lines[i].id == mount)
			return true;
	return false;
}

int criu_mount_of(pid_t pid, const char *fd)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/fdinfo/%s", (int)pid, fd);
	CLEAN(free) char *text = NULL;
	const char *line;
	struct err ignored;
	uint64_t mount;

	if (file_read(AT_FDCWD, path, STREAMS_MAX, &text, NULL, &ignored) < 0)
		return -1;
	line = strstr(text, "mnt_id:");
	return line && line_number(line, 1, 10, &mount) && mount <= INT_MAX ? (int)mount : -1;
}

static bool is_terminal(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && major(st->st_rdev) >= PTS_MAJOR &&
	       major(st->st_rdev) < PTS_MAJOR + PTS_MAJORS;
}

static char *key_mark(char *key, const char *word)
{
	char *longer = xasprintf("%s%s", key, word);

	free(key);
	return longer;
}

/* criu's name for what this fd is. NULL: it is the container's own. The caller's to free. */
static char *stream_key(pid_t pid, const char *fd, const struct mount_table *t,
			struct strv *external)
{
	CLEAN(free) char *path = xasprintf("/proc/%d/fd/%s", (int)pid, fd);
	int mount = criu_mount_of(pid, fd);
	char link[PATH_MAX];
	ssize_t len = readlink(path, link, sizeof(link) - 1);
	char *key;
	struct stat st;

	if (len < 0 || stat(path, &st) < 0)
		return NULL;
	link[len] = '\0';
	if (str_starts(link, "pipe:"))
		return xstrdup(link);
	if (S_ISSOCK(st.st_mode) || is_inside(t, mount))
		return NULL;
	if (is_terminal(&st))
		key = xasprintf("tty[%llx:%llx]", (unsigned long long)st.st_rdev,
				(unsigned long long)st.st_dev);
	else
		key = xasprintf("file[%x:%llx]", (unsigned int)mount,
				(unsigned long long)st.st_ino);
	if (!strv_has(external, key))
		strv_add(external, key);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return key_mark(key, NULL_WORD);
	return S_ISFIFO(st.st_mode) ? key_mark(key, FIFO_WORD) : key;
}

int criu_streams_look(pid_t pid, struct strv *keys, struct strv *external, struct err *err)
{
	static const char *const streams[] = { "0", "1", "2" };
	CLEAN(mount_table) struct mount_table t = { 0 };
	CLEAN(free) char *process = xasprintf("%d", (int)pid);
	int rc = mount_table_read(process, &t, err);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(streams); i++) {
		char *key = stream_key(pid, streams[i], &t, external);

		strv_take(keys, key ? key : xstrdup(""));
	}
	return rc;
}

int criu_list_write(const struct images *images, const char *file, const struct strv *list,
		    struct err *err)
{
	CLEAN(json) struct json_object *o = json_object_new_array();
	const char *text;
	size_t len;

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(o, json_object_new_string(list->items[i]));
	text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	return file_write_atomic(images->dir, file, 0600, text, len, err);
}

int criu_list_read(const struct images *images, const char *file, struct strv *ret, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	struct json_at root = { 0 };
	int rc = json_parse_file(images->dir, file, &o, err);

	root.value = o;
	if (rc == 0)
		rc = json_read_strv(&root, ret, err);
	return rc < 0 ? err_wrap(err, "the checkpoint in %s: ", images->path) : 0;
}

/* ---- restore ------------------------------------------------------------------------- */

static bool is_known(const struct criu_options *o, const char *key)
{
	for (size_t i = 0; i < o->inherit_count; i++)
		if (str_eq(o->inherit[i].key, key))
			return true;
	return false;
}

/* Several streams may have been one file: it has to serve the one that writes. */
static int stream_for(const struct strv *keys, size_t first, const int stdio[3])
{
	for (size_t i = first; i < keys->count && i < 3; i++)
		if (str_eq(keys->items[i], keys->items[first]) &&
		    (fcntl(stdio[i], F_GETFL) & O_ACCMODE) != O_RDONLY)
			return stdio[i];
	return stdio[first];
}

static int null_open(int *null, struct err *err)
{
	if (*null < 0)
		*null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return *null < 0 ? err_sys(err, "open /dev/null") : *null;
}

/* What criu will do with the fd is what the fd has to be able to. */
static int stream_fits(int fd, size_t i, bool was_fifo, struct err *err)
{
	struct stat st;

	if (was_fifo) {
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
			return 0;
		return err_set(
			err, ENOSTR,
			"standard stream %zu was a FIFO when the checkpoint was made, and it is none "
			"here: redirect it to a FIFO or a pipe",
			i);
	}
	/* criu sets the position that the file had. */
	if (lseek(fd, 0, SEEK_CUR) >= 0)
		return 0;
	return err_set(
		err, ESPIPE,
		"standard stream %zu was a file when the checkpoint was made, and it is none "
		"here: redirect it to a file",
		i);
}

static int stream_restore(const struct strv *keys, size_t i, const int stdio[3], int *null,
			  struct criu_options *o, struct err *err)
{
	const char *word = keys->items[i];
	bool was_null = str_ends(word, NULL_WORD);
	bool was_fifo = str_ends(word, FIFO_WORD);
	size_t mark = was_null ? strlen(NULL_WORD) : was_fifo ? strlen(FIFO_WORD) : 0;
	CLEAN(free) char *key = xstrndup(word, strlen(word) - mark);
	int fd, rc;

	/* runc's own lists have paths in them, which are the container's. */
	if (!str_starts(key, "pipe:") && !str_starts(key, "file[") && !str_starts(key, "tty["))
		return 0;
	if (is_known(o, key))
		return 0;
	fd = was_null ? null_open(null, err) : stream_for(keys, i, stdio);
	if (fd < 0)
		return fd;
	rc = str_starts(key, "file[") && !was_null ? stream_fits(fd, i, was_fifo, err) : 0;
	if (rc < 0)
		return rc;
	/* It wants its mode, but for what later versions (after 3.17) let pass. */
	o->skip_file_rwx_check |= str_starts(key, "file[");
	criu_inherit_add(o, key, fd);
	/* criu looks external files up by this name on either side. */
	if (!str_starts(key, "pipe:"))
		strv_add(&o->external, key);
	return 0;
}

int criu_streams_restore(const struct images *images, const int stdio[3], int *null,
			 struct criu_options *o, struct err *err)
{
	CLEAN(strv) struct strv keys = { 0 };
	int rc = criu_list_read(images, STREAMS_FILE, &keys, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < keys.count && i < 3; i++) {
		rc = stream_restore(&keys, i, stdio, null, o, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
