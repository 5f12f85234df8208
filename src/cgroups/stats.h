/* What a container uses, read from its own group by file descriptor. */
#ifndef CTR_CGROUPS_STATS_H
#define CTR_CGROUPS_STATS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_UNLIMITED UINT64_MAX

/* Pressure: share of time stalled, in hundredths of a percent over 10 s; total in microseconds. */
struct cgroup_pressure {
	bool set;
	uint32_t some_avg10, full_avg10;
	uint64_t some_total_us, full_total_us;
};

/* A part whose controller isn't there has set false and zeros. */
struct cgroup_stats {
	struct {
		bool set; /* cpu.stat is there without the controller too */
		uint64_t usage_us, user_us, system_us;
		uint64_t periods, throttled_periods, throttled_us;
	} cpu;
	struct {
		bool set;
		uint64_t current_bytes, peak_bytes, max_bytes; /* peak 0: kernel before 5.19 */
		uint64_t swap_bytes, swap_max_bytes;
		uint64_t anon_bytes, file_bytes, kernel_bytes, inactive_file_bytes;
		uint64_t oom_kills, max_events;
	} memory;
	struct {
		bool set;
		uint64_t current, max;
	} pids;
	struct {
		bool set;
		uint64_t read_bytes, write_bytes, read_ops, write_ops; /* over all devices */
	} io;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
};

/* fd: the group's folder. Missing files are no error. */
int cgroup_stats_read(int fd, struct cgroup_stats *ret, struct err *err) MUST_CHECK;

/*
 * How much memory a group can really have: the least memory.max of it and the groups above it that are in
 * view. CGROUP_UNLIMITED: none of them has one. -ENOENT, without words: the controller isn't there.
 */
int cgroup_memory_bound(int fd, uint64_t *ret) MUST_CHECK;

#endif
