/*
 * What a program has changed of its terminal, as far as one can't see it and it has to be undone: the other
 * screen, keys and mouse that report in another way, the hidden cursor. Followed from its output, which may
 * be cut anywhere. Of a hostile program's output nothing is ever repeated: what comes out is from our table.
 */
#ifndef CTR_MONITOR_MODES_H
#define CTR_MONITOR_MODES_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is a terminal as it is at first. */
struct modes {
	uint32_t changed; /* bits of the table's rows */
	uint32_t named;   /* of the sequence that is being read */
	uint16_t number;  /* of the parameter that is being read */
	uint8_t state;
	uint8_t styled; /* there were control sequences at all */
};

void modes_follow(struct modes *m, const char *bytes, size_t len);

/* Is it on the other screen? */
bool modes_full_screen(const struct modes *m);

/* The control sequences that bring a terminal from its first state into this one, and back. */
void modes_do(const struct modes *m, struct str *out);
void modes_undo(const struct modes *m, struct str *out);

#endif
