/* What verbs print: small templates over JSON ('{{.State.Pid}}'), tables, times. */
#ifndef CTR_CTR_FORMAT_H
#define CTR_CTR_FORMAT_H

#include "base/err.h"
#include "base/str.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Put a document through a template: text, \t and \n, and the part of Go's templates that people use with
 * --format: fields (whatever their case), if, else, with, range, variables, pipes, trimmed space, comments, and
 * the functions of template_functions.c. -EINVAL says what is not understood, -ENOENT which fields there are.
 */
int format_render(const char *format, struct json_object *doc, struct str *out,
		  struct err *err) MUST_CHECK;

/* All of a list: pretty JSON where the format is NULL or "json"; columns with headings where it begins with
 * "table "; else a line each by the template. */
int format_list(const char *format, struct json_object *list, struct str *out,
		struct err *err) MUST_CHECK;

/* Pretty JSON with a newline. */
void format_json(struct json_object *doc, struct str *out);

/* Cells, row after row; the first row is the heading. */
struct table {
	size_t columns;
	struct strv cells;
};

/* Columns as wide as their widest cell; empty lines when there is no cell. */
void table_print(const struct table *t, bool heading, struct str *out);

/* "1.234MiB" or, by powers of 1000, "1.234MB": four digits, as docker prints sizes. */
void format_bytes(uint64_t bytes, bool binary, struct str *out);

/* "3 minutes", "2 weeks": how long ago, or how long it took. */
void format_duration(uint64_t seconds, struct str *out);

/* "2026-01-31T09:30:00.123Z"; "" for 0. ret has room for 32. */
void format_time(uint64_t unix_ms, char ret[32]);

uint64_t format_now_ms(void);

#endif
