/* printf, and what it shares with the other functions. */
#include "ctr/template.h"

#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

bool template_number(struct json_object *o)
{
	return json_object_is_type(o, json_type_int) || json_object_is_type(o, json_type_double);
}

int template_give(const struct call_of *c, const struct str *text)
{
	/* Each of a few variables may be twice the one before. */
	if (text->len > TEMPLATE_TEXT_MAX)
		return err_set(c->err, E2BIG, "--format: %s makes a text of more than %d bytes",
			       c->name, TEMPLATE_TEXT_MAX);
	*c->ret = json_object_new_string_len(text->text ? text->text : "", (int)text->len);
	return 0;
}

int template_wants(const struct call_of *c, const char *what)
{
	return err_set(c->err, EINVAL, "--format: %s is for %s", c->name, what);
}

size_t template_whole(const struct str *text, size_t len)
{
	while (len && len < text->len && ((unsigned char)text->text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

struct verb {
	bool left, zero, plus;
	int width, precision; /* -1: none */
	char letter;
};

static int read_width(const char **at)
{
	int n = 0;

	while (isdigit((unsigned char)**at) && n <= TEMPLATE_WIDTH_MAX)
		n = n * 10 + (*(*at)++ - '0');
	return n;
}

/* Behind the %. */
static const char *read_verb(const char *at, struct verb *v)
{
	*v = (struct verb){ .precision = -1 };
	for (; *at && strchr("-0+ #", *at); at++) {
		v->left |= *at == '-';
		v->zero |= *at == '0';
		v->plus |= *at == '+';
	}
	v->width = read_width(&at);
	if (*at == '.') {
		at++;
		v->precision = read_width(&at);
	}
	v->letter = *at;
	return *at ? at + 1 : at;
}

static void put_padded(const struct verb *v, const struct str *text, struct str *out)
{
	size_t width = (size_t)v->width, fill = width > text->len ? width - text->len : 0;

	if (!v->left)
		str_printf(out, "%*s", (int)fill, "");
	str_add_bytes(out, text->text ? text->text : "", text->len);
	if (v->left)
		str_printf(out, "%*s", (int)fill, "");
}

static int put_verb(const struct call_of *c, const struct verb *v, struct json_object *arg,
		    struct str *out)
{
	int width = v->left ? -v->width : v->width;
	CLEAN(str) struct str text = { 0 };

	switch (v->letter) {
	case 'd':
		if (!template_number(arg))
			return template_wants(c, "numbers where it has %d");
		str_printf(out,
			   v->zero && !v->left ? "%0*" PRId64 :
			   v->plus             ? "%+*" PRId64 :
						 "%*" PRId64,
			   width, json_object_get_int64(arg));
		return 0;
	case 'x':
		if (!template_number(arg))
			return template_wants(c, "numbers where it has %x");
		str_printf(out, v->zero && !v->left ? "%0*" PRIx64 : "%*" PRIx64, width,
			   (uint64_t)json_object_get_int64(arg));
		return 0;
	case 'f':
		if (!template_number(arg))
			return template_wants(c, "numbers where it has %f");
		str_printf(out, "%*.*f", width, v->precision < 0 ? 6 : v->precision,
			   json_object_get_double(arg));
		return 0;
	case 'q':
		str_add(&text, json_object_to_json_string_ext(arg, PLAIN));
		break;
	case 's':
	case 'v':
	case 't':
		template_put(arg, &text);
		if (v->precision >= 0 && (size_t)v->precision < text.len)
			text.len = template_whole(&text, (size_t)v->precision);
		break;
	default:
		return err_set(c->err, EINVAL,
			       "--format: printf: no %%%c; there are %%s %%v %%d %%x %%f "
			       "%%q %%t",
			       v->letter ? v->letter : ' ');
	}
	put_padded(v, &text, out);
	return 0;
}

int template_printf(const struct call_of *c)
{
	CLEAN(str) struct str out = { 0 };
	const char *at;
	size_t arg = 1;

	if (!json_object_is_type(c->args[0], json_type_string))
		return template_wants(c, "a text first");
	for (at = json_object_get_string(c->args[0]); *at;) {
		struct verb v;
		int r;

		if (*at != '%') {
			str_add_bytes(&out, at++, 1);
			continue;
		}
		at = read_verb(at + 1, &v);
		if (v.letter == '%') {
			str_add(&out, "%");
			continue;
		}
		if (arg >= c->count)
			return err_set(c->err, EINVAL, "--format: printf: too few values");
		r = put_verb(c, &v, c->args[arg++], &out);
		if (r < 0)
			return r;
	}
	return template_give(c, &out);
}
