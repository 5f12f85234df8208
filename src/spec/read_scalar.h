/* Inside this room only: the rows of a table that need no other table. */
#ifndef CTR_SPEC_READ_SCALAR_H
#define CTR_SPEC_READ_SCALAR_H

#include "spec/fields.h"

/* Numbers and bools; words from a list of spec/names.h. As json_read_*(): 1 read, 0 absent, -errno. */
int read_number(const struct field *f, const struct json_at *at, void *to,
		struct err *err) MUST_CHECK;
int read_a_word(const struct field_reader *r, const struct field *f, const struct json_at *at,
		void *to, struct err *err) MUST_CHECK;

#endif
