#include "runtime/state.h"

#include "base/file.h"
#include "base/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const status_names[] = {
	[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created", [STATUS_RUNNING] = "running",
	[STATUS_PAUSED] = "paused",     [STATUS_STOPPED] = "stopped",
};

const char *status_name(enum status s)
{
	return status_names[s];
}

void state_oom_free(struct state_oom *oom)
{
	free(oom->process);
	free(oom->cgroup);
	free(oom->limit_cgroup);
	*oom = (struct state_oom){ 0 };
}

void state_free(struct state *s)
{
	free(s->name);
	free(s->id);
	free(s->bundle);
	free(s->rootfs);
	free(s->cgroup);
	free(s->unit);
	free(s->unit_mark);
	free(s->restart_policy);
	free(s->log_driver);
	free(s->log_path);
	state_oom_free(&s->oom);
	strv_free(&s->annotations);
	for (size_t i = 0; i < s->stage_count; i++)
		free(s->stages[i].name);
	*s = (struct state){ 0 };
}

int state_name_check(const char *name, struct err *err)
{
	size_t len = strlen(name);

	if (!len || len > STATE_NAME_MAX)
		return err_set(err, EINVAL,
			       "container name \"%.32s%s\": it must have 1 to %d characters", name,
			       len > 32 ? "..." : "", STATE_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && (i == 0 || !strchr("_.+-", name[i])))
			return err_set(
				err, EINVAL,
				"container name \"%s\": letters, digits and (not first) _ . + - only",
				name);
	return 0;
}

int state_root_open(const char *root, struct err *err)
{
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_sys(err, "open the folder of container state %s (--root)", root);
	/* Others may look up what we hold open for them there, but not list it. */
	rc = file_mkdir_p(root, 0711, err);
	if (rc < 0)
		return rc;
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open the folder of container state %s (--root)", root) : fd;
}

static int folder_open(int root, const char *name)
{
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Somebody who lists may hold it for a moment. */
static int reserved_lock(int root, const char *name, struct err *err)
{
	CLEAN(fd) int fd = folder_open(root, name);
	int rc;

	if (fd < 0)
		return err_set(err, -fd, "open the folder of the name %s: %s", name, strerror(-fd));
	rc = state_lock(fd, true, err);
	return rc < 0 ? rc : take_fd(&fd);
}

int state_reserve(int root, const char *name, struct err *err)
{
	int fd, rc = state_name_check(name, err);

	if (rc < 0)
		return rc;
	/* Searchable: a root of a user namespace mounts below it. What is in it is 0600. */
	if (mkdirat(root, name, 0711) < 0)
		return errno == EEXIST ?
			       err_set(err, EEXIST,
				       "container \"%s\" already exists; choose another name or "
				       "remove it with `ctr rm`",
				       name) :
			       err_sys(err, "reserve the name %s", name);
	fd = reserved_lock(root, name, err);
	if (fd < 0)
		unlinkat(root, name, AT_REMOVEDIR);
	return fd;
}

/* The only name whose id starts with this, the caller's; NULL for none, -EEXIST in *rc for several. */
static char *find_by_id(int root, const char *id, int *rc, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(free) char *found = NULL;

	*rc = state_list(root, &names, err);
	for (size_t i = 0; *rc == 0 && i < names.count; i++) {
		CLEAN(state) struct state s = { 0 };
		CLEAN(fd) int dir = folder_open(root, names.items[i]);
		struct err ignored;

		if (dir < 0 || state_read(dir, names.items[i], &s, &ignored) < 0 || !s.id)
			continue;
		if (!str_starts(s.id, id))
			continue;
		if (found) {
			*rc = err_set(err, EEXIST,
				      "several containers have an id that starts with %s", id);
			return NULL;
		}
		found = xstrdup(names.items[i]);
	}
	return take_ptr(found);
}

int state_open(int root, const char *name_or_id, char **ret_name, struct err *err)
{
	CLEAN(free) char *name = NULL;
	int fd, rc = state_name_check(name_or_id, err);

	if (rc < 0)
		return rc;
	fd = folder_open(root, name_or_id);
	if (fd >= 0) {
		*ret_name = xstrdup(name_or_id);
		return fd;
	}
	if (fd != -ENOENT)
		return err_set(err, -fd, "open the state of container \"%s\": %s", name_or_id,
			       strerror(-fd));
	if (strspn(name_or_id, "0123456789abcdef") == strlen(name_or_id))
		name = find_by_id(root, name_or_id, &rc, err);
	if (rc < 0)
		return rc;
	fd = name ? folder_open(root, name) : -ENOENT;
	if (fd < 0)
		return err_set(err, ENOENT, "container \"%s\" does not exist", name_or_id);
	*ret_name = take_ptr(name);
	return fd;
}

int state_lock(int dir, bool wait, struct err *err)
{
	int rc;

	do
		rc = flock(dir, LOCK_EX | (wait ? 0 : LOCK_NB));
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno == EWOULDBLOCK)
		return err_set(err, EBUSY, "another program is changing this container now");
	return rc < 0 ? err_sys(err, "lock the container's state") : 0;
}

void state_unlock(int dir)
{
	if (dir >= 0)
		flock(dir, LOCK_UN);
}

int state_is_there(int root, const char *name, int dir, struct err *err)
{
	struct stat ours, named;

	if (fstat(dir, &ours) < 0)
		return err_sys(err, "look at the folder of container \"%s\"", name);
	if (fstatat(root, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "look for container \"%s\"", name);
	return ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

/* Does anybody hold the lock? Asked by taking it for a moment, on a description of our own. */
static bool lock_held(int dir)
{
	CLEAN(fd) int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return own >= 0 && flock(own, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int state_refresh_open(int dir, struct state *s, struct err *err)
{
	CLEAN(fd) int pidfd = -1;

	if (s->status == STATUS_CREATING && !lock_held(dir))
		s->status = STATUS_STOPPED;
	if (s->status == STATUS_CREATING || s->status == STATUS_STOPPED)
		return -ESRCH;
	pidfd = s->pid > 0 ? process_open(s->pid, s->pid_start) : -ESRCH;
	/* Not to be looked at is not gone: who takes it for stopped removes what runs. */
	if (pidfd < 0 && pidfd != -ESRCH)
		return err_set(err, -pidfd, "look at process %d, the init of container \"%s\": %s",
			       (int)s->pid, s->name, strerror(-pidfd));
	if (pidfd < 0 || process_ended(pidfd, 0)) {
		s->status = STATUS_STOPPED;
		return -ESRCH;
	}
	/* start takes the socket away first and writes the document afterwards. */
	if (s->status == STATUS_CREATED && faccessat(dir, STATE_START_SOCKET, F_OK, 0) < 0 &&
	    errno == ENOENT)
		s->status = STATUS_RUNNING;
	return take_fd(&pidfd);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int state_list(int root, struct strv *ret, struct err *err)
{
	/* A folder of its own: dup() would share the position with other readers of this fd. */
	CLEAN(fd) int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return err_sys(err, "list the containers");
	take_fd(&fd);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN))
			strv_add(ret, entry->d_name);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
	return 0;
}

/* What is always in the folder, by name; false when there is more. */
static bool folder_remove(int root, const char *name)
{
	static const struct {
		const char *name;
		int flags;
	} content[] = {
		{ "state.json", 0 },       { "config.json", 0 },
		{ STATE_START_SOCKET, 0 }, { STATE_CHECKPOINT_MARK, 0 },
		{ STATE_ORDER_FILE, 0 },   { STATE_MONITOR_SOCKET, 0 },
		{ STATE_HEALTH_FILE, 0 },  { "rootfs", AT_REMOVEDIR },
	};
	CLEAN(fd) int dir = folder_open(root, name);

	for (size_t i = 0; dir >= 0 && i < ARRAY_LEN(content); i++)
		if (unlinkat(dir, content[i].name, content[i].flags) < 0 && errno != ENOENT)
			return false;
	return dir >= 0 && unlinkat(root, name, AT_REMOVEDIR) == 0;
}

int state_remove(int root, const char *name, struct err *err)
{
	if (folder_remove(root, name))
		return 0;
	return file_remove_tree(root, name, err);
}
