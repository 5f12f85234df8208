/*
 * Accounts as a container's own /etc/passwd and /etc/group have them. No NSS: the names mean what
 * the file tree says, and a static program loads nothing at run time.
 */
#ifndef CTR_RUNTIME_ACCOUNT_H
#define CTR_RUNTIME_ACCOUNT_H

#include "base/cleanup.h"
#include "base/err.h"
#include "spec/spec.h"

#include <stdint.h>

struct account {
	uint32_t uid, gid;
	char *home;               /* NULL: not said */
	SPEC_LIST(uint32_t) gids; /* supplementary */
};

void account_free(struct account *a);
CLEAN_DEFINE(account, struct account, account_free)

/*
 * Look "USER[:GROUP]" up, names or numbers, in the tree behind `root` (O_PATH); NULL is uid 0. As
 * docker does it: a number needs no account; the groups of a user are those that list it, unless
 * a GROUP is given. -ENOENT for a name that isn't there; -EINVAL for any, where root is -1: there is no tree to look
 * into. ret must be all zero.
 */
int account_find(int root, const char *user, struct account *ret, struct err *err) MUST_CHECK;

/* One group, by name or number. */
int account_group(int root, const char *group, uint32_t *ret, struct err *err) MUST_CHECK;

/*
 * Put what was found into a process: uid, gid, supplementary groups. The first group is among
 * the supplementary ones too, else leaving it would take away what a file denies to that group.
 */
void account_apply(const struct account *a, struct spec_process *p);

/*
 * HOME for an environment without one (or with an empty one), as runc and crun do it: what /etc/passwd
 * of the tree behind `root` says for this uid, else "/". A file that can't be read counts as none: a
 * container must not fail to start for a HOME that nobody asked for.
 */
void account_home_put(int root, uint32_t uid, struct strv *env);

#endif
