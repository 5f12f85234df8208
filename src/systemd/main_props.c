/* Properties in JSON to D-Bus: the type says which of D-Bus's kinds a value is to be. */
#include "systemd/main_bus.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The kinds of whole numbers, with or without a sign. */
static const struct {
	char type;
	int64_t min;
	uint64_t max;
} integers[] = {
	{ 'y', 0, UINT8_MAX },         { 'n', INT16_MIN, INT16_MAX }, { 'q', 0, UINT16_MAX },
	{ 'i', INT32_MIN, INT32_MAX }, { 'u', 0, UINT32_MAX },        { 'x', INT64_MIN, INT64_MAX },
	{ 't', 0, UINT64_MAX },
};

static int done(int rc, struct err *err)
{
	return rc < 0 ? err_set(err, -rc, "make a message: %s", strerror(-rc)) : 0;
}

/* In as many bytes as its type has. */
static int append_integer(sd_bus_message *m, char type, uint64_t value)
{
	const uint32_t in_32 = (uint32_t)value;
	const uint16_t in_16 = (uint16_t)value;
	const uint8_t in_8 = (uint8_t)value;

	switch (type) {
	case 'y':
		return sd_bus_message_append_basic(m, type, &in_8);
	case 'n':
	case 'q':
		return sd_bus_message_append_basic(m, type, &in_16);
	case 'i':
	case 'u':
		return sd_bus_message_append_basic(m, type, &in_32);
	default:
		return sd_bus_message_append_basic(m, type, &value);
	}
}

static int add_integer(sd_bus_message *m, char type, const struct json_at *at, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
		uint64_t value = 0;
		int64_t with_sign = 0;
		int rc;

		if (integers[i].type != type)
			continue;
		if (integers[i].min < 0)
			rc = json_read_i64(at, integers[i].min, (int64_t)integers[i].max,
					   &with_sign, err);
		else
			rc = json_read_u64(at, 0, integers[i].max, &value, err);
		if (rc <= 0)
			return rc < 0 ? rc : json_fail(at, err, EINVAL, "missing");
		if (integers[i].min < 0)
			value = (uint64_t)with_sign;
		return done(append_integer(m, type, value), err);
	}
	return json_fail(at, err, EINVAL, "no such type '%c'", type);
}

static int add_basic(sd_bus_message *m, char type, const struct json_at *at, struct err *err)
{
	CLEAN(free) char *text = NULL;
	bool yes = false;
	double number;
	int flag, rc;

	switch (type) {
	case 's':
		rc = json_read_string(at, &text, err);
		if (rc > 0)
			return done(sd_bus_message_append_basic(m, type, text), err);
		break;
	case 'b':
		rc = json_read_bool(at, &yes, err);
		flag = yes;
		if (rc > 0)
			return done(sd_bus_message_append_basic(m, type, &flag), err);
		break;
	case 'd':
		number = json_object_get_double(at->value);
		return done(sd_bus_message_append_basic(m, type, &number), err);
	default:
		return add_integer(m, type, at, err);
	}
	return rc < 0 ? rc : json_fail(at, err, EINVAL, "missing");
}

/* The members of a struct, all of them basic. */
static int add_struct(sd_bus_message *m, const char *types, const struct json_at *at,
		      struct err *err)
{
	int rc = done(sd_bus_message_open_container(m, 'r', types), err);

	for (size_t i = 0; types[i] && rc == 0; i++) {
		struct json_at member = json_item(at, i);

		rc = add_basic(m, types[i], &member, err);
	}
	return rc < 0 ? rc : done(sd_bus_message_close_container(m), err);
}

/* `type` is that of an element: basic, or a struct of basics. */
static int add_array(sd_bus_message *m, const char *type, const struct json_at *at, struct err *err)
{
	CLEAN(free) char *members = *type == '(' ? xstrndup(type + 1, strlen(type) - 2) : NULL;
	int rc = json_want_array(at, err);

	if (rc >= 0)
		rc = done(sd_bus_message_open_container(m, 'a', type), err);
	for (size_t i = 0; rc == 0 && i < json_count(at); i++) {
		struct json_at item = json_item(at, i);

		rc = members ? add_struct(m, members, &item, err) : add_basic(m, *type, &item, err);
	}
	return rc < 0 ? rc : done(sd_bus_message_close_container(m), err);
}

/* s, as, a(ss): no more than this. */
static bool is_type(const char *type)
{
	static const char basic[] = "sbynqiuxtd";
	size_t len;

	if (*type == 'a')
		type++;
	else
		return *type && strchr(basic, *type) && !type[1];
	if (*type != '(')
		return *type && strchr(basic, *type) && !type[1];
	len = strspn(type + 1, basic);
	return len && str_eq(type + 1 + len, ")");
}

static int add_prop(sd_bus_message *m, const struct json_at *at, struct err *err)
{
	struct json_at name_at = json_get(at, "name"), type_at = json_get(at, "type"),
		       value = json_get(at, "value");
	CLEAN(free) char *name = NULL, *type = NULL;
	int rc = json_read_string(&name_at, &name, err);

	if (rc > 0)
		rc = json_read_string(&type_at, &type, err);
	if (rc <= 0 || !is_type(type))
		return rc < 0 ? rc : json_fail(at, err, EPROTO, "no property");
	rc = done(sd_bus_message_open_container(m, 'r', "sv"), err);
	if (rc == 0)
		rc = done(sd_bus_message_append_basic(m, 's', name), err);
	if (rc == 0)
		rc = done(sd_bus_message_open_container(m, 'v', type), err);
	if (rc == 0)
		rc = *type == 'a' ? add_array(m, type + 1, &value, err) :
				    add_basic(m, *type, &value, err);
	if (rc == 0)
		rc = done(sd_bus_message_close_container(m), err);
	return rc < 0 ? rc : done(sd_bus_message_close_container(m), err);
}

int message_add_props(sd_bus_message *m, const struct json_at *props, struct err *err)
{
	int rc = done(sd_bus_message_open_container(m, 'a', "(sv)"), err);

	for (size_t i = 0; rc == 0 && i < json_count(props); i++) {
		struct json_at at = json_item(props, i);

		rc = add_prop(m, &at, err);
	}
	return rc < 0 ? rc : done(sd_bus_message_close_container(m), err);
}
