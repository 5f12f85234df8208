#include "cli/when.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* A thousand years. */
#define MS_MAX 31556952000000.0

static const struct {
	const char *unit;
	double ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60e3 }, { "h", 3600e3 }, { "d", 86400e3 } };

/* The unit that the text begins with; NULL: none. */
static const char *unit_skip(const char *text, double *ret_ms)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_starts(text, units[i].unit)) {
			*ret_ms = units[i].ms;
			return text + strlen(units[i].unit);
		}
	return NULL;
}

/* Digits with at most one dot: what strtod() takes beyond that is no time. */
static bool number_skip(const char **text, double *ret)
{
	size_t len = strspn(*text, "0123456789.");
	CLEAN(free) char *digits = xstrndup(*text, len);
	char *dot = strchr(digits, '.');

	if (!isdigit((unsigned char)*digits) || (dot && strchr(dot + 1, '.')))
		return false;
	*ret = strtod(digits, NULL);
	*text += len;
	return true;
}

/* "1h30m"; false: it isn't one. A bare number is none here. */
static bool span(const char *text, double *ret_ms)
{
	*ret_ms = 0;
	do {
		double number, unit_ms;

		if (!number_skip(&text, &number))
			return false;
		text = unit_skip(text, &unit_ms);
		if (!text)
			return false;
		*ret_ms += number * unit_ms;
	} while (*text);
	return *ret_ms < MS_MAX;
}

int when_span(const char *flag, const char *text, uint64_t *ret_ms, struct err *err)
{
	const char *end = text;
	double ms;

	if (number_skip(&end, &ms) && !*end && ms < MS_MAX / 1000)
		ms *= 1000;
	else if (!span(text, &ms))
		ms = 0;
	if (ms < 1)
		return err_set(err, EINVAL, "--%s: \"%s\" is no time; write 5s or 500ms", flag,
			       text);
	*ret_ms = (uint64_t)ms;
	return 0;
}

/* "Z", "+01:00", "": *ret in seconds. */
static bool zone(const char *text, int *ret)
{
	int hours, minutes;

	*ret = 0;
	if (!*text || str_eq(text, "Z"))
		return true;
	if (strlen(text) != 6 || (*text != '+' && *text != '-') || text[3] != ':' ||
	    strspn(text + 1, "0123456789") != 2 || strspn(text + 4, "0123456789") != 2)
		return false;
	hours = (int)strtol(text + 1, NULL, 10);
	minutes = (int)strtol(text + 4, NULL, 10);
	*ret = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

static bool date(const char *text, uint64_t *ret_ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };
	double fraction = 0;
	int offset;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		time_t seconds;

		if (!end)
			continue;
		if (i == 0 && *end == '.') {
			size_t digits = strspn(end + 1, "0123456789");
			CLEAN(free) char *part = xasprintf("0.%.*s", (int)digits, end + 1);

			fraction = strtod(part, NULL);
			end += digits + 1;
		}
		if (!zone(end, &offset))
			return false;
		seconds = timegm(&tm) - offset;
		*ret_ms = seconds < 0 ? 0 : (uint64_t)seconds * 1000 + (uint64_t)(fraction * 1000);
		return true;
	}
	return false;
}

int when_moment(const char *flag, const char *text, uint64_t now_ms, uint64_t *ret_ms,
		struct err *err)
{
	const char *end = text;
	double number;

	if (number_skip(&end, &number) && !*end && number < MS_MAX / 1000) {
		*ret_ms = (uint64_t)(number * 1000);
		return 0;
	}
	if (*text == '-' && span(text + 1, &number)) {
		*ret_ms = now_ms + (uint64_t)number;
		return 0;
	}
	if (span(text, &number)) {
		*ret_ms = number < (double)now_ms ? now_ms - (uint64_t)number : 0;
		return 0;
	}
	if (date(text, ret_ms))
		return 0;
	return err_set(
		err, EINVAL,
		"--%s: \"%s\" is no time; write 10m (ago), 2026-01-31T09:30:00Z or the seconds "
		"since 1970",
		flag, text);
}
