/* Inside this room only: the accounts that a container of source "host" knows. */
#ifndef CTR_ROOTFS_ACCOUNTS_H
#define CTR_ROOTFS_ACCOUNTS_H

#include "base/err.h"

#include <stddef.h>

/*
 * Of passwd or group text, the lines of the system's own accounts (ids below 1000, and nobody's):
 * without passwords, without other people as members of groups. The caller's to free.
 */
char *host_accounts_filter(const char *text) MUST_CHECK;

/* The same from file to file. A missing file is fine. */
int host_accounts_copy(int from, int to, const char *name, struct err *err) MUST_CHECK;

#endif
