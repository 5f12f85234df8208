/* Inside this room only: copies of small files and folders, by fd. */
#ifndef CTR_ROOTFS_COPY_H
#define CTR_ROOTFS_COPY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copy_rules {
	bool public_only;    /* skip what others may not read; the copies are the copier's own. Else
			      * owner, mode and times are kept, and nodes and pipes copied too */
	uint64_t bytes_left; /* refuse to go on when these are used up; counted down */
	unsigned int entries_left;
};

/*
 * Copy one entry of a folder, a symlink as a symlink, a folder with all below it. Sockets and what
 * public_only leaves out are skipped. A missing source, and one the caller may not read, is 0.
 * -EFBIG when a limit is reached. Symlinks are never followed, on either side.
 */
int copy_entry(int from, int to, const char *name, struct copy_rules *rules,
	       struct err *err) MUST_CHECK;

/* All entries of one folder into another that exists. Both may be O_PATH. */
int copy_folder(int from, int to, struct copy_rules *rules, struct err *err) MUST_CHECK;

/* True when all below a folder may be read by everybody; false in doubt. Looks at regular files and
 * folders only, so a folder of links costs next to nothing. */
bool copy_is_public(int dir, const char *name);

#endif
