/*
 * What the tests of the seccomp compiler judge by: an interpreter of filters as the kernel has one,
 * a plain evaluation of the rules, rule by rule, and libseccomp's own program for the same rules.
 */
#ifndef TESTS_SANDBOX_BPF_H
#define TESTS_SANDBOX_BPF_H

#include "sandbox/seccomp.h"
#include "spec/spec.h"

#include <linux/seccomp.h>
#include <stdint.h>

/* Run a filter; *ret_steps counts the instructions executed. Aborts where the kernel's checker would
 * refuse the program: a jump out of it, an unknown instruction, an end without return. */
uint32_t bpf_run(const struct seccomp_filter *f, const struct seccomp_data *data,
		 unsigned int *ret_steps);

/* The action that the rules give, looked up the slow way. */
uint32_t bpf_expect(const struct spec_seccomp *spec, const struct seccomp_data *data);

/* bpf_expect() remembers what names mean until this is called: whenever a spec is new or changed. */
void bpf_forget(void);

/* libseccomp's program for the rules, added as runc adds them; no ENOSYS for newer calls. */
void bpf_libseccomp(const struct spec_seccomp *spec, int optimize, struct seccomp_filter *ret);

/* Building specs in few words. */
struct spec_seccomp_rule *bpf_rule(struct spec_seccomp *spec, const char *action, int errno_ret,
				   const char *names);
void bpf_arg(struct spec_seccomp_rule *r, unsigned int index, const char *op, uint64_t value,
	     uint64_t value_two);

#endif
