#include "base/json_scan.h"

#include "base/json.h"

#include <ctype.h>
#include <string.h>

/*
 * The end of the string that starts at `pos` (at its quote): the offset behind the closing quote,
 * or len where it isn't closed. *bad: the first thing in it that no string may hold.
 */
static size_t skip_string(const char *text, size_t len, size_t pos, const char **bad)
{
	size_t i = pos + 1;

	while (i < len) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"')
			return i + 1;
		if (c < 0x20 && !*bad)
			*bad = "a control character in a string; write it as \\uXXXX";
		if (c != '\\') {
			i++;
			continue;
		}
		if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0 && !*bad)
			*bad = "a NUL character (\\u0000) in a string";
		i += 2;
	}
	return len;
}

static bool fits(const char *digits, size_t len, const char *max)
{
	size_t room = strlen(max);

	while (len > 1 && *digits == '0') {
		digits++;
		len--;
	}
	return len < room || (len == room && memcmp(digits, max, len) <= 0);
}

/* The end of the number at `pos`. *big: it is an integer that json-c would saturate. */
static size_t skip_number(const char *text, size_t len, size_t pos, bool *big)
{
	size_t start = pos + (text[pos] == '-'), end = start, all;

	while (end < len && isdigit((unsigned char)text[end]))
		end++;
	all = end;
	while (all < len &&
	       (isdigit((unsigned char)text[all]) || text[all] == '.' || text[all] == 'e' ||
		text[all] == 'E' || text[all] == '+' || text[all] == '-'))
		all++;
	/* With a fraction or an exponent it is a double, which no key of ours takes. */
	if (all == end)
		*big = !fits(text + start, end - start,
			     start > pos ? "9223372036854775808" : "18446744073709551615");
	return all;
}

/* What a byte outside of strings can be. */
enum byte_class {
	BYTE_BAD, /* among them what json-c lets pass: comments, 'quotes', NaN, Infinity */
	BYTE_PLAIN,
	BYTE_QUOTE,
	BYTE_NUMBER,
	BYTE_OPEN,
	BYTE_CLOSE,
	BYTE_COMMA,
	BYTE_COLON,
};

static const unsigned char byte_classes[256] = {
	[' '] = BYTE_PLAIN,  ['\t'] = BYTE_PLAIN, ['\n'] = BYTE_PLAIN, ['\r'] = BYTE_PLAIN,
	['t'] = BYTE_PLAIN,  ['r'] = BYTE_PLAIN,  ['u'] = BYTE_PLAIN,  ['e'] = BYTE_PLAIN,
	['f'] = BYTE_PLAIN,  ['a'] = BYTE_PLAIN,  ['l'] = BYTE_PLAIN,  ['s'] = BYTE_PLAIN,
	['n'] = BYTE_PLAIN,  ['"'] = BYTE_QUOTE,  ['-'] = BYTE_NUMBER, ['0'] = BYTE_NUMBER,
	['1'] = BYTE_NUMBER, ['2'] = BYTE_NUMBER, ['3'] = BYTE_NUMBER, ['4'] = BYTE_NUMBER,
	['5'] = BYTE_NUMBER, ['6'] = BYTE_NUMBER, ['7'] = BYTE_NUMBER, ['8'] = BYTE_NUMBER,
	['9'] = BYTE_NUMBER, ['['] = BYTE_OPEN,   ['{'] = BYTE_OPEN,   [']'] = BYTE_CLOSE,
	['}'] = BYTE_CLOSE,  [','] = BYTE_COMMA,  [':'] = BYTE_COLON,
};

int json_scan(const char *text, size_t len, struct json_scan *ret, struct err *err)
{
	size_t i = 0, start, depth = 0, values = 1;
	const char *bad = NULL;
	bool big = false;

	ret->members = 0;
	while (i < len) {
		start = i++;
		switch ((enum byte_class)byte_classes[(unsigned char)text[start]]) {
		case BYTE_BAD:
			bad = "unexpected character";
			break;
		case BYTE_PLAIN:
			continue;
		case BYTE_QUOTE:
			i = skip_string(text, len, start, &bad);
			break;
		case BYTE_NUMBER:
			i = skip_number(text, len, start, &big);
			break;
		case BYTE_OPEN:
			depth++;
			values++;
			break;
		case BYTE_CLOSE:
			depth -= depth > 0;
			break;
		case BYTE_COMMA:
			values++;
			break;
		case BYTE_COLON:
			ret->members++;
			break;
		}
		if (bad)
			return json_fail_at(text, len, start, err, EINVAL, bad);
		if (big)
			return json_fail_at(text, len, start, err, ERANGE,
					    "a number below -2^63 or over 2^64-1");
		if (depth > JSON_DEPTH_MAX)
			return err_set(err, ELOOP, "nested deeper than %d levels (at byte %zu)",
				       JSON_DEPTH_MAX, start);
		if (values > JSON_VALUES_MAX)
			return json_fail_at(text, len, start, err, E2BIG,
					    "more values than a document may have (2^19)");
	}
	return 0;
}
