/* --env and --env-file, and what a process expects in its environment. */
#include "ctr/run_make.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define ENV_FILE_MAX (4u << 20)

/* "NAME=VALUE", or NAME alone: as it is here, if it is. */
static int put(struct strv *env, const char *flag, const char *text, struct err *err)
{
	CLEAN(free) char *assignment = NULL;
	const char *value;

	if (!*text || *text == '=')
		return err_set(err, EINVAL, "--%s: \"%s\" has no name", flag, text);
	if (strchr(text, '=')) {
		strv_env_put(env, text);
		return 0;
	}
	value = getenv(text);
	if (!value)
		return 0;
	assignment = xasprintf("%s=%s", text, value);
	strv_env_put(env, assignment);
	return 0;
}

/* One NAME[=VALUE] a line, taken as it stands: no quotes, no expansion. # begins a comment line. */
static int put_file(struct strv *env, const char *path, struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len, number = 0;
	int r = file_read(AT_FDCWD, path, ENV_FILE_MAX, &text, &len, err);

	if (r < 0)
		return err_wrap(err, "--env-file: ");
	if (strlen(text) != len)
		return err_set(err, EINVAL, "--env-file %s: has a NUL byte in it", path);
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		line += strspn(line, " \t");
		line[strcspn(line, "\r")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (strcspn(line, " \t") < strcspn(line, "="))
			return err_set(err, EINVAL, "--env-file %s: line %zu: a space in the name",
				       path, number);
		r = put(env, "env-file", line, err);
		if (r < 0)
			return err_wrap(err, "%s: line %zu: ", path, number);
	}
	return 0;
}

int env_apply(const struct env_flags *f, struct strv *env, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < f->env_file.count && r >= 0; i++)
		r = put_file(env, f->env_file.items[i], err);
	for (size_t i = 0; i < f->env.count && r >= 0; i++)
		r = put(env, "env", f->env.items[i], err);
	return r;
}

int run_env(const struct run_flags *f, struct run_made *m, struct err *err)
{
	struct strv *env = &m->spec.process.env;

	if (m->spec.hostname && !strv_env_get(env, "HOSTNAME") && !m->from_bundle)
		strv_printf(env, "HOSTNAME=%s", m->spec.hostname);
	if (m->spec.process.terminal && !strv_env_get(env, "TERM"))
		strv_add(env, "TERM=xterm");
	return env_apply(&f->p, env, err);
}
