/* What stands for a guest's disk on the host: a file or a block device, opened and locked. */
#ifndef CTR_MICROVM_DISK_H
#define CTR_MICROVM_DISK_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/bucket.h"

#include <stdbool.h>
#include <stdint.h>

#define DISK_SECTOR_BYTES 512
#define DISK_ID_MAX 20 /* as virtio has it */

/* What --disk says. All zero is none. */
struct disk_options {
	char *file;
	char id[DISK_ID_MAX + 1]; /* "": none */
	bool readonly;
	struct bucket_rates rates;
	uint32_t burst_ms;
};

struct disk {
	int fd;
	uint64_t bytes;
	bool readonly;
	char id[DISK_ID_MAX + 1];
};

#define DISK_NONE        \
	{                \
		.fd = -1 \
	}

/* FILE[,readonly][,id=NAME][,bps=SIZE][,iops=N][,burst=MS]. */
int disk_parse(const char *text, struct disk_options *ret, struct err *err) MUST_CHECK;
void disk_options_free(struct disk_options *opt);

/*
 * Open it. Two guests must not write to one disk, nor one read what another writes: -EBUSY. The lock is
 * flock(2)'s, and goes with the fd.
 */
int disk_open(const struct disk_options *opt, struct disk *ret, struct err *err) MUST_CHECK;

void disk_close(struct disk *disk);
CLEAN_DEFINE(disk, struct disk, disk_close)

#endif
