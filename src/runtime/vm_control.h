/* Talk with the launcher of a container's micro-VM, by its control socket (ctr-vm(8)). */
#ifndef CTR_RUNTIME_VM_CONTROL_H
#define CTR_RUNTIME_VM_CONTROL_H

#include "base/err.h"
#include "runtime/state.h"

#include <stdbool.h>
#include <stdint.h>

#define VM_CONTROL_SOCKET "control" /* in the container's folder */

/* Has this container a launcher that can be controlled? An emulator's is frozen as any process is. */
static inline bool vm_has_control(const struct state *s)
{
	return s->vm && !s->emulated;
}

/* One request, answered with "ok". -errno with words: the launcher's, or why there are none. */
int vm_control(int dir, const char *request, struct err *err) MUST_CHECK;

/* The same with two open files that go with it, and an answer within so many seconds. */
int vm_control_files(int dir, const char *request, const int files[2], int seconds,
		     struct err *err) MUST_CHECK;

/* How large the guest's balloon is to be, so that all of it costs the host no more than a limit. */
struct vm_balloon {
	uint64_t before, wanted; /* bytes */
};

/* limit <= 0: there is none. -EINVAL: no guest is as small as that. */
int vm_balloon_plan(int dir, int64_t limit, struct vm_balloon *ret, struct err *err) MUST_CHECK;

/* Wait until the guest has given back what is wanted; -ETIMEDOUT: it gives no more, and it is as before. */
int vm_balloon_grow(int dir, const struct vm_balloon *b, struct err *err) MUST_CHECK;

/* From now on, as fast as the guest can. */
int vm_balloon_set(int dir, uint64_t bytes, struct err *err) MUST_CHECK;

#endif
