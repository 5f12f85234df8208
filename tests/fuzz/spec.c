#include "fuzz.h"

#include "base/json.h"
#include "runtime/plan.h"
#include "spec/load.h"

#include <fcntl.h>
#include <string.h>

static char *written(const struct spec *spec)
{
	CLEAN(json) struct json_object *o = spec_to_json(spec);

	return xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

bool fuzz_round_trip(const struct spec *spec)
{
	CLEAN(spec) struct spec again = { 0 };
	CLEAN(free) char *first = written(spec), *second = NULL;
	CLEAN(fd) int dir = open(fuzz_folder(), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err;

	fuzz_file("kept.json", first, strlen(first));
	if (spec_load_own(dir, "kept.json", &again, &err) < 0)
		return false;
	second = written(&again);
	if (strcmp(first, second) != 0)
		fuzz_broken("written again it is another\n%s\n%s", first, second);
	return true;
}

bool fuzz_plan(struct spec *spec, const struct create_options *opt)
{
	CLEAN(strv) struct strv warnings = { 0 };
	CLEAN(plan) struct plan p = PLAN_INIT;
	struct err err = { 0 };
	int rc = plan_make("/dev/null/ctr", spec, opt, &p, &warnings, &err);

	fuzz_check(rc, &err);
	/* A container may have none: then it only holds its namespaces. */
	if (rc == 0 && spec->has_process &&
	    (!p.process->args.count || p.process->args.items[0][0] == '\0'))
		fuzz_broken("planned without a command");
	return rc == 0;
}
