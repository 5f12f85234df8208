/* The one interface that every network namespace has from birth. */
#ifndef CTR_NETNS_LOOPBACK_H
#define CTR_NETNS_LOOPBACK_H

#include "base/err.h"

/*
 * Bring `lo` up in the caller's network namespace; the kernel adds 127.0.0.1/8 and ::1. Needs
 * CAP_NET_ADMIN there. 0 or -errno.
 */
int netns_loopback_up(struct err *err) MUST_CHECK;

#endif
