/* Values in GVariant's text form, as far as properties of units are made of them. */
#include "systemd/props.h"

#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The words before a number, and the D-Bus types that they mean. */
static const struct {
	const char *word;
	char type;
	int64_t min;
	uint64_t max;
} numbers[] = {
	{ "byte", 'y', 0, UINT8_MAX },    { "int16", 'n', INT16_MIN, INT16_MAX },
	{ "uint16", 'q', 0, UINT16_MAX }, { "int32", 'i', INT32_MIN, INT32_MAX },
	{ "uint32", 'u', 0, UINT32_MAX }, { "int64", 'x', INT64_MIN, INT64_MAX },
	{ "uint64", 't', 0, UINT64_MAX }, { "double", 'd', 0, 0 },
};

static void skip_space(const char **at)
{
	*at += strspn(*at, " \t\n");
}

/* Is the word next? Then *at moves behind it. */
static bool take_word(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0 || isalnum((unsigned char)(*at)[len]))
		return false;
	*at += len;
	return true;
}

/* 'text' or "text": a backslash keeps the letter behind it, but for n and t. */
static struct json_object *take_string(const char **at)
{
	CLEAN(str) struct str text = { 0 };
	const char quote = **at, *s = *at + 1;

	for (; *s && *s != quote; s++) {
		char c = *s;

		if (c == '\\') {
			c = *++s;
			if (!c)
				return NULL;
			c = (char)(c == 'n' ? '\n' : c == 't' ? '\t' : c);
		}
		str_add_bytes(&text, &c, 1);
	}
	if (*s != quote)
		return NULL;
	*at = s + 1;
	return json_object_new_string_len(text.text ? text.text : "", (int)text.len);
}

static struct json_object *take_integer(const char **at, int64_t min, uint64_t max)
{
	const char *digits = **at == '-' ? *at + 1 : *at;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return NULL;
	errno = 0;
	if (**at == '-') {
		long long value = strtoll(*at, &end, 0);

		*at = end;
		return errno || value < min ? NULL : json_object_new_int64(value);
	} else {
		unsigned long long value = strtoull(*at, &end, 0);

		*at = end;
		return errno || value > max ? NULL : json_object_new_uint64(value);
	}
}

static struct json_object *take_double(const char **at)
{
	char *end;
	double value = strtod(*at, &end);

	if (end == *at || !(value > -1e300 && value < 1e300))
		return NULL;
	*at = end;
	return json_object_new_double(value);
}

/* A number: of the type that stands before it, else a double if it has a point, else an int32. */
static struct json_object *take_number(const char **at, char *ret_type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers) && !take_word(at, numbers[i].word); i++)
		;
	skip_space(at);
	if (i == ARRAY_LEN(numbers)) {
		size_t len = strspn(*at, "+-0123456789xXabcdefABCDEF");

		*ret_type = (*at)[len] == '.' ? 'd' : 'i';
		return *ret_type == 'd' ? take_double(at) : take_integer(at, INT32_MIN, INT32_MAX);
	}
	*ret_type = numbers[i].type;
	return *ret_type == 'd' ? take_double(at) :
				  take_integer(at, numbers[i].min, numbers[i].max);
}

static struct json_object *take_simple(const char **at, char *ret_type)
{
	skip_space(at);
	if (**at == '\'' || **at == '"') {
		*ret_type = 's';
		return take_string(at);
	}
	*ret_type = 'b';
	if (take_word(at, "true"))
		return json_object_new_boolean(true);
	if (take_word(at, "false"))
		return json_object_new_boolean(false);
	return take_number(at, ret_type);
}

/* ['a', 'b']: all of one type, which the first one says. "@as []" is how an empty one says it. */
static struct json_object *take_array(const char **at, char *ret_type)
{
	CLEAN(json) struct json_object *array = json_object_new_array();
	char type = '\0';

	(*at)++;
	skip_space(at);
	while (**at != ']') {
		struct json_object *item = take_simple(at, &type);

		if (!item)
			return NULL;
		json_object_array_add(array, item);
		if (*ret_type && *ret_type != type)
			return NULL;
		*ret_type = type;
		skip_space(at);
		if (**at == ',')
			(*at)++;
		else if (**at != ']')
			return NULL;
		skip_space(at);
	}
	(*at)++;
	return *ret_type ? take_ptr(array) : NULL;
}

int systemd_variant_parse(const char *text, char ret_type[SYSTEMD_TYPE_ROOM],
			  struct json_object **ret)
{
	CLEAN(json) struct json_object *value = NULL;
	bool strings;

	memset(ret_type, 0, SYSTEMD_TYPE_ROOM);
	skip_space(&text);
	strings = take_word(&text, "@as");
	skip_space(&text);
	if (*text == '[') {
		ret_type[0] = 'a';
		ret_type[1] = (char)(strings ? 's' : '\0');
		value = take_array(&text, &ret_type[1]);
	} else if (!strings) {
		value = take_simple(&text, &ret_type[0]);
	}
	skip_space(&text);
	if (!value || *text)
		return -EINVAL;
	*ret = take_ptr(value);
	return 0;
}
