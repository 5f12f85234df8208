/* What is known of exec sessions: their files. */
#include "runtime/session.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/session_rows.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define FILE_MAX (4 << 20)

void session_free(struct session *s)
{
	free(s->user);
	strv_free(&s->args);
	*s = (struct session){ 0 };
}

void sessions_free(struct sessions *list)
{
	for (size_t i = 0; i < list->count; i++)
		session_free(&list->items[i]);
	free(list->items);
	*list = (struct sessions){ 0 };
}

int session_new(struct session *ret, struct err *err)
{
	unsigned char bytes[SESSION_ID_LEN / 2];
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_sys(err, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret->id + 2 * i, 3, "%02x", bytes[i]);
	ret->client = getpid();
	ret->created_unix_ms = clock_unix_ms();
	ret->client_ticks = clock_boot_ticks();
	return 0;
}

void session_name(const struct session *s, char ret[SESSION_NAME_ROOM])
{
	snprintf(ret, SESSION_NAME_ROOM, SESSION_PREFIX "%s", s->id);
}

/* ---- written: a line for what it is, and one for each thing that becomes known -------------- */

static int add_line(int fd, const struct session *s, struct json_object *o, struct err *err)
{
	CLEAN(json) struct json_object *doc = o;
	CLEAN(str) struct str line = { 0 };
	int rc;

	str_printf(&line, "%s\n", json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN));
	rc = fd_write_all(fd, line.text, line.len);
	return rc < 0 ? err_set(err, -rc, "write " SESSION_PREFIX "%s: %s", s->id, strerror(-rc)) :
			0;
}

#define WRITING (O_WRONLY | O_APPEND | O_CLOEXEC)

/* Who sweeps takes what has no client for one whose client was killed: so it gets its name when it has. */
static int give_name(int dir, int fd, const char *name, struct err *err)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW) < 0 ?
		       err_sys(err, "make %s", name) :
		       0;
}

/* What is in the first line, but for who waits for it, its user and its arguments. */
static const struct {
	const char *key;
	size_t offset;
} flags[] = {
	{ "keep", offsetof(struct session, keep) },
	{ "terminal", offsetof(struct session, terminal) },
	{ "interactive", offsetof(struct session, interactive) },
	{ "privileged", offsetof(struct session, privileged) },
};

int session_write(int dir, const struct session *s, struct err *err)
{
	CLEAN(fd) int fd = openat(dir, ".", WRITING | O_TMPFILE, 0600);
	char name[SESSION_NAME_ROOM];
	struct json_object *o;
	int rc;

	if (fd < 0)
		return err_sys(err, "make a file without a name in the container's folder");
	session_name(s, name);
	o = json_object_new_object();
	json_put_i64(o, "client", s->client);
	json_put_u64(o, "clientTicks", s->client_ticks);
	json_put_u64(o, "created", s->created_unix_ms);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		json_put_bool(o, flags[i].key, *(const bool *)((const char *)s + flags[i].offset));
	json_put_string(o, "user", s->user);
	json_put_strv(o, "args", &s->args);
	rc = add_line(fd, s, o, err);
	if (rc == 0)
		rc = give_name(dir, fd, name, err);
	return rc < 0 ? rc : take_fd(&fd);
}

int session_write_pid(int fd, const struct session *s, struct err *err)
{
	struct json_object *o = json_object_new_object();

	json_put_i64(o, "pid", s->pid);
	json_put_u64(o, "pidTicks", s->pid_ticks);
	return add_line(fd, s, o, err);
}

int session_write_end(int dir, const struct session *s, int exit_code, struct err *err)
{
	char name[SESSION_NAME_ROOM];
	CLEAN(fd) int fd = -1;
	struct json_object *o;

	session_name(s, name);
	fd = openat(dir, name, WRITING | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, "open %s", name);
	o = json_object_new_object();
	json_put_i64(o, "exitCode", exit_code);
	return add_line(fd, s, o, err);
}

/* ---- read ------------------------------------------------------------------------------- */

static int read_pid(const struct json_at *at, const char *key, pid_t *ret, struct err *err)
{
	struct json_at value = json_get(at, key);
	int64_t pid = *ret;
	int rc = json_read_i64(&value, 1, INT_MAX, &pid, err);

	*ret = (pid_t)pid;
	return rc;
}

static int read_u64(const struct json_at *at, const char *key, uint64_t *ret, struct err *err)
{
	struct json_at value = json_get(at, key);

	return json_read_u64(&value, 0, UINT64_MAX, ret, err);
}

static int read_flags(const struct json_at *at, struct session *s, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(flags) && rc >= 0; i++) {
		struct json_at value = json_get(at, flags[i].key);

		rc = json_read_bool(&value, (bool *)((char *)s + flags[i].offset), err);
	}
	return rc;
}

/* Any of the lines: what is not in it is left as it is. */
static int read_line(const struct json_at *at, struct session *s, struct err *err)
{
	struct json_at user = json_get(at, "user"), args = json_get(at, "args"),
		       code = json_get(at, "exitCode");
	int64_t exit_code = 0;
	int rc = read_pid(at, "client", &s->client, err);

	if (rc >= 0)
		rc = read_u64(at, "clientTicks", &s->client_ticks, err);
	if (rc >= 0)
		rc = read_u64(at, "created", &s->created_unix_ms, err);
	if (rc >= 0)
		rc = read_flags(at, s, err);
	if (rc >= 0)
		rc = json_read_string(&user, &s->user, err);
	if (rc >= 0)
		rc = json_read_strv(&args, &s->args, err);
	if (rc >= 0)
		rc = read_pid(at, "pid", &s->pid, err);
	if (rc >= 0)
		rc = read_u64(at, "pidTicks", &s->pid_ticks, err);
	if (rc >= 0)
		rc = json_read_i64(&code, 0, 255, &exit_code, err);
	if (rc > 0) {
		s->ended = true;
		s->exit_code = (int)exit_code;
	}
	return rc < 0 ? rc : 0;
}

/* One whose client was killed while it wrote may have a part of a line, which is none. */
static int read_file(int dir, const char *name, struct session *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	int rc = file_read(dir, name, FILE_MAX, &text, NULL, err);

	if (rc < 0)
		return rc;
	snprintf(ret->id, sizeof(ret->id), "%s", name + strlen(SESSION_PREFIX));
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		CLEAN(json) struct json_object *doc = NULL;
		struct json_at at = { 0 };

		rc = json_parse_own(line, (size_t)(end - line), name, &doc, err);
		at.value = doc;
		if (rc == 0)
			rc = read_line(&at, ret, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_one(const char *name)
{
	return str_starts(name, SESSION_PREFIX) &&
	       strlen(name) == strlen(SESSION_PREFIX) + SESSION_ID_LEN;
}

static int by_age(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return x->created_unix_ms == y->created_unix_ms ? strcmp(x->id, y->id) :
	       x->created_unix_ms < y->created_unix_ms  ? -1 :
							  1;
}

static int names_of(int dir, struct strv *ret, struct err *err)
{
	CLEAN(fd) int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!folder)
		return err_sys(err, "list the exec sessions");
	take_fd(&fd);
	while ((entry = readdir(folder)))
		if (is_one(entry->d_name))
			strv_add(ret, entry->d_name);
	return 0;
}

int session_list(const struct container *c, struct sessions *ret, struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	int rc = names_of(c->dir, &names, err);

	if (rc < 0)
		return rc;
	ret->items = xcalloc(names.count + 1, sizeof(*ret->items));
	for (size_t i = 0; i < names.count; i++) {
		struct session *s = &ret->items[ret->count];

		rc = read_file(c->dir, names.items[i], s, err);
		if (rc == -ENOENT) {
			session_free(s);
			continue;
		}
		ret->count++;
		if (rc < 0)
			return err_wrap(err, "container \"%s\": exec session: ", c->state.name);
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_age);
	return 0;
}

void session_forget_all(const struct container *c)
{
	CLEAN(strv) struct strv names = { 0 };
	struct err ignored;

	if (names_of(c->dir, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		(void)unlinkat(c->dir, names.items[i], 0);
}
