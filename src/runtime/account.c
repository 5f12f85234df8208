#include "runtime/account.h"

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define ACCOUNTS_MAX (16u << 20)

void account_free(struct account *a)
{
	free(a->home);
	free(a->gids.items);
	*a = (struct account){ 0 };
}

/* The text of a file in the tree; "" when there is none. */
static int accounts_read(int root, const char *path, char **ret, struct err *err)
{
	/* Whoever made the tree may have put a fifo there: don't wait for its other end. */
	CLEAN(fd) int fd = path_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, err);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR) {
		*ret = xstrdup("");
		return 0;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "%s in the rootfs is not a regular file", path);
	return file_read_fd(fd, path, ACCOUNTS_MAX, ret, NULL, err);
}

/*
 * Walk "a:b:c" lines: cut the next one into at most `max` fields in place. Returns the number of
 * fields, 0 at the end.
 */
static size_t next_line(char **text, char *fields[], size_t max)
{
	char *line = *text;
	size_t n = 0;

	if (!line || !*line)
		return 0;
	*text += strcspn(line, "\n");
	if (**text)
		*(*text)++ = '\0';
	for (char *field = line; field && n < max;) {
		fields[n++] = field;
		field = strchr(field, ':');
		if (field)
			*field++ = '\0';
	}
	return n;
}

static bool to_id(const char *text, uint32_t *ret)
{
	uint64_t n;

	/* 2^32-1 means "leave it as it is" to the kernel. */
	if (str_to_u64(text, 0, UINT32_MAX - 1, &n) < 0)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* name:password:uid:gid:gecos:home:shell. *ret_name: within text. */
static bool find_user(char *text, const char *user, uint32_t uid, bool is_number,
		      struct account *ret, char **ret_name)
{
	char *field[7];
	size_t n;

	while ((n = next_line(&text, field, 7)) > 0) {
		struct account a = { 0 };

		if (n < 4 || !to_id(field[2], &a.uid) || !to_id(field[3], &a.gid))
			continue;
		if (!str_eq(field[0], user) && !(is_number && a.uid == uid))
			continue;
		ret->uid = a.uid;
		ret->gid = a.gid;
		ret->home = n > 5 && *field[5] ? xstrdup(field[5]) : NULL;
		*ret_name = field[0];
		return true;
	}
	return false;
}

static bool lists_member(char *members, const char *name)
{
	for (char *save = NULL, *m = strtok_r(members, ",", &save); m;
	     m = strtok_r(NULL, ",", &save))
		if (str_eq(m, name))
			return true;
	return false;
}

/* name:password:gid:members. All groups that list the user. */
static void groups_of(char *text, const char *name, struct account *ret)
{
	char *field[4];
	size_t n;

	while ((n = next_line(&text, field, 4)) > 0) {
		uint32_t gid;

		if (n == 4 && to_id(field[2], &gid) && lists_member(field[3], name))
			*SPEC_ADD(&ret->gids) = gid;
	}
}

static int find_group(char *text, const char *group, uint32_t *ret, struct err *err)
{
	uint32_t number = 0;
	bool is_number = to_id(group, &number);
	char *field[4];
	size_t n;

	while ((n = next_line(&text, field, 4)) > 0) {
		uint32_t gid;

		if (n < 3 || !to_id(field[2], &gid))
			continue;
		if (str_eq(field[0], group) || (is_number && gid == number)) {
			*ret = gid;
			return 0;
		}
	}
	if (!is_number)
		return err_set(err, ENOENT, "no group \"%s\" in the container's /etc/group", group);
	*ret = number;
	return 0;
}

static int no_names(const char *name, struct err *err)
{
	return err_set(err, EINVAL,
		       "\"%s\" is a name, and names are in the container's image, which only its "
		       "guest reads; give a number",
		       name);
}

int account_group(int root, const char *group, uint32_t *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	int r;

	if (to_id(group, ret))
		return 0;
	if (root < 0)
		return no_names(group, err);
	r = accounts_read(root, "/etc/group", &text, err);
	return r < 0 ? r : find_group(text, group, ret, err);
}

int account_find(int root, const char *user, struct account *ret, struct err *err)
{
	CLEAN(free) char *given = xstrdup(user ? user : "0"), *passwd = NULL, *groups = NULL;
	char *group = strchr(given, ':'), *name = NULL;
	const char *word = given;
	uint32_t uid = 0;
	bool is_number;
	int r;

	if (group)
		*group++ = '\0';
	if (!*word)
		word = "0";
	is_number = to_id(word, &uid);
	ret->uid = uid;
	if (root < 0 && !is_number)
		return no_names(word, err);
	if (root < 0)
		return group && *group ? account_group(root, group, &ret->gid, err) : 0;
	r = accounts_read(root, "/etc/passwd", &passwd, err);
	if (r < 0)
		return r;
	if (!find_user(passwd, word, uid, is_number, ret, &name) && !is_number)
		return err_set(err, ENOENT, "no user \"%s\" in the container's /etc/passwd", word);
	if (!name && !(group && *group))
		return 0;
	r = accounts_read(root, "/etc/group", &groups, err);
	if (r < 0)
		return r;
	if (group && *group)
		return find_group(groups, group, &ret->gid, err);
	groups_of(groups, name, ret);
	return 0;
}

static void gid_add(struct spec_process *p, uint32_t gid)
{
	for (size_t i = 0; i < p->additional_gids.count; i++)
		if (p->additional_gids.items[i] == gid)
			return;
	*SPEC_ADD(&p->additional_gids) = gid;
}

void account_apply(const struct account *a, struct spec_process *p)
{
	p->uid = a->uid;
	p->gid = a->gid;
	p->additional_gids.count = 0;
	gid_add(p, a->gid);
	for (size_t i = 0; i < a->gids.count; i++)
		gid_add(p, a->gids.items[i]);
}

void account_home_put(int root, uint32_t uid, struct strv *env)
{
	CLEAN(account) struct account account = { 0 };
	const char *given = strv_env_get(env, "HOME");
	CLEAN(free) char *word = NULL, *home = NULL;
	struct err ignored;

	if (given && *given)
		return;
	word = xasprintf("%u", uid);
	if (account_find(root, word, &account, &ignored) < 0)
		account_free(&account);
	home = xasprintf("HOME=%s", account.home ? account.home : "/");
	strv_env_put(env, home);
}
