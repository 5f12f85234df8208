/*
 * The flags of `run`, `create` and `update` that become linux.resources: the same rows, for struct
 * run_flags. TO(member) is the including file's.
 */
#ifndef CTR_CTR_LIMIT_ROWS_H
#define CTR_CTR_LIMIT_ROWS_H

#include "ctr/run_flags.h"

/* clang-format off */
#define LIMIT_ROWS                                                                                      \
	{ "memory", "SIZE", "Memory; above it processes are killed", .kind = OPT_BYTES,                 \
	  .letter = 'm', TO(memory) },                                                                  \
	{ "memory-swap", "SIZE",                                                                        \
	  "Memory and swap together; -1: any amount of swap (default: twice --memory)",                 \
	  .kind = OPT_BYTES, .min = -1, TO(memory_swap) },                                              \
	{ "memory-reservation", "SIZE", "Memory that is taken from it last", .kind = OPT_BYTES,         \
	  TO(memory_reservation) },                                                                     \
	{ "cpus", "NUMBER", "Processor time, in processors: 0.5, 2", .kind = OPT_STRING, TO(cpus) },    \
	{ "cpu-shares", "N", "Share of processor time when there is too little (default 1024)",         \
	  .kind = OPT_INT, .letter = 'c', .min = 0, .max = 262144, TO(cpu_shares) },                    \
	{ "cpu-period", "MICROSECONDS", "Period of --cpu-quota", .kind = OPT_INT, .min = 0,             \
	  .max = 1000000, TO(cpu_period) },                                                             \
	{ "cpu-quota", "MICROSECONDS", "Processor time in each period", .kind = OPT_INT, .min = -1,     \
	  .max = INT64_C(1) << 40, TO(cpu_quota) },                                                     \
	{ "cpuset-cpus", "LIST", "Processors that it may use: 0-3,7", .kind = OPT_STRING,               \
	  TO(cpuset_cpus) },                                                                            \
	{ "cpuset-mems", "LIST", "Memory nodes that it may use", .kind = OPT_STRING,                    \
	  TO(cpuset_mems) },                                                                            \
	{ "pids-limit", "N", "Number of processes and threads; -1: any", .kind = OPT_INT, .min = -1,    \
	  .max = INT64_MAX, TO(pids_limit) },                                                           \
	{ "blkio-weight", "N", "Share of disk time: 10 to 1000", .kind = OPT_INT, .min = 0,             \
	  .max = 1000, TO(blkio_weight) },                                                              \
	{ "blkio-weight-device", "DEVICE:N", "The same for one disk", "@file", .kind = OPT_LIST,        \
	  TO(blkio_weight_device) },                                                                    \
	{ "device-read-bps", "DEVICE:RATE", "Bytes read from a disk in a second", "@file",              \
	  .kind = OPT_LIST, TO(read_bps) },                                                             \
	{ "device-write-bps", "DEVICE:RATE", "Bytes written to a disk in a second", "@file",            \
	  .kind = OPT_LIST, TO(write_bps) },                                                            \
	{ "device-read-iops", "DEVICE:RATE", "Reads from a disk in a second", "@file",                  \
	  .kind = OPT_LIST, TO(read_iops) },                                                            \
	{ "device-write-iops", "DEVICE:RATE", "Writes to a disk in a second", "@file",                  \
	  .kind = OPT_LIST, TO(write_iops) },                                                           \
	{ "cgroup-conf", "KEY=VALUE", "Write any file of its cgroup: memory.high=1g",                   \
	  .kind = OPT_LIST, TO(cgroup_conf) },
/* clang-format on */

#endif
