#include "ctr/log_place.h"

#include "base/fd.h"
#include "base/path.h"
#include "ctr/call.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DRIVER "k8s-file"
#define FILES_MAX 1000

/* ---- --log-opt ------------------------------------------------------------------------- */

static int max_size(struct run_made *m, const char *value, struct err *err)
{
	/* docker's word for a log without bounds */
	if (str_eq(value, "-1")) {
		m->log.max_size_bytes = 0;
		return 0;
	}
	if (str_to_bytes(value, &m->log.max_size_bytes) < 0 || !m->log.max_size_bytes)
		return err_set(
			err, EINVAL,
			"--log-opt: max-size: \"%s\" is no size above 0 (10m, 512k; -1: no limit)",
			value);
	return 0;
}

static int max_file(struct run_made *m, const char *value, struct err *err)
{
	uint64_t n;

	if (str_to_u64(value, 1, FILES_MAX, &n) < 0)
		return err_set(err, EINVAL, "--log-opt: max-file: \"%s\" is no number from 1 to %d",
			       value, FILES_MAX);
	m->log.max_files = (unsigned int)n;
	return 0;
}

static int path(struct run_made *m, const char *value, struct err *err)
{
	if (!*value || str_ends(value, "/"))
		return err_set(err, EINVAL, "--log-opt: path: \"%s\" is no name of a file", value);
	free(m->log_path);
	m->log_path = path_absolute(value);
	return 0;
}

static int mode(struct run_made *m, const char *value, struct err *err)
{
	m->log.drop = str_eq(value, "non-blocking");
	if (!m->log.drop && !str_eq(value, "blocking"))
		return err_set(err, EINVAL,
			       "--log-opt: mode: \"%s\" is neither blocking nor non-blocking",
			       value);
	return 0;
}

/* docker's templates, as far as they speak of what is known before there is a container. */
static int tag(struct run_made *m, const char *value, struct err *err)
{
	CLEAN(str) struct str text = { 0 };
	CLEAN(free) char *digits = xstrndup(m->opt.id, 12);
	const struct {
		const char *word, *means;
	} words[] = { { "{{.ID}}", digits },
		      { "{{.FullID}}", m->opt.id },
		      { "{{.Name}}", m->opt.name } };

	while (*value) {
		size_t i = 0;

		while (i < ARRAY_LEN(words) && !str_starts(value, words[i].word))
			i++;
		if (i < ARRAY_LEN(words)) {
			str_add(&text, words[i].means);
			value += strlen(words[i].word);
			continue;
		}
		if (str_starts(value, "{{"))
			return err_set(
				err, EINVAL,
				"--log-opt: tag: of templates there are {{.ID}}, {{.FullID}} "
				"and {{.Name}}");
		str_add_bytes(&text, value++, 1);
	}
	if (!text.len)
		return err_set(err, EINVAL, "--log-opt: tag: it is empty");
	free(m->log_tag);
	m->log_tag = take_ptr(text.text);
	return 0;
}

/* What can be said of a log; some of it only where that is a file, or only where it is none. */
static const struct {
	const char *key;
	int (*set)(struct run_made *m, const char *value, struct err *err);
	bool file, journal;
} options[] = {
	{ "max-size", max_size, .file = true },
	{ "max-file", max_file, .file = true },
	{ "path", path, .file = true },
	{ "mode", mode, .file = true, .journal = true },
	{ "tag", tag, .file = true, .journal = true },
};

static int option(struct run_made *m, const char *text, struct err *err)
{
	int rc = want_assignment("log-opt", text, err);
	const char *value = strchr(text, '=');

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (strlen(options[i].key) != (size_t)(value - text) ||
		    !str_starts(text, options[i].key))
			continue;
		if (log_driver_is_file(m->log.driver) ?
			    options[i].file :
			    str_eq(m->log.driver, "journald") && options[i].journal)
			return options[i].set(m, value + 1, err);
		return err_set(err, EINVAL, "--log-opt: %s: --log-driver %s has no such option",
			       options[i].key, m->log.driver);
	}
	return err_set(
		err, EINVAL,
		"--log-opt: there is no option \"%.*s\"; there are max-size, max-file, path, "
		"mode and tag",
		(int)(value - text), text);
}

static int driver(const struct run_flags *f, struct run_made *m, struct err *err)
{
	CLEAN(str) struct str names = { 0 };

	m->log.driver = f->log_driver ? f->log_driver : DEFAULT_DRIVER;
	if (log_driver_known(m->log.driver))
		return 0;
	log_driver_names(&names);
	return err_set(err, EINVAL, "--log-driver: \"%s\" is none of %s", m->log.driver,
		       names.text);
}

/* ---- where ----------------------------------------------------------------------------- */

static int place(struct run_made *m, struct err *err)
{
	CLEAN(free) char *usual = NULL, *data = NULL;
	char root[PATH_MAX];
	int rc = fd_path(m->state_root, root, sizeof(root), err);

	if (rc == 0)
		rc = call_usual_root(&usual, err);
	if (rc < 0)
		return rc;
	if (!str_eq(root, usual)) {
		m->log_path = xasprintf("%s/%s/log", root, m->opt.name);
		return 0;
	}
	data = call_usual_data();
	if (!data)
		return err_set(
			err, EINVAL,
			"there is no place for the log: neither $XDG_DATA_HOME nor $HOME is a path; "
			"set one, or give --log-opt path=FILE or --log-driver none");
	m->log_path = xasprintf("%s/logs/%s.log", data, m->opt.id);
	return 0;
}

int run_log(const struct run_flags *f, struct run_made *m, struct err *err)
{
	int rc = driver(f, m, err);

	if (rc == 0 && (f->log_driver || f->log_opt.count) &&
	    (f->console_socket || f->attach.count))
		return err_set(
			err, EINVAL,
			"--log-driver, --log-opt: with %s its streams are somebody else's, and "
			"nobody is there to log them",
			f->console_socket ? "--console-socket" : "--attach");
	m->log.max_files = 1;
	for (size_t i = 0; i < f->log_opt.count && rc == 0; i++)
		rc = option(m, f->log_opt.items[i], err);
	if (rc < 0)
		return rc;
	if (m->log.max_files > 1 && !m->log.max_size_bytes)
		return err_set(
			err, EINVAL,
			"--log-opt: max-file needs max-size, which says when the next file begins");
	m->log.id = m->opt.id;
	m->log.name = m->opt.name;
	m->log.tag = m->log_tag;
	if (!log_driver_is_file(m->log.driver))
		return 0;
	if (!m->log_path)
		rc = place(m, err);
	m->log.path = m->log_path;
	return rc;
}
