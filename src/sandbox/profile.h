/*
 * Seccomp profiles: our default one (configs/seccomp.json, embedded), and files in docker's and
 * containers-common's form or in the standard's own. Resolving one for a container gives a plain
 * struct spec_seccomp.
 */
#ifndef CTR_SANDBOX_PROFILE_H
#define CTR_SANDBOX_PROFILE_H

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

#include <stddef.h>
#include <stdint.h>

/* What the default profile denies and a user can give back: --security-opt allow=WORD[,WORD]. */
struct profile_group {
	char name[16]; /* "userns"; an empty one ends the table */
	char help[80]; /* one line, for --help and man pages */
};

extern const struct profile_group profile_groups[];

/* Every word is a group's name, or -EINVAL with a list of those that exist. */
int seccomp_profile_allow_check(const struct strv *allow, struct err *err) MUST_CHECK;

/*
 * Resolve a profile for a container with the bounding set `caps` and the groups `allow` (may be
 * NULL). `name` is what errors call the text. ret must be all zero; it is usually &spec->lin.seccomp
 * and freed with its spec, else by spec_seccomp_free(). Keys and values unknown to us are errors.
 */
int seccomp_profile_resolve(const char *json, size_t len, const char *name, uint64_t caps,
			    const struct strv *allow, struct spec_seccomp *ret,
			    struct err *err) MUST_CHECK;

/* Our own profile. */
int seccomp_profile_default(uint64_t caps, const struct strv *allow, struct spec_seccomp *ret,
			    struct err *err) MUST_CHECK;

/* A user's file (--security-opt seccomp=FILE). */
int seccomp_profile_load(const char *path, uint64_t caps, const struct strv *allow,
			 struct spec_seccomp *ret, struct err *err) MUST_CHECK;

/* The embedded text and its length, not NUL-terminated. */
extern const char profile_default_json[];
size_t profile_default_len(void);

/* A number that changes with the embedded text. */
uint64_t profile_default_id(void);

#endif
