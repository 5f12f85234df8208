#include "runtime/rootless.h"

#include "base/file.h"
#include "base/spawn.h"
#include "rootfs/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUBIDS_MAX (1u << 20)
#define WORDS_MAX 4096 /* of what a helper says */

/* Asked once, in the parent: a child of ours in a user namespace is 0 there. */
bool rootless(void)
{
	static enum { UNKNOWN, NO, YES } answer;

	if (answer == UNKNOWN)
		answer = geteuid() != 0 ? YES : NO;
	return answer == YES;
}

bool rootless_served(void)
{
	return rootless() || (getenv("XDG_RUNTIME_DIR") && access("/run", W_OK) < 0);
}

/* ---- the state root ---------------------------------------------------------------- */

/* Is this folder ours, and closed to others? What lies below a folder of /tmp is not to be trusted. */
static bool is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       !(st.st_mode & 022);
}

int rootless_state_root(const char *name, char **ret, struct err *err)
{
	CLEAN(free) char *user = xasprintf("/run/user/%u", geteuid());
	CLEAN(free) char *path = NULL;
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && *runtime == '/') {
		*ret = xasprintf("%s/%s", runtime, name);
		return 0;
	}
	if (is_ours(user)) {
		*ret = xasprintf("%s/%s", user, name);
		return 0;
	}
	path = xasprintf("/tmp/%s-%u", name, geteuid());
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make %s; set XDG_RUNTIME_DIR or --root", path);
	if (!is_ours(path))
		return err_set(err, EPERM,
			       "%s is not a folder of this user's alone; set XDG_RUNTIME_DIR or "
			       "--root",
			       path);
	*ret = take_ptr(path);
	return 0;
}

/* A folder that the user has named, or one at home. NULL: there is neither. */
static char *of_user(const char *variable, const char *at_home, const char *name)
{
	const char *said = getenv(variable), *home = getenv("HOME");

	if (said && *said == '/')
		return xasprintf("%s/%s", said, name);
	if (home && *home == '/' && home[1])
		return xasprintf("%s/%s/%s", home, at_home, name);
	return NULL;
}

int rootless_cache(const char *name, char **ret, struct err *err)
{
	CLEAN(free) char *root = NULL;
	int rc;

	*ret = of_user("XDG_CACHE_HOME", ".cache", name);
	if (*ret)
		return 0;
	rc = rootless_state_root("ctr-cache", &root, err);
	if (rc == 0)
		*ret = xasprintf("%s/%s", root, name);
	return rc;
}

char *rootless_data(const char *name)
{
	return of_user("XDG_DATA_HOME", ".local/share", name);
}

/* ---- which ids --------------------------------------------------------------------- */

/* The name of our uid in /etc/passwd, the caller's; NULL: none. Not by NSS: we are static. */
static char *own_name(void)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;
	uint64_t uid;

	if (file_read(AT_FDCWD, "/etc/passwd", SUBIDS_MAX, &text, NULL, &ignored) < 0)
		return NULL;
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		CLEAN(strv) struct strv field = { 0 };

		strv_split(&field, line, ':');
		if (field.count > 2 && str_to_u64(field.items[2], 0, UINT32_MAX, &uid) == 0 &&
		    uid == geteuid())
			return xstrdup(field.items[0]);
	}
	return NULL;
}

/* "NAME or UID:FIRST:COUNT" lines that are ours, as map entries behind what is in `maps`. */
static void ranges_add(const char *file, const char *name, spec_id_maps *maps)
{
	CLEAN(free) char *text = NULL, *number = xasprintf("%u", geteuid());
	uint32_t next = 1;
	struct err ignored;

	if (file_read(AT_FDCWD, file, SUBIDS_MAX, &text, NULL, &ignored) < 0)
		return;
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		CLEAN(strv) struct strv field = { 0 };
		uint64_t first, count;

		strv_split(&field, line, ':');
		if (field.count != 3 ||
		    (!str_eq(field.items[0], name) && !str_eq(field.items[0], number)))
			continue;
		if (str_to_u64(field.items[1], 1, UINT32_MAX, &first) < 0 ||
		    str_to_u64(field.items[2], 1, UINT32_MAX - next, &count) < 0)
			continue;
		*SPEC_ADD(maps) = (struct spec_id_map){ next, (uint32_t)first, (uint32_t)count };
		next += (uint32_t)count;
	}
}

/* Where Debian and others have it; an environment does not say what runs with root's rights. */
static const char *helper_find(const char *name, char *ret, size_t room)
{
	static const char *const folders[] = { "/usr/bin", "/bin", "/usr/local/bin" };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(ret, room, "%s/%s", folders[i], name);
		if (access(ret, X_OK) == 0)
			return ret;
	}
	return NULL;
}

int rootless_maps(spec_id_maps *uids, spec_id_maps *gids, struct strv *warnings, struct err *err)
{
	CLEAN(free) char *name = own_name();
	char path[64];

	(void)err;
	*SPEC_ADD(uids) = (struct spec_id_map){ 0, geteuid(), 1 };
	*SPEC_ADD(gids) = (struct spec_id_map){ 0, getegid(), 1 };
	if (!helper_find("newuidmap", path, sizeof(path)) ||
	    !helper_find("newgidmap", path, sizeof(path))) {
		strv_add(warnings, "newuidmap and newgidmap are not installed (package uidmap): "
				   "the container has one user, root");
		return 0;
	}
	ranges_add("/etc/subuid", name, uids);
	ranges_add("/etc/subgid", name, gids);
	if (uids->count > 1 && gids->count > 1)
		return 0;
	/* Half of it would be files of a user without a group. */
	uids->count = gids->count = 1;
	strv_printf(
		warnings,
		"no ids for %s in /etc/subuid and /etc/subgid: the container has one user, root",
		name ? name : "this user");
	return 0;
}

/* ---- writing ----------------------------------------------------------------------- */

static bool is_own_alone(const spec_id_maps *maps, uint32_t own)
{
	return maps->count == 1 && maps->items[0].size == 1 && maps->items[0].host_id == own;
}

/* Who leaves a group could get at what is denied to its members: no setgroups then. user_namespaces(7) */
static int setgroups_deny(pid_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/setgroups", (int)pid);
	return file_poke(AT_FDCWD, path, "deny");
}

static int helper_write(pid_t pid, const char *helper, const char *key, const spec_id_maps *maps,
			struct err *err)
{
	CLEAN(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEAN(strv) struct strv argv = { 0 };
	CLEAN(str) struct str words = { 0 };
	char path[64];
	struct spawn s = { .path = path, .in = null, .catch_output = true, .timeout_ms = -1 };
	int status = 0, rc;

	if (null < 0)
		return err_sys(err, "open /dev/null");
	if (!helper_find(helper, path, sizeof(path)))
		return err_set(err, ENOENT,
			       "%s: %s is not installed (package uidmap); without it an ordinary "
			       "user can map one id, its own",
			       key, helper);
	strv_add(&argv, helper);
	strv_printf(&argv, "%d", (int)pid);
	for (size_t i = 0; i < maps->count; i++) {
		strv_printf(&argv, "%u", maps->items[i].container_id);
		strv_printf(&argv, "%u", maps->items[i].host_id);
		strv_printf(&argv, "%u", maps->items[i].size);
	}
	s.argv = argv.items;
	rc = spawn_wait(&s, &words, &status);
	if (rc < 0)
		return err_set(err, -rc, "%s: run %s: %s", key, path, strerror(-rc));
	if (status)
		return err_set(err, EPERM, "%s: %s: %s; see /etc/subuid and /etc/subgid", key,
			       helper, words.len ? words.text : "failed without a word");
	return 0;
}

/* The kernel lets everybody map one id, their own; for more there are the helpers. */
int rootless_map_write(pid_t pid, const spec_id_maps *uids, const spec_id_maps *gids,
		       struct err *err)
{
	int rc;

	if (!is_own_alone(uids, geteuid()))
		rc = helper_write(pid, "newuidmap", "linux.uidMappings", uids, err);
	else if (mnt_map_write(pid, "uid_map", uids, err) < 0)
		rc = err_wrap(err, "linux.uidMappings: ");
	else
		rc = 0;
	if (rc < 0)
		return rc;
	if (!is_own_alone(gids, getegid()))
		return helper_write(pid, "newgidmap", "linux.gidMappings", gids, err);
	rc = setgroups_deny(pid);
	if (rc < 0)
		return err_set(err, -rc, "linux.gidMappings: deny setgroups: %s", strerror(-rc));
	if (mnt_map_write(pid, "gid_map", gids, err) < 0)
		return err_wrap(err, "linux.gidMappings: ");
	return 0;
}
