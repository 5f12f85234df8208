/*
 * state.json, as a later or an earlier version of ours may have left it, or a disk that was full.
 *
 * max: 1024
 * words: src/runtime/state_json.c src/runtime/state.c
 */
#include "fuzz.h"

#include "base/json.h"
#include "runtime/state.h"

#include <fcntl.h>
#include <string.h>

static char *written(const struct state *s)
{
	CLEAN(json) struct json_object *o = state_to_json(s);

	return xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

static void round_trip(int dir, const struct state *s)
{
	CLEAN(state) struct state again = { 0 };
	CLEAN(free) char *first = written(s), *second = NULL;
	struct err err;

	if (state_write(dir, s, &err) < 0 || state_read(dir, s->name, &again, &err) < 0)
		fuzz_broken("%s\n%s", err.text, first);
	second = written(&again);
	if (strcmp(first, second) != 0)
		fuzz_broken("written again it is another\n%s\n%s", first, second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(state) struct state s = { 0 };
	CLEAN(json) struct json_object *shown = NULL;
	CLEAN(fd) int dir = open(fuzz_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = { 0 };
	int rc;

	fuzz_file("state.json", data, size);
	rc = state_read(dir, "box", &s, &err);
	fuzz_check(rc, &err);
	if (rc < 0)
		return 0;
	if (strcmp(s.name, "box") != 0)
		fuzz_broken("the file decides the name: %s", s.name);
	shown = state_to_oci_json(&s);
	round_trip(dir, &s);
	return 0;
}
