/*
 * What makes a guest's interfaces as the host's are: requests of rtnetlink(7), one after the other, as the host's
 * ctr-net has written them and the guest's init sends them to its own kernel. Interfaces have numbers of their
 * order there, from 1; each first comes in an RTM_SETLINK with its address, by which it is found.
 */
#ifndef CTR_NETNS_REQUESTS_H
#define CTR_NETNS_REQUESTS_H

#include "base/err.h"

#include <stddef.h>

#define NET_REQUESTS_MAX (1u << 20) /* bytes */

/* All of them, up to the first that fails. The text is changed. -EPROTO: it is none of ctr-net's. */
int netns_requests_apply(void *text, size_t len, struct err *err) MUST_CHECK;

#endif
