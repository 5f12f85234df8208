/*
 * A log's file, in both formats, whole and from its end: whatever a crash or somebody else has made of it.
 *
 * max: 4096
 * words: src/monitor/log_parse.c tests/fuzz/log_fuzz.c
 */
#include "fuzz.h"

#include "base/str.h"
#include "monitor/log_format.h"
#include "monitor/log_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* For the dictionary. */
static const char *const words[] = {
	"2026-01-01T00:00:00Z", " stdout F ", " stderr P ", "{\"log\":\"",
	"\"stream\":",          "\"stdout\"", "\"time\":"
};

struct seen {
	struct str text; /* of both streams, with marks between */
	uint64_t lines, ends;
	bool inside[2];
};

static int line(void *arg, const struct log_line *l)
{
	struct seen *s = arg;

	if (l->stream != LOG_STDOUT && l->stream != LOG_STDERR)
		fuzz_broken("stream %d", (int)l->stream);
	str_printf(&s->text, "%c%c", l->stream == LOG_STDERR ? 'e' : 'o', l->whole ? 'F' : 'P');
	str_add_bytes(&s->text, l->text, l->len);
	s->lines++;
	s->ends += l->whole;
	s->inside[l->stream] = !l->whole;
	return 0;
}

static void read_all(const char *path, const char *driver, int64_t tail, struct seen *ret)
{
	struct log_query q = { .path = path,
			       .driver = driver,
			       .tail_set = tail >= 0,
			       .tail = tail < 0 ? 0 : (uint64_t)tail,
			       .line = line,
			       .arg = ret };
	struct err err = { 0 };

	if (log_read(&q, &err) < 0)
		fuzz_broken("%s", err.text);
}

/* The tail is what the whole log ends with, and has no more lines than were asked for. */
static void check_tail(const char *path, const char *driver, const struct seen *all, int64_t n)
{
	struct seen tail = { 0 };

	read_all(path, driver, n, &tail);
	if (tail.text.len > all->text.len ||
	    (tail.text.len && memcmp(all->text.text + all->text.len - tail.text.len, tail.text.text,
				     tail.text.len) != 0))
		fuzz_broken("%s: the last %d lines are others", driver, (int)n);
	if (tail.ends > (uint64_t)n)
		fuzz_broken("%s: %d lines of %d", driver, (int)tail.ends, (int)n);
	if (tail.ends < (uint64_t)n && tail.ends + tail.inside[0] + tail.inside[1] < (uint64_t)n &&
	    tail.lines != all->lines)
		fuzz_broken("%s: %d lines of %d, and there are more", driver, (int)tail.ends,
			    (int)n);
	str_free(&tail.text);
}

/* What the writers make of any bytes is read as these bytes (json-file: as long as they are ASCII). */
static void round_trip(const char *path, const char *driver, log_format_fn format,
		       const uint8_t *data, size_t size)
{
	CLEAN(str) struct str file = { 0 }, wanted = { 0 };
	struct seen seen = { 0 };
	bool ascii = true;

	for (size_t i = 0; i < size; i++)
		ascii &= data[i] < 0x80;
	if (format == log_format_json && !ascii)
		return;
	format(&file, LOG_STDERR, (const char *)data, size, UINT64_C(1767225600000000000));
	fuzz_file("log", file.text ? file.text : "", file.len);
	for (size_t i = 0; i < size;) {
		const uint8_t *end = memchr(data + i, '\n', size - i);
		size_t len = end ? (size_t)(end - (data + i)) : size - i;

		str_printf(&wanted, "e%c", end ? 'F' : 'P');
		str_add_bytes(&wanted, data + i, len);
		i += len + (end != NULL);
	}
	read_all(path, driver, -1, &seen);
	if (seen.text.len != wanted.len ||
	    (wanted.len && memcmp(seen.text.text, wanted.text, wanted.len) != 0))
		fuzz_broken("%s: read as something else", driver);
	str_free(&seen.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const drivers[] = { "k8s-file", "json-file" };
	CLEAN(free) char *path = xasprintf("%s/log", fuzz_folder());

	(void)words;
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		struct seen all = { 0 };

		fuzz_file("log", data, size);
		read_all(path, drivers[i], -1, &all);
		for (int64_t n = 0; n < 4; n++)
			check_tail(path, drivers[i], &all, n);
		str_free(&all.text);
	}
	round_trip(path, "k8s-file", log_format_k8s, data, size);
	round_trip(path, "json-file", log_format_json, data, size);
	return 0;
}
