/*
 * The host's way to a stream of its own into a guest: by the socket of the guest's launcher, which passes on whoever says
 * which port (microvm/virtio_vsock.h).
 */
#ifndef CTR_WIRE_CALL_H
#define CTR_WIRE_CALL_H

#include "base/err.h"

#include <stdint.h>

#define WIRE_NO_END UINT64_MAX

/* Until `end_ns` (clock_now_ns()) there is something to be read, or nothing more comes: 0; -ETIMEDOUT. */
int wire_wait(int fd, uint64_t end_ns) MUST_CHECK;

/* `fd` is connected to the launcher, and is the stream from here on. -ECONNREFUSED: the guest takes no call;
 * -ETIMEDOUT; -EPIPE and the like. No words. */
int wire_call(int fd, uint64_t end_ns) MUST_CHECK;

#endif
