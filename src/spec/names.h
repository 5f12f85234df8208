/* Words of the standard and the numbers the kernel wants for them; one table each. */
#ifndef CTR_SPEC_NAMES_H
#define CTR_SPEC_NAMES_H

#include "spec/spec.h"

/* "CAP_NET_RAW", "net_raw" -> 13; -EINVAL. And back, NULL when the number has no name. The kernel's
 * own last capability is not asked for here. */
int spec_cap_from_name(const char *name) MUST_CHECK;
const char *spec_cap_name(int cap);

/* "RLIMIT_NOFILE", "nofile" -> RLIMIT_NOFILE; -EINVAL. */
int spec_rlimit_from_name(const char *name) MUST_CHECK;
const char *spec_rlimit_name(int resource);

/* "network", "net" -> NS_NETWORK; -EINVAL. */
int spec_ns_from_name(const char *name) MUST_CHECK;
const char *spec_ns_name(enum spec_ns ns);  /* as in config.json: "network" */
const char *spec_ns_proc(enum spec_ns ns);  /* as in /proc/PID/ns: "net" */
uint64_t spec_ns_flag(enum spec_ns ns);     /* CLONE_NEW* */

const char *spec_hook_name(enum spec_hook_point point); /* "createRuntime" */

#endif
