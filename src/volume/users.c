/* Who uses a volume; and its end, which waits for them. */
#include "volume/volume.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* In a volume: its first user was there, and has filled it with what there was. */
#define BEGUN "begun"

#define USER_FILE_MAX (64u << 10)

/* ---- one who uses it --------------------------------------------------------------------- */

/* Its file says which container it is. 1: that one is there, or is being made; 0: it is not. */
static int user_alive(const struct volume_store *s, int users, const char *id, char **ret_name,
		      struct err *err)
{
	CLEAN(fd) int fd = openat(users, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(free) char *text = NULL, *root = NULL;
	struct json_at top, at;
	size_t len;
	bool made_now;
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open the user %s of a volume", id);
	made_now = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	rc = file_read_fd(fd, id, USER_FILE_MAX, &text, &len, err);
	/* Killed while it wrote: there never was a container. */
	if (rc == 0 && !len && !made_now)
		return 0;
	if (rc == 0)
		rc = json_parse_own(text, len, id, &o, err);
	if (rc < 0)
		return rc;
	top = (struct json_at){ .value = o };
	at = json_get(&top, "root");
	rc = json_read_string(&at, &root, err);
	at = json_get(&top, "name");
	if (rc >= 0)
		rc = json_read_string(&at, ret_name, err);
	if (rc < 0 || made_now)
		return rc < 0 ? rc : 1;
	return root && *ret_name && s->alive(root, id, ret_name);
}

int store_users(const struct volume_store *s, int dir, const char *except, struct strv *ret,
		struct err *err)
{
	CLEAN(fd) int users = openat(dir, "users", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(fd) int fd = users < 0 ? -1 : openat(users, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return err_sys(err, "read the users of a volume");
	take_fd(&fd);
	while ((entry = readdir(list))) {
		CLEAN(free) char *name = NULL;
		int rc;

		if (entry->d_name[0] == '.' || str_eq(entry->d_name, except))
			continue;
		rc = user_alive(s, users, entry->d_name, &name, err);
		if (rc < 0)
			return rc;
		if (rc > 0)
			strv_take(ret, take_ptr(name));
		else
			(void)unlinkat(users, entry->d_name, 0);
	}
	return 0;
}

int volume_users(const struct volume_store *s, const char *name, struct strv *ret, struct err *err)
{
	int rc = store_lock(s, err);
	CLEAN(fd) int dir = rc < 0 ? -1 : store_open_volume(s, name, err);

	if (rc == 0)
		rc = dir < 0 ? dir : store_users(s, dir, NULL, ret, err);
	store_unlock(s);
	return rc;
}

/* ---- begin to use ------------------------------------------------------------------------ */

static int ref_make(int dir, const struct volume_user *user, struct err *err)
{
	CLEAN(free) char *path = xasprintf("users/%s", user->id);
	CLEAN(fd)
	int fd = openat(dir, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	CLEAN(json) struct json_object *o = json_object_new_object();
	const char *text;
	size_t len;
	int rc;

	/* Two -v of one volume in one container: the second is the same use. */
	if (fd < 0 && errno == EEXIST)
		return -EEXIST;
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, "register the use of a volume");
	json_put_string(o, "root", user->root);
	json_put_string(o, "name", user->name);
	text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	rc = fd_write_all(fd, text, len);
	return rc < 0 ? err_set(err, -rc, "register the use of a volume: %s", strerror(-rc)) :
			take_fd(&fd);
}

static bool is_empty(int dir)
{
	CLEAN(fd) int fd = openat(dir, "_data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN(dir) DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!list)
		return false;
	take_fd(&fd);
	while ((entry = readdir(list)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			return false;
	return true;
}

static int use_begin(const struct volume_store *s, const struct volume *v,
		     const struct volume_user *user, struct volume_use *u, struct err *err)
{
	int rc;

	u->dir = store_open_volume(s, v->name, err);
	if (u->dir == -ENOENT) {
		rc = store_create(s, v, err);
		if (rc < 0)
			return rc;
		u->dir = store_open_volume(s, v->name, err);
	}
	if (u->dir < 0)
		return u->dir;
	rc = ref_make(u->dir, user, err);
	if (rc >= 0)
		u->ref = rc;
	return rc < 0 && rc != -EEXIST ? rc : 0;
}

int volume_use(const struct volume_store *s, const struct volume *v, const struct volume_user *user,
	       struct volume_use *ret, struct err *err)
{
	CLEAN(strv) struct strv others = { 0 };
	int rc = store_lock(s, err);
	bool begun;

	*ret = VOLUME_USE_INIT;
	if (rc == 0)
		rc = use_begin(s, v, user, ret, err);
	store_unlock(s);
	/* Not under the store's lock: somebody may be filling it for a long time. */
	while (rc == 0 && flock(ret->dir, LOCK_EX) < 0)
		if (errno != EINTR)
			rc = err_sys(err, "lock volume %s", v->name);
	if (rc == 0)
		rc = store_lock(s, err);
	if (rc == 0)
		rc = store_users(s, ret->dir, user->id, &others, err);
	store_unlock(s);
	/* Others who came at once wait for that lock: they are users by now, too. */
	begun = rc == 0 && faccessat(ret->dir, BEGUN, F_OK, 0) == 0;
	ret->first = rc == 0 && is_empty(ret->dir) && (!begun || !others.count);
	if (rc < 0)
		volume_use_close(ret);
	return rc;
}

void volume_use_ready(const struct volume_use *use, bool begun)
{
	int mark = begun ? openat(use->dir, BEGUN, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (mark >= 0)
		close(mark);
	(void)!flock(use->dir, LOCK_UN);
}

void volume_use_close(struct volume_use *use)
{
	clean_fd(&use->dir);
	clean_fd(&use->ref);
	*use = VOLUME_USE_INIT;
}

/* ---- the end ----------------------------------------------------------------------------- */

/* Out of sight under the lock, and out of the world without it. */
static int hide(const struct volume_store *s, const char *name, char **ret_gone, struct err *err)
{
	CLEAN(free) char *gone = NULL;

	/* The name may have been another's, who was killed over it. */
	for (unsigned int i = 0; i < 1000; i++) {
		free(gone);
		gone = xasprintf(".gone-%u-%s", i, name);
		if (renameat(s->fd, name, s->fd, gone) == 0) {
			*ret_gone = take_ptr(gone);
			return 0;
		}
		if (errno != ENOTEMPTY && errno != EEXIST)
			break;
	}
	return err_sys(err, "remove volume %s", name);
}

static int users_refuse(const char *name, const struct strv *users, struct err *err)
{
	CLEAN(str) struct str list = { 0 };

	for (size_t i = 0; i < users->count; i++)
		str_printf(&list, "%s%s", i ? ", " : "", users->items[i]);
	return err_set(
		err, EBUSY,
		"volume %s is being used by the following container(s): %s; remove these first",
		name, list.text);
}

/* except: a container that is gone although its use is registered. The lock is held. */
static int remove_locked(const struct volume_store *s, const char *name, const char *except,
			 struct err *err)
{
	CLEAN(fd) int dir = store_open_volume(s, name, err);
	CLEAN(strv) struct strv users = { 0 };
	CLEAN(free) char *gone = NULL;
	int rc = dir < 0 ? dir : store_users(s, dir, except, &users, err);

	if (rc < 0)
		return rc;
	return users.count ? users_refuse(name, &users, err) : hide(s, name, &gone, err);
}

int volume_remove(const struct volume_store *s, const char *name, struct err *err)
{
	int rc = store_lock(s, err);

	if (rc == 0)
		rc = remove_locked(s, name, NULL, err);
	store_unlock(s);
	return rc < 0 ? rc : store_sweep(s, ".gone-", s->remove_tree, err);
}

static int release_one(const struct volume_store *s, const char *name, const char *id,
		       bool remove_anonymous, bool *hidden, struct err *err)
{
	CLEAN(volume) struct volume v = { 0 };
	CLEAN(free) char *path = xasprintf("%s/users/%s", name, id);
	struct stat st;
	int rc;

	if (fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	rc = volume_read(s, name, &v, err);
	if (rc == 0 && v.anonymous && remove_anonymous) {
		rc = remove_locked(s, name, id, err);
		*hidden |= rc == 0;
		if (rc != -EBUSY)
			return rc;
	}
	return unlinkat(s->fd, path, 0) < 0 && errno != ENOENT ?
		       err_sys(err, "forget that volume %s is used", name) :
		       0;
}

int volume_release(const struct volume_store *s, const char *id, bool remove_anonymous,
		   struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	bool hidden = false;
	int rc = store_lock(s, err), one;

	if (rc == 0)
		rc = volume_list(s, &names, err);
	/* A volume that is damaged keeps nobody from letting go of the others. */
	for (size_t i = 0; i < names.count; i++) {
		one = release_one(s, names.items[i], id, remove_anonymous, &hidden, err);
		rc = rc < 0 ? rc : one;
	}
	store_unlock(s);
	if (hidden) {
		one = store_sweep(s, ".gone-", s->remove_tree, err);
		rc = rc < 0 ? rc : one;
	}
	return rc;
}
