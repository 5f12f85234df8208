/* A unix socket of ours that others of the same user connect to, by the path that a flag names. */
#ifndef CTR_MICROVM_LISTEN_H
#define CTR_MICROVM_LISTEN_H

#include "base/err.h"

#include <sys/un.h>

/*
 * Make it there, for its owner alone, in the place of one whose maker is gone: an fd that doesn't block, the caller's,
 * who also removes the file. -EADDRINUSE and the like with words, which begin with the flag; then no file is left.
 */
int listen_at(const char *flag, const char *path, struct err *err) MUST_CHECK;

/* -ENAMETOOLONG, no words. */
int listen_address(struct sockaddr_un *ret, const char *path) MUST_CHECK;

#endif
