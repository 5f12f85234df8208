/* The store itself: volumes made, read, listed. */
#include "volume/volume.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define VOLUME_FILE "volume.json"
#define VOLUME_FILE_MAX (1u << 20)

void volume_free(struct volume *v)
{
	free(v->name);
	strv_free(&v->labels);
	*v = (struct volume){ 0 };
}

void volume_store_close(struct volume_store *s)
{
	clean_fd(&s->fd);
	free(s->path);
	*s = (struct volume_store){ .fd = -1 };
}

int volume_store_open(const char *data, struct volume_store *ret, struct err *err)
{
	int rc = file_mkdir_p(data, 0755, err);

	*ret = (struct volume_store){ .fd = -1, .path = xasprintf("%s/volumes", data) };
	if (rc == 0)
		rc = file_mkdir_p(ret->path, 0700, err);
	if (rc == 0) {
		ret->fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = ret->fd < 0 ? err_sys(err, "open %s", ret->path) : 0;
	}
	return rc < 0 ? err_wrap(err, "the store of volumes (--data-root): ") : 0;
}

int volume_name_check(const char *name, struct err *err)
{
	size_t len = 0;

	for (; name[len]; len++)
		if (!isalnum((unsigned char)name[len]) && (len == 0 || !strchr("_.-", name[len])))
			break;
	if (!name[len] && len > 0 && len <= VOLUME_NAME_MAX)
		return 0;
	return err_set(
		err, EINVAL,
		"\"%.140s\" can't be the name of a volume: letters and digits, then also _ . -, at "
		"most %d; a folder of the host is written as an absolute path or begins with ./",
		name, VOLUME_NAME_MAX);
}

int store_lock(const struct volume_store *s, struct err *err)
{
	while (flock(s->fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(err, "lock %s", s->path);
	return 0;
}

void store_unlock(const struct volume_store *s)
{
	(void)!flock(s->fd, LOCK_UN);
}

int store_open_volume(const struct volume_store *s, const char *name, struct err *err)
{
	int fd;

	if (volume_name_check(name, err) < 0)
		return -err->code;
	fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ENOENT, "no such volume: %s", name);
	return fd < 0 ? err_sys(err, "open volume %s", name) : fd;
}

static int file_make(const struct volume *v, int dir, struct err *err)
{
	CLEAN(json) struct json_object *o = json_object_new_object();
	const char *text;
	size_t len;

	json_put_u64(o, "createdUnixMs", v->created_unix_ms ? v->created_unix_ms : clock_unix_ms());
	json_put_bool(o, "anonymous", v->anonymous);
	json_object_object_add(o, "labels", json_from_map(&v->labels));
	text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	return file_write_atomic(dir, VOLUME_FILE, 0600, text, len, err);
}

int store_sweep(const struct volume_store *s, const char *prefix,
		int (*remove_tree)(int dir, const char *name, struct err *err), struct err *err)
{
	CLEAN(fd) int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return err_sys(err, "read %s", s->path);
	take_fd(&fd);
	while (rc == 0 && (entry = readdir(dir)))
		if (str_starts(entry->d_name, prefix))
			rc = remove_tree(s->fd, entry->d_name, err);
	return rc;
}

int store_create(const struct volume_store *s, const struct volume *v, struct err *err)
{
	CLEAN(free) char *temp = xasprintf(".new-%s", v->name);
	CLEAN(fd) int dir = -1;
	struct stat st;
	int rc = volume_name_check(v->name, err);

	if (rc < 0)
		return rc;
	if (fstatat(s->fd, v->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, EEXIST, "volume %s already exists", v->name);
	/* Under the lock: so what is there under such a name is nobody's. */
	rc = store_sweep(s, ".new-", file_remove_tree, err);
	if (rc < 0)
		return rc;
	if (mkdirat(s->fd, temp, 0700) < 0)
		return err_sys(err, "make volume %s", v->name);
	dir = openat(s->fd, temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0 || mkdirat(dir, "_data", 0755) < 0 || fchmodat(dir, "_data", 0755, 0) < 0 ||
	    mkdirat(dir, "users", 0700) < 0)
		return err_sys(err, "make volume %s", v->name);
	rc = file_make(v, dir, err);
	/* Volumes outlive the machine's uptime: the name only once what it names is on the disk. */
	if (rc == 0 && (syncfs(dir) < 0 || renameat(s->fd, temp, s->fd, v->name) < 0))
		rc = err_sys(err, "make volume %s", v->name);
	return rc;
}

int volume_create(const struct volume_store *s, const struct volume *v, struct err *err)
{
	int rc = store_lock(s, err);

	if (rc == 0)
		rc = store_create(s, v, err);
	store_unlock(s);
	return rc;
}

static int read_file(int dir, const char *name, struct volume *ret, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	struct json_at root, at;
	int rc = json_parse_file(dir, VOLUME_FILE, &o, err);

	*ret = (struct volume){ .name = xstrdup(name) };
	if (rc < 0)
		return rc;
	root = (struct json_at){ .value = o };
	at = json_get(&root, "anonymous");
	rc = json_read_bool(&at, &ret->anonymous, err);
	at = json_get(&root, "createdUnixMs");
	if (rc >= 0)
		rc = json_read_u64(&at, 0, UINT64_MAX, &ret->created_unix_ms, err);
	at = json_get(&root, "labels");
	if (rc >= 0)
		rc = json_want_object(&at, err);
	if (rc >= 0 && at.value) {
		json_object_object_foreach (at.value, key, value)
			json_map_add(&ret->labels, key, value ? json_object_get_string(value) : "");
	}
	return rc < 0 ? rc : 0;
}

int volume_read(const struct volume_store *s, const char *name, struct volume *ret, struct err *err)
{
	CLEAN(fd) int dir = store_open_volume(s, name, err);
	int rc;

	if (dir < 0)
		return dir;
	rc = read_file(dir, name, ret, err);
	if (rc < 0) {
		volume_free(ret);
		return err_wrap(err, "volume %s: ", name);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int volume_list(const struct volume_store *s, struct strv *ret, struct err *err)
{
	CLEAN(fd) int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return err_sys(err, "read %s", s->path);
	take_fd(&fd);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strv_add(ret, entry->d_name);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}
