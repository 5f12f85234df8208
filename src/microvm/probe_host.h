/* What a host offers for virtual machines, beside what is tried: read from /proc and /sys. */
#ifndef CTR_MICROVM_PROBE_HOST_H
#define CTR_MICROVM_PROBE_HOST_H

#include "base/err.h"

#include <json-c/json.h>

/* A list of {name, value}, the caller's; `path` is the device. What can't be read is told so. */
struct json_object *probe_host_facts(const char *path) MUST_CHECK;

#endif
