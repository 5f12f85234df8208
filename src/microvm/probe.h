/*
 * Can this host run an unmodified kernel in a virtual machine? KVM's own words don't tell: a KVM that is made
 * for kernels of its own kind answers every question well, and stock kernels hang in it. So instructions that
 * they can't do without are run, in a small guest each.
 */
#ifndef CTR_MICROVM_PROBE_H
#define CTR_MICROVM_PROBE_H

#include "base/err.h"
#include "base/str.h"

#include <json-c/json.h>

/*
 * A JSON document, the caller's: "usable", "reasons" (what is in the way, and what to do), "checks" (name, ok,
 * detail: each that was run), "host" (name, value: what else it offers). A process for each check, killed when
 * it takes too long. Of one thread only.
 */
struct json_object *probe_host(const char *device) MUST_CHECK;

#endif
