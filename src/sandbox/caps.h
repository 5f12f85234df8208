/*
 * Capabilities, by libcap. What changes the caller is for the child just before its exec, in this
 * order: caps_bounding_limit(), caps_keep_across_setuid(), the user switch, caps_apply().
 */
#ifndef CTR_SANDBOX_CAPS_H
#define CTR_SANDBOX_CAPS_H

#include "base/err.h"
#include "base/str.h"
#include "spec/spec.h"

#include <stdint.h>

/* The number of the last capability that this kernel has; found once, no look at /proc. */
int caps_known(void);
uint64_t caps_known_mask(void);

/*
 * What this process could hand to a payload without a new user namespace: its permitted set, less
 * what is not in its bounding set. Usually one system call. True for a process that has not lowered
 * its own bounding set since its exec. Whoever makes a new user namespace has caps_known_mask() there.
 */
uint64_t caps_available(void);

/*
 * Take away from all five sets what is not in `available`, and from ambient what is not in permitted
 * and inheritable both. One warning names all that went, and why: "not known to this kernel", "we
 * don't have it ourselves". `warnings` may be NULL. Does nothing when caps->set is false.
 */
void caps_clip(struct spec_caps *caps, uint64_t available, struct strv *warnings);

/*
 * Drop all but `keep` from the bounding set: one prctl for each capability dropped. Needs
 * CAP_SETPCAP; a caller without it gets -EPERM, unless there is nothing to drop.
 */
int caps_bounding_limit(uint64_t keep, struct err *err) MUST_CHECK;

/* Keep the permitted set over setuid(); the flag is lost at exec. */
int caps_keep_across_setuid(struct err *err) MUST_CHECK;

/*
 * Set effective, permitted and inheritable by one capset, then ambient. The bounding set is not
 * touched. Nothing happens when caps->set is false.
 */
int caps_apply(const struct spec_caps *caps, struct err *err) MUST_CHECK;

/* "CAP_CHOWN, CAP_KILL" for a set; "none" for an empty one. */
void caps_text(uint64_t set, struct str *ret);

#endif
