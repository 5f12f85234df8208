/*
 * config.json, from a stranger's bundle: read, written back, and planned as far as planning goes before
 * anything is made.
 *
 * max: 2048
 * words: src/spec/tables*.c src/spec/names.c src/rootfs/options.c src/spec/spec.h src/rootfs/plan_mounts.c
 */
#include "fuzz.h"

#include "runtime/container.h"
#include "spec/load.h"

#include <sys/stat.h>

/* A bundle for it. */
static void plan(struct spec *spec)
{
	CLEAN(free) char *rootfs = xasprintf("%s/rootfs", fuzz_folder());
	struct create_options opt = CREATE_OPTIONS_INIT;

	(void)mkdir(rootfs, 0755);
	opt.name = "fuzz";
	opt.bundle = fuzz_folder();
	(void)fuzz_plan(spec, &opt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(strv) struct strv warnings = { 0 };
	struct err err = { 0 };
	int rc = spec_parse((const char *)data, size, "config.json", &spec, &warnings, &err);

	fuzz_check(rc, &err);
	if (rc < 0)
		return 0;
	if (!fuzz_round_trip(&spec))
		fuzz_broken("what we write of it can't be read");
	fuzz_check(spec_validate(&spec, &err), &err);
	plan(&spec);
	return 0;
}
