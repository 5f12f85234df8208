/* ctr spec */
#include "ctr/verbs.h"

#include "base/fd.h"
#include "base/json.h"
#include "ctr/format.h"
#include "ctr/run_make.h"
#include "sandbox/profile.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const struct opt_row spec_rows[] = {
	{ "bundle", "DIR", "Folder to write config.json into (default: this one)", "@dir",
	  .kind = OPT_STRING, .letter = 'b', OPT_TO(struct spec_flags, bundle) },
	{ "seccomp", NULL, "Write the default profile out in full, as linux.seccomp", NULL,
	  .kind = OPT_FLAG, OPT_TO(struct spec_flags, seccomp) },
	{ 0 },
};

static int write_new(const char *dir, const struct str *text, struct err *err)
{
	CLEAN(free) char *path = xasprintf("%s/config.json", dir);
	CLEAN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "%s is there already; remove it first", path);
	if (fd < 0)
		return err_sys(err, "write %s", path);
	r = fd_write_all(fd, text->text, text->len);
	if (r < 0) {
		(void)unlink(path);
		return err_set(err, -r, "write %s: %s", path, strerror(-r));
	}
	return 0;
}

int verb_spec(struct call *call)
{
	const struct spec_flags *f = call->flags;
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(str) struct str text = { 0 };
	struct err err = { 0 };

	spec_default(&spec);
	if (f->seccomp) {
		annotation_put(&spec, SPEC_ANNOTATION_SECCOMP, NULL);
		if (seccomp_profile_default(spec.process.caps.bounding, NULL, &spec.lin.seccomp,
					    &err) < 0)
			return call_fail(call, &err);
	}
	doc = spec_to_json(&spec);
	format_json(doc, &text);
	if (write_new(f->bundle ? f->bundle : ".", &text, &err) < 0)
		return call_fail(call, &err);
	return 0;
}
