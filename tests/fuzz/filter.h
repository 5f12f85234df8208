/* Seccomp rules, compiled and judged: for the targets that make rules in different ways. */
#ifndef TESTS_FUZZ_FILTER_H
#define TESTS_FUZZ_FILTER_H

#include "spec/spec.h"

/*
 * Compile the rules and run the program on many calls, next to those that the rules name: it has to say
 * what a plain evaluation of the rules says (tests/unit/sandbox/bpf.h), and be one that the kernel takes.
 */
void filter_judge(const struct spec_seccomp *spec);

#endif
