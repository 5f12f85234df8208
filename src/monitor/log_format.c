#include "monitor/log_format.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static const char *const stream_names[] = { "stdout", "stderr" };

/* "2026-01-31T23:59:59.123456789Z" */
static void time_text(uint64_t unix_ns, char ret[40])
{
	char ms[32];

	clock_utc_text(unix_ns / 1000000, ms);
	/* The milliseconds and the Z make room for all nine digits. */
	snprintf(ret, 40, "%.20s%09uZ", ms, (unsigned int)(unix_ns % 1000000000));
}

/* The next line or part of one; *ret_whole: it has its newline, which isn't counted. */
static size_t next_line(const char *bytes, size_t len, bool *ret_whole)
{
	const char *end = memchr(bytes, '\n', len);

	*ret_whole = end != NULL;
	return end ? (size_t)(end - bytes) : len;
}

void log_format_k8s(struct str *out, enum log_stream stream, const char *bytes, size_t len,
		    uint64_t unix_ns)
{
	char when[40];

	time_text(unix_ns, when);
	while (len) {
		bool whole;
		size_t n = next_line(bytes, len, &whole);

		str_printf(out, "%s %s %c ", when, stream_names[stream], whole ? 'F' : 'P');
		str_add_bytes(out, bytes, n);
		str_add(out, "\n");
		bytes += n + whole;
		len -= n + whole;
	}
}

/* How many bytes a character has that begins here, 0: it is none (RFC 3629). */
static size_t utf8_len(const unsigned char *s, size_t room)
{
	size_t n = *s < 0x80 ? 1 :
		   *s < 0xc2 ? 0 :
		   *s < 0xe0 ? 2 :
		   *s < 0xf0 ? 3 :
		   *s < 0xf5 ? 4 :
			       0;

	if (n > room)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void add_escaped(struct str *out, unsigned char c)
{
	static const char plain[] = "\"\\\n\r", shown[] = "\"\\nr";
	const char *at = strchr(plain, c);

	if (c && at)
		str_printf(out, "\\%c", shown[at - plain]);
	else
		str_printf(out, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
	/* docker writes what HTML would take for its own as numbers, too. */
	return c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void add_json(struct str *out, const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;

	while (len) {
		size_t n = 0;

		/* As long a piece as can be taken as it is. */
		while (n < len && s[n] < 0x80 && is_plain(s[n]))
			n++;
		str_add_bytes(out, s, n);
		s += n;
		len -= n;
		if (!len)
			break;
		n = utf8_len(s, len);
		if (n == 1)
			add_escaped(out, *s);
		else if (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] & 0xfe) == 0xa8)
			/* Ends of lines to JavaScript. */
			str_printf(out, "\\u202%c", s[2] == 0xa8 ? '8' : '9');
		else if (n)
			str_add_bytes(out, s, n);
		else
			str_add(out, "\\ufffd");
		s += n ? n : 1;
		len -= n ? n : 1;
	}
}

void log_format_json(struct str *out, enum log_stream stream, const char *bytes, size_t len,
		     uint64_t unix_ns)
{
	char when[40];

	time_text(unix_ns, when);
	while (len) {
		bool whole;
		size_t n = next_line(bytes, len, &whole);

		str_add(out, "{\"log\":\"");
		add_json(out, bytes, n);
		str_printf(out, "%s\",\"stream\":\"%s\",\"time\":\"%s\"}\n", whole ? "\\n" : "",
			   stream_names[stream], when);
		bytes += n + whole;
		len -= n + whole;
	}
}
