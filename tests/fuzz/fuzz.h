/*
 * What the targets share. A target is one NAME_fuzz.c with LLVMFuzzerTestOneInput(): it gives bytes to
 * one reader of ours, and says what has to be true of whatever comes out. Inputs are kept in
 * corpus/NAME, words that help the fuzzer in NAME.dict.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/err.h"
#include "spec/spec.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Something that must be true is not: says it and aborts, which the fuzzer takes for a crash. */
void fuzz_broken(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The result of a function of ours and what it said: 0 or more, or a code with words. */
void fuzz_check(int rc, const struct err *err);

/* What we write of a spec is what `start` and `exec` read: it has to mean the same. False: it can't be
 * read at all, so it must not be planned. */
bool fuzz_round_trip(const struct spec *spec);

/*
 * Plan as far as planning goes before anything is made. The state root is one that can't be there, so
 * nothing is kept: neither filters nor locks. False: it was refused.
 */
struct create_options;
bool fuzz_plan(struct spec *spec, const struct create_options *opt);

/*
 * The input as texts, cut at each form feed; a missing one is "". NUL-terminated copies without room to
 * spare, so that one byte too far is seen.
 */
void fuzz_texts(const uint8_t *data, size_t size, char *ret[], size_t count);
void fuzz_texts_free(char *texts[], size_t count);

/*
 * A folder of this process's own, below TMPDIR, whose owner removes it: its path, and files in it that
 * hold what is to be read.
 */
const char *fuzz_folder(void);
void fuzz_file(const char *name, const void *data, size_t size);

#endif
