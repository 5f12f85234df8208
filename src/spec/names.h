/* Words of the standard and the numbers the kernel wants for them; one table each. */
#ifndef CTR_SPEC_NAMES_H
#define CTR_SPEC_NAMES_H

#include "spec/spec.h"

/* "CAP_NET_RAW", "net_raw" -> 13; -EINVAL. And back, NULL when the number has no name. The kernel's
 * own last capability is not asked for here. */
int spec_cap_from_name(const char *name) MUST_CHECK;
const char *spec_cap_name(int cap);

/* "RLIMIT_NOFILE", "nofile" -> RLIMIT_NOFILE; -EINVAL. */
int spec_rlimit_from_name(const char *name) MUST_CHECK;
const char *spec_rlimit_name(int resource);

/* "network", "net" -> NS_NETWORK; -EINVAL. */
int spec_ns_from_name(const char *name) MUST_CHECK;
const char *spec_ns_name(enum spec_ns ns); /* as in config.json: "network" */
const char *spec_ns_proc(enum spec_ns ns); /* as in /proc/PID/ns: "net" */
uint64_t spec_ns_flag(enum spec_ns ns);    /* CLONE_NEW* */

const char *spec_hook_name(enum spec_hook_point point); /* "createRuntime" */

/*
 * The tables themselves. Words are kept in place, without pointers, so that a position-independent
 * program has nothing to relocate in them at every start.
 */
#define SPEC_WORD_MAX 40

struct spec_word {
	char word[SPEC_WORD_MAX];
	int value;
};

enum spec_words_id {
	WORDS_CAP,            /* value: the capability's number */
	WORDS_RLIMIT,         /* RLIMIT_* */
	WORDS_NS,             /* enum spec_ns */
	WORDS_SCHED_POLICY,   /* SCHED_* */
	WORDS_SCHED_FLAG,     /* number of the bit in sched_attr.sched_flags */
	WORDS_IOPRIO_CLASS,   /* IOPRIO_CLASS_* */
	WORDS_PROPAGATION,    /* MS_SHARED ... with MS_REC */
	WORDS_PERSONALITY,    /* PER_LINUX, PER_LINUX32 */
	WORDS_SECCOMP_ACTION, /* the words only, libseccomp has the numbers */
	WORDS_SECCOMP_OP,
	WORDS_SECCOMP_ARCH,
	WORDS_SECCOMP_FLAG,   /* SECCOMP_FILTER_FLAG_* */
	WORDS_MEMPOLICY_MODE, /* MPOL_* */
	WORDS_MEMPOLICY_FLAG, /* MPOL_F_* */
	WORDS_DEVICE_TYPE,    /* 'c', 'b', 'u', 'p' */
	WORDS_RULE_TYPE,      /* 'a', 'c', 'b' */
	WORDS_KINDS,
};

/* The row with exactly this word, or this value; NULL when there is none. */
const struct spec_word *spec_word_find(enum spec_words_id id, const char *word);
const struct spec_word *spec_word_of(enum spec_words_id id, int value);

/* All rows of a table (for lists in help and in the features document). */
const struct spec_word *spec_words(enum spec_words_id id, size_t *ret_count);

/* What such a word is called in messages: "capability". */
const char *spec_words_what(enum spec_words_id id);

#endif
