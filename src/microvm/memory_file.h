/*
 * A guest's memory as a file: what isn't zero, at its place, the rest are holes; and a page behind it, by which it is
 * known again. Who continues from it maps its data: what the guest changes is copied then, page by page, and the file stays
 * as it is, for any number of guests.
 */
#ifndef CTR_MICROVM_MEMORY_FILE_H
#define CTR_MICROVM_MEMORY_FILE_H

#include "microvm/memory.h"
#include "microvm/snapshot_file.h"

/* What the file of the machine's state knows of it. */
struct memory_file {
	uint64_t bytes, hash;
	uint8_t id[SNAPSHOT_ID_BYTES];
};

/* Into an empty file. No processor and no device may run meanwhile. */
int memory_file_write(const struct memory *m, int fd, const uint8_t id[SNAPSHOT_ID_BYTES],
		      struct memory_file *ret, struct err *err) MUST_CHECK;

/*
 * Memory that begins as the file is; takes the fd over, in any case. -EINVAL: it isn't that file, or (where `checked`,
 * which reads all of it) no longer as it was written.
 */
int memory_file_map(int fd, const struct memory_file *known, bool checked, struct memory *ret,
		    struct err *err) MUST_CHECK;

#endif
