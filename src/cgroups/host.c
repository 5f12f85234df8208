#include "cgroups/host.h"

#include "base/file.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#define PROC_TEXT_MAX (1u << 20)

void cgroup_host_free(struct cgroup_host *host)
{
	free(host->mount);
	if (host->fd >= 0)
		close(host->fd);
	*host = CGROUP_HOST_INIT;
}

const char *cgroup_layout_name(enum cgroup_layout layout)
{
	static const char *const names[] = {
		[CGROUP_UNIFIED] = "unified",
		[CGROUP_HYBRID] = "hybrid",
		[CGROUP_V1_ONLY] = "v1",
		[CGROUP_NONE] = "none",
	};

	return names[layout];
}

int cgroup_read(int group, const char *file, char *buf, size_t room)
{
	CLEAN(fd) int fd = openat(group, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len;

	if (fd < 0)
		return -errno;
	/* One call is enough: the kernel makes such a file's text in one piece. */
	len = read(fd, buf, room);
	if (len < 0)
		return -errno;
	if ((size_t)len == room)
		return -EFBIG;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return (int)len;
}

bool cgroup_line(const char *text, const char *name, uint64_t *ret)
{
	size_t len = strlen(name);

	for (const char *at = text; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL) {
		if (strncmp(at, name, len) != 0 || at[len] != ' ')
			continue;
		*ret = strtoull(at + len + 1, NULL, 10);
		return true;
	}
	return false;
}

bool cgroup_words_have(const char *words, const char *word)
{
	size_t len = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word))) {
		bool starts = at == words || at[-1] == ' ';

		if (starts && (at[len] == '\0' || at[len] == ' ' || at[len] == '\n'))
			return true;
		at += len;
	}
	return false;
}

/* Why a tree isn't there; for anything else it may well be. */
static bool is_absent(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ENODEV || error == -EACCES;
}

/* Open `mount` when a filesystem of type `magic` is there; -errno else. */
static int open_mount(const char *mount, long magic)
{
	CLEAN(fd) int fd = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if ((long)fs.f_type != magic)
		return -ENODEV;
	return take_fd(&fd);
}

/* "/a\040b" -> "/a b", in place: how mountinfo writes names. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* One line: "36 35 98:0 /root /mount/point opts - type source superopts". */
static void look_at_mount(char *line, struct cgroup_host *host, bool *v1)
{
	char *type = strstr(line, " - "), *save = NULL, *field;
	int i;

	if (!type)
		return;
	*type = '\0';
	type += 3;
	if (str_starts(type, "cgroup ") && !strstr(type, "name="))
		*v1 = true;
	if (!str_starts(type, "cgroup2 ") || host->fd >= 0)
		return;
	field = strtok_r(line, " ", &save);
	for (i = 1; field && i < 5; i++)
		field = strtok_r(NULL, " ", &save);
	if (!field)
		return;
	unescape(field);
	host->fd = open_mount(field, CGROUP2_SUPER_MAGIC);
	if (host->fd >= 0)
		host->mount = xstrdup(field);
}

void cgroup_host_from_mountinfo(char *text, struct cgroup_host *ret)
{
	char *line, *save = NULL;
	bool v1 = false;

	*ret = CGROUP_HOST_INIT;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		look_at_mount(line, ret, &v1);
	if (ret->fd >= 0)
		ret->layout = v1 ? CGROUP_HYBRID : CGROUP_UNIFIED;
	else
		ret->layout = v1 ? CGROUP_V1_ONLY : CGROUP_NONE;
}

/* The last resort: the mount table, which can be long and slow. */
static int find_in_mountinfo(struct cgroup_host *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	int r = file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_TEXT_MAX * 16, &text, NULL, err);

	if (r < 0)
		return err_wrap(err, "look for the cgroup2 tree: ");
	cgroup_host_from_mountinfo(text, ret);
	return 0;
}

int cgroup_host_find(struct cgroup_host *ret, struct err *err)
{
	static const struct {
		const char *mount;
		enum cgroup_layout layout;
	} usual[] = {
		{ "/sys/fs/cgroup", CGROUP_UNIFIED },
		{ "/sys/fs/cgroup/unified", CGROUP_HYBRID },
	};
	size_t i;

	*ret = CGROUP_HOST_INIT;
	for (i = 0; i < ARRAY_LEN(usual); i++) {
		ret->fd = open_mount(usual[i].mount, CGROUP2_SUPER_MAGIC);
		if (ret->fd < 0 && !is_absent(ret->fd)) {
			int rc = err_set(err, -ret->fd, "look for the cgroup2 tree at %s: %s",
					 usual[i].mount, strerror(-ret->fd));

			ret->fd = -1;
			return rc;
		}
		if (ret->fd < 0)
			continue;
		ret->mount = xstrdup(usual[i].mount);
		ret->layout = usual[i].layout;
		return 0;
	}
	ret->fd = -1;
	return find_in_mountinfo(ret, err);
}

int cgroup_host_at(const char *mount, struct cgroup_host *ret, struct err *err)
{
	*ret = CGROUP_HOST_INIT;
	ret->fd = open_mount(mount, CGROUP2_SUPER_MAGIC);
	if (ret->fd == -ENODEV)
		return err_set(err, ENODEV, "%s is not a cgroup2 tree", mount);
	if (ret->fd < 0)
		return err_set(err, -ret->fd, "%s: %s", mount, strerror(-ret->fd));
	ret->mount = xstrdup(mount);
	ret->layout = CGROUP_UNIFIED;
	return 0;
}

/* The line of /proc/self/cgroup for each v1 hierarchy: "4:memory:/..."; 0 is v2. */
static void v1_controllers(struct str *list)
{
	CLEAN(free) char *text = NULL;
	char *line, *save = NULL;
	struct err ignored;

	if (file_read(AT_FDCWD, "/proc/self/cgroup", PROC_TEXT_MAX, &text, NULL, &ignored) < 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':'), *end = names ? strchr(names + 1, ':') : NULL;

		if (!end || end == names + 1 || str_starts(names + 1, "name="))
			continue;
		*end = '\0';
		str_printf(list, "%s%s", list->len ? ", " : "", names + 1);
	}
}

/* What the cgroup2 tree's root has, "cpu, memory", or "nothing". */
static void v2_controllers(const struct cgroup_host *host, struct str *list)
{
	char words[512], *word, *save = NULL;

	if (cgroup_read(host->fd, "cgroup.controllers", words, sizeof(words)) < 0)
		words[0] = '\0';
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		str_printf(list, "%s%s", list->len ? ", " : "", word);
	if (!list->len)
		str_add(list, "nothing");
}

char *cgroup_host_words(const struct cgroup_host *host)
{
	CLEAN(str) struct str v1 = { 0 }, v2 = { 0 };

	switch (host->layout) {
	case CGROUP_UNIFIED:
		v2_controllers(host, &v2);
		return xasprintf("unified: the cgroup2 tree at %s has %s", host->mount, v2.text);
	case CGROUP_HYBRID:
		v2_controllers(host, &v2);
		v1_controllers(&v1);
		return xasprintf("hybrid: %s are on cgroup v1; the cgroup2 tree at %s has only %s",
				 v1.len ? v1.text : "some controllers", host->mount, v2.text);
	case CGROUP_V1_ONLY:
		return xstrdup(
			"v1: no cgroup2 tree is mounted; mount one (mount -t cgroup2 none "
			"/sys/fs/cgroup/unified) or boot with systemd.unified_cgroup_hierarchy=1");
	case CGROUP_NONE:
		break;
	}
	return xstrdup(
		"none: no cgroup filesystem is mounted; mount -t cgroup2 none /sys/fs/cgroup");
}

int cgroup_host_own(const struct cgroup_host *host, char **ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	char *line, *save = NULL;
	int r = file_read(AT_FDCWD, "/proc/self/cgroup", PROC_TEXT_MAX, &text, NULL, err);

	if (r < 0)
		return err_wrap(err, "our own cgroup: ");
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!str_starts(line, "0::/"))
			continue;
		*ret = xstrdup(line + 3);
		return 0;
	}
	return err_set(err, ENODEV, "our own cgroup: /proc/self/cgroup has no cgroup v2 line (%s)",
		       cgroup_layout_name(host->layout));
}

int cgroup_controllers(const struct cgroup_host *host, const char *path, struct strv *ret,
		       struct err *err)
{
	CLEAN(free) char *file = xasprintf("./%s/cgroup.controllers", path);
	char words[512], *word, *save = NULL;
	int r = cgroup_read(host->fd, file, words, sizeof(words));

	if (r < 0)
		return err_set(err, -r, "read %s%s/cgroup.controllers: %s",
			       host->mount ? host->mount : "", path, strerror(-r));
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		strv_add(ret, word);
	return 0;
}

bool cgroup_host_guards_namespaces(void)
{
	CLEAN(free) char *text = NULL;
	char *line, *save = NULL;
	struct err ignored;

	if (file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_TEXT_MAX * 16, &text, NULL, &ignored) <
	    0)
		return false;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *type = strstr(line, " - cgroup2 ");

		if (type && strstr(type, "nsdelegate"))
			return true;
	}
	return false;
}

int cgroup_path_check(const char *path, struct err *err)
{
	const char *part;

	if (!path_is_clean(path) || str_eq(path, "/"))
		return err_set(
			err, EINVAL,
			"cgroup path \"%s\": has to be absolute below the cgroup2 tree, without "
			"\"..\" or empty parts, and not the root itself",
			path);
	if (strchr(path, '\n'))
		return err_set(err, EINVAL, "cgroup path: has a newline in it");
	if (strlen(path) >= PATH_MAX - 64)
		return err_set(err, ENAMETOOLONG, "cgroup path: longer than %d bytes",
			       PATH_MAX - 64);
	for (part = path; part; part = strchr(part + 1, '/')) {
		size_t len = strcspn(part + 1, "/");

		if (str_starts(part + 1, "cgroup."))
			return err_set(
				err, EINVAL,
				"cgroup path \"%s\": no part may start with \"cgroup.\", which "
				"is the kernel's",
				path);
		if (len > NAME_MAX)
			return err_set(err, ENAMETOOLONG,
				       "cgroup path \"%s\": a part is longer than %d", path,
				       NAME_MAX);
	}
	return 0;
}
