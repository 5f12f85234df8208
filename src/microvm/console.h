/* What the guest says: passed on at once, and its end kept for when it dies. */
#ifndef CTR_MICROVM_CONSOLE_H
#define CTR_MICROVM_CONSOLE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_KEPT_BYTES 16384

struct console {
	int fd;                        /* borrowed; where it goes; -1: nowhere */
	char kept[CONSOLE_KEPT_BYTES]; /* a ring */
	uint64_t total, written;       /* bytes that ever came; how many of them were passed on */
	bool closed;                   /* nobody reads any more: errno of the write is in `error` */
	int error;
};

/*
 * How many bytes may come before some that nobody has read would be lost, and those of them that come. No more than
 * that many.
 */
size_t console_room(const struct console *c);
void console_keep(struct console *c, const void *bytes, size_t len);

/*
 * Waits where the reader does: then so does the guest. A signal ends the wait, and what is kept is passed on
 * the next time.
 */
void console_put(struct console *c, uint8_t byte);
void console_flush(struct console *c);

/*
 * The last `max` lines, each with "| " before it, and without control characters; before them the one with which Linux
 * gave up, where it isn't among them.
 */
void console_tail(const struct console *c, unsigned int max, struct str *out);

/* Has Linux said among the last lines that it gave up ("Kernel panic - not syncing")? */
bool console_panicked(const struct console *c);

#endif
