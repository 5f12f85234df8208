/* Limits: the files of a cgroup, and the properties that make systemd write them. */
#include "systemd/props.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_DEFAULT_US 100000
#define PERCENT_US 10000    /* of a second */
#define MASK_BITS_MAX 65536 /* more processors than any kernel counts */

/* Each makes the value of its kind of file; NULL for a text that only the file itself can take. */
typedef struct json_object *make_value(const char *text);

/* "67108864", "64M", "max": as the kernel's memparse() reads it. */
static struct json_object *make_amount(const char *text)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t value;

	if (str_eq(text, "max"))
		return json_object_new_uint64(UINT64_MAX);
	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		int shift = 10 * (int)(unit - units + 1);

		if (value > UINT64_MAX >> shift)
			return NULL;
		value <<= shift;
		end++;
	}
	return *end || errno ? NULL : json_object_new_uint64(value);
}

static struct json_object *make_count(const char *text)
{
	uint64_t value;

	if (str_eq(text, "max"))
		return json_object_new_uint64(UINT64_MAX);
	return str_to_u64(text, 1, UINT64_MAX - 1, &value) < 0 ? NULL :
								 json_object_new_uint64(value);
}

/* "100", and of io.weight "default 100" too; one disk's is the file's. */
static struct json_object *make_weight(const char *text)
{
	uint64_t value;

	if (str_starts(text, "default "))
		text += strlen("default ");
	return str_to_u64(text, 1, 10000, &value) < 0 ? NULL : json_object_new_uint64(value);
}

/* A number at *s, which moves behind it. */
static bool take_bit(const char **s, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return false;
	*ret = strtoul(*s, &end, 10);
	*s = end;
	return *ret < MASK_BITS_MAX;
}

/* "0-3,5" as bits, the lowest byte first. */
static struct json_object *make_mask(const char *text)
{
	CLEAN(free) unsigned char *bytes = xcalloc(MASK_BITS_MAX / 8, 1);
	struct json_object *array;
	unsigned long from, to, top = 0;

	for (const char *s = text; *s; s += *s == ',') {
		if (!take_bit(&s, &from))
			return NULL;
		to = from;
		if (*s == '-' && (s++, !take_bit(&s, &to) || to < from))
			return NULL;
		if (*s && *s != ',')
			return NULL;
		for (; from <= to; from++)
			bytes[from / 8] |= (unsigned char)(1u << from % 8);
		top = to / 8 + 1 > top ? to / 8 + 1 : top;
	}
	array = json_object_new_array();
	for (unsigned long i = 0; i < top; i++)
		json_object_array_add(array, json_object_new_int(bytes[i]));
	return array;
}

static const struct limit {
	const char *file;     /* of the group */
	const char *property; /* systemd.resource-control(5) */
	const char *type;     /* in D-Bus */
	make_value *make;
} limits[] = {
	{ "memory.max", "MemoryMax", "t", make_amount },
	{ "memory.high", "MemoryHigh", "t", make_amount },
	{ "memory.low", "MemoryLow", "t", make_amount },
	{ "memory.min", "MemoryMin", "t", make_amount },
	{ "memory.swap.max", "MemorySwapMax", "t", make_amount },
	{ "pids.max", "TasksMax", "t", make_count },
	{ "cpu.weight", "CPUWeight", "t", make_weight },
	{ "cpuset.cpus", "AllowedCPUs", "ay", make_mask },
	{ "cpuset.mems", "AllowedMemoryNodes", "ay", make_mask },
	{ "io.weight", "IOWeight", "t", make_weight },
};

/*
 * "QUOTA PERIOD", "max PERIOD", "QUOTA". systemd counts the quota in microseconds of each second, and
 * keeps no more of it over a daemon-reload than whole percents: 33.3 would come back as 33. So it is told
 * the next whole percent, as runc does it; our own write behind it is exact.
 */
static void cpu_max(struct json_object *props, const char *text)
{
	uint64_t quota, period = PERIOD_DEFAULT_US, a_second = UINT64_MAX;
	const char *space = strchr(text, ' ');
	CLEAN(free) char *first = xstrndup(text, strcspn(text, " "));

	if (space && str_to_u64(space + 1, 1, 1000000, &period) < 0)
		return;
	if (!str_eq(first, "max")) {
		if (str_to_u64(first, 1, UINT64_MAX / 1000000 - 1, &quota) < 0)
			return;
		a_second = (quota * 1000000 + period - 1) / period;
		a_second = (a_second + PERCENT_US - 1) / PERCENT_US * PERCENT_US;
	}
	if (space)
		systemd_prop(props, "CPUQuotaPeriodUSec", "t", json_object_new_uint64(period));
	systemd_prop(props, "CPUQuotaPerSecUSec", "t", json_object_new_uint64(a_second));
}

void systemd_props_limits(struct json_object *props, const struct cgroup_settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		const struct cgroup_setting *s = &settings->items[i];

		if (str_eq(s->file, "cpu.max"))
			cpu_max(props, s->value);
		for (size_t j = 0; j < ARRAY_LEN(limits); j++) {
			struct json_object *value =
				str_eq(s->file, limits[j].file) ? limits[j].make(s->value) : NULL;

			if (value)
				systemd_prop(props, limits[j].property, limits[j].type, value);
		}
	}
}
