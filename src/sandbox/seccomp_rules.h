/*
 * Inside the seccomp compiler: config.json's rules as one sorted table of numbers for each
 * architecture (seccomp_rules.c, seccomp_arch.c), which seccomp_emit.c turns into a program.
 */
#ifndef CTR_SANDBOX_SECCOMP_RULES_H
#define CTR_SANDBOX_SECCOMP_RULES_H

#include "sandbox/seccomp.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECCOMP_ARGS 6

/* ---- architectures ---------------------------------------------------------------- */

struct seccomp_arch {
	char name[24];                /* "SCMP_ARCH_X86_64"; in place: nothing to relocate */
	char other[12];               /* as docker's profiles call it: "amd64" */
	uint32_t token;               /* as libseccomp has it */
	uint32_t audit;               /* as struct seccomp_data has it; x32 shares x86_64's */
	bool wide;                    /* arguments have 64 bits */
	uint16_t mux_first, mux_last; /* where the calls that socketcall(2) and ipc(2) also do have
				       * numbers of their own; 0: nothing is multiplexed there */
};

const struct seccomp_arch *seccomp_arch_find(const char *name);
const struct seccomp_arch *seccomp_arch_of_this_machine(void);

/* What a name means on one architecture. Nothing allocated. */
struct seccomp_resolver {
	const struct seccomp_arch *arch;
	uint32_t base; /* number of the first of the uniform numbers, less 0 */
	bool mapped;
	int16_t direct[300]; /* of the multiplexed call -N; 0: none */
};

struct seccomp_number {
	bool direct, muxed; /* which of the two there is; neither: not on this architecture */
	uint32_t number;
	uint32_t mux, subcall; /* the multiplexer's number, and its first argument for this call */
	uint32_t subcall_mask; /* what the kernel reads of that argument */
};

void seccomp_resolver_init(struct seccomp_resolver *r, const struct seccomp_arch *arch);
struct seccomp_number seccomp_resolve(struct seccomp_resolver *r, const char *name);

/* ---- words ------------------------------------------------------------------------ */

/* "SCMP_ACT_ERRNO" -> SECCOMP_RET_*; *ret_data_max: the largest errnoRet, 0 when it takes none. False: no
 * such word. */
bool seccomp_action_from_name(const char *name, uint32_t *ret, uint32_t *ret_data_max);

enum seccomp_op { OP_EQ, OP_GT, OP_GE };

/* "SCMP_CMP_LT": one of three operators, perhaps negated. */
bool seccomp_op_from_name(const char *name, enum seccomp_op *ret, bool *ret_negate,
			  bool *ret_masked);

bool seccomp_flag_from_name(const char *name, uint32_t *ret);
void seccomp_flags_text(uint32_t set, struct str *ret);

/* Newer than Debian 12's headers. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* ---- rules ------------------------------------------------------------------------ */

/* (arg & mask) OP value, or not */
struct seccomp_test {
	unsigned int arg;
	enum seccomp_op op;
	bool negate;
	uint64_t mask, value;
};

/* All tests hold: action. */
struct seccomp_rule {
	uint32_t action;
	unsigned int count;
	struct seccomp_test tests[SECCOMP_ARGS];
};

/* System calls from `first` up to the next span's first have one fate. */
struct seccomp_span {
	uint32_t first;
	uint32_t action; /* when no rule of the chain matches */
	bool wide;
	size_t chain, chain_len; /* in the table's links */
};

/* One for each value of seccomp_data.arch; the spans cover all of 0..2^32-1. */
struct seccomp_table {
	uint32_t audit;
	SPEC_LIST(struct seccomp_span) spans;
	SPEC_LIST(size_t) links; /* indexes of rules */
};

struct seccomp_rules {
	uint32_t default_action;
	bool notifies;
	SPEC_LIST(struct seccomp_rule) rules;
	SPEC_LIST(struct seccomp_table) tables; /* this machine's own first */
};

int seccomp_rules_build(const struct spec_seccomp *spec, struct seccomp_rules *ret,
			struct err *err) MUST_CHECK;
void seccomp_rules_free(struct seccomp_rules *r);
CLEAN_DEFINE(seccomp_rules, struct seccomp_rules, seccomp_rules_free)

/* For a number that belongs to no architecture we know of. */
#define SECCOMP_BAD_ARCH SECCOMP_RET_KILL_PROCESS

/* The program; its flags are not set. */
int seccomp_emit(const struct seccomp_rules *rules, struct seccomp_filter *ret,
		 struct err *err) MUST_CHECK;

#endif
