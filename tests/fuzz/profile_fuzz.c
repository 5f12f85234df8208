/*
 * A seccomp profile in docker's form, given by --security-opt seccomp=FILE.
 *
 * max: 1024
 * words: src/sandbox/profile.c src/sandbox/profile_rule.c src/spec/names.c src/sandbox/seccomp_arch.c tests/fuzz/rules_fuzz.c
 */
#include "filter.h"
#include "fuzz.h"

#include "sandbox/profile.h"
#include "spec/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *words[] = { "userns", "bpf", NULL };
	static const struct strv none, some = { .items = words, .count = 2 };
	const struct strv *allow[] = { NULL, &none, &some };
	static const uint64_t caps[] = { 0, UINT64_MAX, 1ull << 21 };

	for (size_t i = 0; i < ARRAY_LEN(allow); i++) {
		CLEAN(spec_seccomp) struct spec_seccomp spec = { 0 };
		struct err err = { 0 };
		int rc = seccomp_profile_resolve((const char *)data, size, "profile.json", caps[i],
						 allow[i], &spec, &err);

		fuzz_check(rc, &err);
		if (rc == 0)
			filter_judge(&spec);
	}
	return 0;
}
