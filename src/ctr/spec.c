/* ctr spec */
#include "ctr/verbs.h"

#include "base/file.h"
#include "base/json.h"
#include "ctr/format.h"
#include "ctr/run_make.h"
#include "sandbox/profile.h"
#include "spec/load.h"

#include <fcntl.h>

const struct opt_row spec_rows[] = {
	{ "bundle", "DIR", "Folder to write config.json into (default: this one)", "@dir",
	  .kind = OPT_STRING, .letter = 'b', OPT_TO(struct spec_flags, bundle) },
	{ "seccomp", NULL, "Write the default profile out in full, as linux.seccomp", NULL,
	  .kind = OPT_FLAG, OPT_TO(struct spec_flags, seccomp) },
	{ 0 },
};

int verb_spec(struct call *call)
{
	const struct spec_flags *f = call->flags;
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(str) struct str text = { 0 };
	CLEAN(free) char *path = NULL;
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
	path = xasprintf("%s/config.json", f->bundle ? f->bundle : ".");
	return file_write_new(AT_FDCWD, path, text.text, &err) < 0 ? call_fail(call, &err) : 0;
}
