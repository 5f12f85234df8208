/* A processor for what our device programs are made of. */
#ifndef TESTS_CGROUPS_INSNS_H
#define TESTS_CGROUPS_INSNS_H

#include "cgroups/devices.h"

#include <stdint.h>

/* The program's answer. Fails the test at an instruction that we don't make and at a jump out of the
 * program. */
uint64_t insns_run(const struct cgroup_devices *d, const struct bpf_cgroup_dev_ctx *ctx);

#endif
