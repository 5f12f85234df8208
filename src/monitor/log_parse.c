#include "monitor/log_parse.h"

#include <errno.h>
#include <string.h>

#define NS UINT64_C(1000000000)

/* ---- time ------------------------------------------------------------------------------ */

static bool digits(const char **at, const char *end, unsigned int count, uint64_t *ret)
{
	*ret = 0;
	for (; count; count--, (*at)++) {
		if (*at == end || **at < '0' || **at > '9')
			return false;
		*ret = *ret * 10 + (uint64_t)(**at - '0');
	}
	return true;
}

static bool sign(const char **at, const char *end, char c)
{
	return *at < end && *(*at)++ == c;
}

/* ".5" is 500000000; of more than nine digits the rest is dropped. */
static bool fraction(const char **at, const char *end, uint64_t *ret)
{
	uint64_t unit = NS / 10;
	const char *from = ++*at;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
		*ret += unit * (uint64_t)(**at - '0');
	return *at > from;
}

/* Days from 1970 (the calendar of 400 years, from March on). */
static uint64_t days(uint64_t y, uint64_t m, uint64_t d)
{
	y -= m <= 2;
	m = m > 2 ? m - 3 : m + 9;
	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + d - 1 - 719468;
}

static bool zone(const char **at, const char *end, uint64_t *secs)
{
	uint64_t h, m;
	char c = *at < end ? *(*at)++ : 'Z';

	if (c == 'Z')
		return true;
	if ((c != '+' && c != '-') || !digits(at, end, 2, &h) || !sign(at, end, ':') ||
	    !digits(at, end, 2, &m) || h > 23 || m > 59)
		return false;
	m = (h * 60 + m) * 60;
	if (c == '+' && m > *secs)
		return false;
	*secs = c == '+' ? *secs - m : *secs + m;
	return true;
}

int log_time_rfc3339(const char *text, size_t len, uint64_t *ret)
{
	const char *at = text, *end = text + len;
	uint64_t y, mon, d, h = 0, min = 0, s = 0, ns = 0, secs;

	if (!digits(&at, end, 4, &y) || !sign(&at, end, '-') || !digits(&at, end, 2, &mon) ||
	    !sign(&at, end, '-') || !digits(&at, end, 2, &d))
		return -EINVAL;
	if (at < end &&
	    (!sign(&at, end, 'T') || !digits(&at, end, 2, &h) || !sign(&at, end, ':') ||
	     !digits(&at, end, 2, &min) || !sign(&at, end, ':') || !digits(&at, end, 2, &s)))
		return -EINVAL;
	/* What comes later doesn't fit into 64 bits. */
	if (y < 1970 || y > 2500 || mon < 1 || mon > 12 || d < 1 || d > 31 || h > 23 || min > 59 ||
	    s > 60)
		return -EINVAL;
	if (at < end && *at == '.' && !fraction(&at, end, &ns))
		return -EINVAL;
	secs = days(y, mon, d) * 86400 + h * 3600 + min * 60 + s;
	if (!zone(&at, end, &secs) || at != end)
		return -EINVAL;
	*ret = secs * NS + ns;
	return 0;
}

static const struct {
	const char *name; /* "ms" before "m" */
	uint64_t ns;
} units[] = { { "ms", 1000000 }, { "h", 3600 * NS }, { "m", 60 * NS }, { "s", NS } };

/* A number with a fraction, times what stands behind it; the unit is *at's, or none. */
static bool piece(const char **at, uint64_t *ret)
{
	uint64_t n = 0, part = 0, unit = 0;
	const char *from = *at;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		if ((n = n * 10 + (uint64_t)(**at - '0')) > UINT64_C(10000000000))
			return false;
	if (*at == from || (**at == '.' && !fraction(at, *at + strlen(*at), &part)))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units) && **at && !unit; i++)
		if (str_starts(*at, units[i].name)) {
			unit = units[i].ns;
			*at += strlen(units[i].name);
		}
	/* Seconds since 1970 have none. */
	if (!unit && **at)
		return false;
	unit = unit ? unit : NS;
	if (n > UINT64_MAX / 2 / unit)
		return false;
	*ret += n * unit + (uint64_t)((double)part / 1e9 * (double)unit);
	return true;
}

int log_time_parse(const char *text, uint64_t now, uint64_t *ret)
{
	const char *at = text;
	uint64_t ns = 0;
	size_t len = strlen(text);
	bool ago = strspn(text, "0123456789.") < len;

	if (log_time_rfc3339(text, len, ret) == 0)
		return 0;
	if (!len)
		return -EINVAL;
	while (*at) {
		if (!piece(&at, &ns) || ns > UINT64_MAX / 2)
			return -EINVAL;
		/* A last number without its unit: "1h30". */
		if (ago && !*at && at[-1] >= '0' && at[-1] <= '9')
			return -EINVAL;
	}
	*ret = !ago ? ns : ns < now ? now - ns : 0;
	return 0;
}

/* ---- k8s-file -------------------------------------------------------------------------- */

static bool stream_of(const char *word, size_t len, enum log_stream *ret)
{
	if (len != 6 || (memcmp(word, "stdout", 6) != 0 && memcmp(word, "stderr", 6) != 0))
		return false;
	*ret = word[3] == 'o' ? LOG_STDOUT : LOG_STDERR;
	return true;
}

/* The longest head that a crash can have left in front of another one. */
#define K8S_HEAD_MAX 64

static bool k8s_line(const char *line, size_t len, struct log_line *ret)
{
	const char *space = memchr(line, ' ', len < K8S_HEAD_MAX ? len : K8S_HEAD_MAX);
	/* " stdout F " */
	size_t head = space ? (size_t)(space - line) + 10 : 0;

	if (!space || len < head || space[7] != ' ' || space[9] != ' ' ||
	    (space[8] != 'F' && space[8] != 'P') || !stream_of(space + 1, 6, &ret->stream))
		return false;
	ret->time = line;
	ret->time_len = (size_t)(space - line);
	ret->text = line + head;
	ret->len = len - head;
	ret->whole = space[8] == 'F';
	return log_time_rfc3339(line, ret->time_len, &ret->unix_ns) == 0;
}

/* Where a machine's crash has left zeros, as many as there are. */
static size_t zeros(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && !line[n])
		n++;
	return n;
}

bool log_parse_k8s(const char *line, size_t len, struct str *scratch, struct log_line *ret)
{
	size_t begin = zeros(line, len), end = begin + K8S_HEAD_MAX;

	(void)scratch;
	for (size_t i = begin; i < len && i < end; i++)
		if (line[i] >= '0' && line[i] <= '9' && k8s_line(line + i, len - i, ret))
			return true;
	return false;
}

/* ---- json-file ------------------------------------------------------------------------- */

static bool hex4(const char **at, const char *end, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; i < 4; i++, (*at)++) {
		const char *hex = "0123456789abcdef", *h;

		if (*at == end || !**at || !(h = strchr(hex, **at | (**at >= 'A' ? 0x20 : 0))))
			return false;
		*ret = *ret << 4 | (uint32_t)(h - hex);
	}
	return true;
}

static void add_utf8(struct str *out, uint32_t c)
{
	unsigned char b[4] = { (unsigned char)c };
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; n > 1 && i-- > 1; c >>= 6)
		b[i] = (unsigned char)(0x80 | (c & 0x3f));
	if (n > 1)
		b[0] = (unsigned char)((0xf00u >> n & 0xf0) | c);
	str_add_bytes(out, b, n);
}

/* Behind "\u"; halves of a pair that stand alone are U+FFFD. */
static bool number(const char **at, const char *end, struct str *out)
{
	uint32_t c, low;

	if (!hex4(at, end, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
		const char *second = *at + 2;

		if (hex4(&second, end, &low) && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			*at = second;
		}
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
	return true;
}

/* A string from its first quote on, decoded onto the end of `out`. */
static bool string(const char **at, const char *end, struct str *out)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";

	if (!sign(at, end, '"'))
		return false;
	while (*at < end && **at != '"') {
		const char *from = *at, *name;

		while (*at < end && **at != '"' && **at != '\\')
			(*at)++;
		str_add_bytes(out, from, (size_t)(*at - from));
		if (*at == end || **at == '"')
			continue;
		if (++*at == end)
			return false;
		if (*(*at)++ == 'u') {
			if (!number(at, end, out))
				return false;
			continue;
		}
		name = (*at)[-1] ? strchr(names, (*at)[-1]) : NULL;
		if (!name)
			return false;
		str_add_bytes(out, &means[name - names], 1);
	}
	return sign(at, end, '"');
}

/* Where a value lies in the scratch: that may move as long as it grows. */
struct span {
	size_t at, len;
};

/* An object that we have no use for: docker's attrs. */
static bool passed_over(const char **at, const char *end, struct str *scratch)
{
	int depth = 0;

	do {
		size_t kept = scratch->len;

		if (**at == '"') {
			if (!string(at, end, scratch))
				return false;
			scratch->len = kept;
			continue;
		}
		depth += (**at == '{') - (**at == '}');
		(*at)++;
	} while (depth && *at < end);
	return !depth;
}

static bool member(const char **at, const char *end, struct str *scratch, struct span seen[3])
{
	static const char *const keys[] = { "log", "stream", "time" };
	size_t key = scratch->len, value;

	if (!string(at, end, scratch) || !sign(at, end, ':'))
		return false;
	value = scratch->len;
	if (*at < end && **at == '{')
		return passed_over(at, end, scratch);
	if (!string(at, end, scratch))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (value - key == strlen(keys[i]) &&
		    memcmp(scratch->text + key, keys[i], value - key) == 0)
			seen[i] = (struct span){ value, scratch->len - value };
	return true;
}

static bool json_line(const char *line, size_t len, struct str *scratch, struct log_line *ret)
{
	const char *at = line, *end = line + len;
	struct span seen[3] = { 0 };

	scratch->len = 0;
	/* So that a place in it is never 0, which is "not seen". */
	str_add(scratch, " ");
	if (!sign(&at, end, '{'))
		return false;
	/* What may follow the three is not looked at. */
	do {
		if (!member(&at, end, scratch, seen))
			return false;
	} while (!(seen[0].at && seen[1].at && seen[2].at) && sign(&at, end, ','));
	if (!seen[0].at || !seen[1].at || !seen[2].at || end[-1] != '}')
		return false;
	ret->text = scratch->text + seen[0].at;
	ret->len = seen[0].len;
	ret->whole = ret->len && ret->text[ret->len - 1] == '\n';
	ret->len -= ret->whole;
	ret->time = scratch->text + seen[2].at;
	ret->time_len = seen[2].len;
	return stream_of(scratch->text + seen[1].at, seen[1].len, &ret->stream) &&
	       log_time_rfc3339(ret->time, ret->time_len, &ret->unix_ns) == 0;
}

/* Pieces of so many lines, at most, are looked for in one: a line made to be tried for ever is not. */
#define TRIES_MAX 16

bool log_parse_json(const char *line, size_t len, struct str *scratch, struct log_line *ret)
{
	static const char begin[] = "{\"log\":";
	const char *at = line, *end = line + len;

	/* A quote in a text is never without its backslash: this is not found inside a line of ours. */
	for (int i = 0; at && i < TRIES_MAX; i++) {
		if (json_line(at, (size_t)(end - at), scratch, ret))
			return true;
		at = at < end ? memmem(at + 1, (size_t)(end - at) - 1, begin, sizeof(begin) - 1) :
				NULL;
	}
	return false;
}
