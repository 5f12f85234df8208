/* What a guest is told that has been held: the time; and, if it is a copy of another one, who it is now. */
#ifndef CTR_GUEST_RENEW_H
#define CTR_GUEST_RENEW_H

#include "runtime/container.h"
#include "wire/frame.h"
#include "wire/renew.h"

/*
 * Set the clock as WIRE_RENEW's frame says, and of a copy's container the hostname and /etc/machine-id, where it has one.
 * -EPROTO: it is none.
 */
int renew(const struct wire_frame *f, const struct container *c, struct err *err) MUST_CHECK;

#endif
