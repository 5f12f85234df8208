/*
 * linux.seccomp, as JSON: read, compiled, and the program held against the rules.
 *
 * max: 1024
 * words: src/spec/tables_linux.c src/spec/names.c src/sandbox/seccomp_arch.c tests/fuzz/rules_fuzz.c
 */
#include "filter.h"
#include "fuzz.h"

#include "spec/load.h"

static const char head[] =
	"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(str) struct str text = { 0 };
	CLEAN(spec) struct spec spec = { 0 };
	struct err err = { 0 };
	int rc;

	str_add(&text, head);
	str_add_bytes(&text, data, size);
	str_add(&text, "}}");
	rc = spec_parse(text.text, text.len, "config.json", &spec, NULL, &err);
	fuzz_check(rc, &err);
	if (rc == 0)
		filter_judge(&spec.lin.seccomp);
	return 0;
}
