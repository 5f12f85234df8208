/* Time, in the units that the names say. No system call: the vDSO answers. */
#ifndef CTR_BASE_CLOCK_H
#define CTR_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Clock ticks since boot, as /proc/PID/stat counts them. */
static inline uint64_t clock_boot_ticks(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 100 + (uint64_t)ts.tv_nsec / 10000000;
}

/*
 * "2026-01-31T23:59:59.123Z". Not by gmtime(3), which reads the machine's time zone from a file, to no
 * end.
 */
void clock_utc_text(uint64_t unix_ms, char ret[32]);

#endif
