#include "ctr/made.h"

#include "base/json.h"
#include "ctr/format.h"
#include "ctr/run_make.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t cut(const char *line, char *text, size_t room, char **word)
{
	size_t n = 0;

	snprintf(text, room, "%s", line);
	for (char *save = NULL, *w = strtok_r(text, " ", &save); w && n < MADE_WORDS - 1;
	     w = strtok_r(NULL, " ", &save)) {
		for (char *c = w; *c; c++)
			if (*c == '~')
				*c = ' ';
		word[n++] = w;
	}
	word[n] = NULL;
	return n;
}

static struct json_object *document(const struct run_made *m)
{
	struct json_object *doc = json_object_new_object(), *opt = json_object_new_object();

	json_put_string(opt, "Name", m->opt.name);
	json_put_string(opt, "Id", m->opt.id);
	json_put_string(opt, "Source", m->opt.source);
	json_put_string(opt, "CgroupParent", m->opt.cgroup_parent);
	json_put_string(opt, "PidFile", m->opt.pid_file);
	json_put_string(opt, "Bundle", m->opt.bundle);
	json_put_bool(opt, "AutoRemove", m->opt.auto_remove);
	json_object_object_add(doc, "opt", opt);
	json_object_object_add(doc, "spec", spec_to_json(&m->spec));
	return doc;
}

int made(const char *line, const char *format, struct str *out, struct err *err)
{
	static const struct opt_set set = { run_rows, RUN_VARIANT };
	CLEAN(run_made) struct run_made m = RUN_MADE_INIT;
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(strv) struct strv warnings = { 0 };
	struct run_flags f = { 0 };
	char text[1024], *word[MADE_WORDS];
	CLEAN(fd) int root = -1;
	int r;

	str_add(out, "");
	m.data_root = "/nowhere";
	cut(line, text, sizeof(text), word);
	r = opt_parse(&set, word, true, &f, err);
	if (r == 0)
		r = root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r >= 0)
		r = run_make(&f, word, root, &m, &warnings, err);
	if (r >= 0) {
		doc = document(&m);
		r = format_render(format, doc, out, err);
	}
	opt_free(&set, &f);
	return r;
}

void made_is(const char *line, const char *format, const char *expected)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	if (made(line, format, &out, &err) < 0)
		fail_msg("%s: %s", line, err.text);
	if (strcmp(out.text, expected) != 0)
		fail_msg("%s: %s is\n  %s, expected\n  %s", line, format, out.text, expected);
}

void made_fails(const char *line, const char *part)
{
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	if (made(line, "", &out, &err) >= 0)
		fail_msg("%s: went well", line);
	if (!strstr(err.text, part))
		fail_msg("%s: \"%s\" has no \"%s\"", line, err.text, part);
}
