/*
 * Containers of ordinary users: the ids that they may hand to a container, and where they keep its
 * state. What needs more rights than that is refused where it is asked for.
 */
#ifndef CTR_RUNTIME_ROOTLESS_H
#define CTR_RUNTIME_ROOTLESS_H

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <sys/types.h>

/* Were we started by an ordinary user? Root of a user namespace is not one: what it may do is for the
 * kernel to say. The first call decides, for this process and its later children. */
bool rootless(void);

/*
 * Are we to use what a user has (the state root below, the user's systemd)? The root of a user
 * namespace (podman's, of an ordinary user) has no say over /run: the one for whom it was made has a
 * folder of their own.
 */
bool rootless_served(void);

/*
 * The state root of an ordinary user: $XDG_RUNTIME_DIR/NAME, else /run/user/UID/NAME, else
 * /tmp/NAME-UID, which is made with mode 0700 and refused when it is another's. The caller's to free.
 */
int rootless_state_root(const char *name, char **ret, struct err *err) MUST_CHECK;

/*
 * Where an ordinary user keeps what can be made again: $XDG_CACHE_HOME/NAME, else ~/.cache/NAME, else
 * below the state root. Not made here. The caller's to free.
 */
int rootless_cache(const char *name, char **ret, struct err *err) MUST_CHECK;

/*
 * Where an ordinary user keeps what is to stay: $XDG_DATA_HOME/NAME, else ~/.local/share/NAME. Not made
 * here; NULL: there is no home. The caller's to free.
 */
char *rootless_data(const char *name) MUST_CHECK;

/*
 * Maps for a new user namespace: root is the user, and from id 1 on come the ranges that /etc/subuid
 * and /etc/subgid give to the user. Without these, root alone, with a warning. subuid(5).
 */
int rootless_maps(spec_id_maps *uids, spec_id_maps *gids, struct strv *warnings,
		  struct err *err) MUST_CHECK;

/*
 * Write the maps of a child in its new user namespace: by ourselves where that is one id, our own,
 * else by newuidmap and newgidmap, which are setuid root and know what is ours. Errors name the key.
 */
int rootless_map_write(pid_t pid, const spec_id_maps *uids, const spec_id_maps *gids,
		       struct err *err) MUST_CHECK;

#endif
