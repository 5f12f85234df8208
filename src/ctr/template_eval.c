/* Pipelines: operands, fields of them, functions. */
#include "ctr/template.h"

#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#define ARGS_MAX 16

/* A pipeline while it is read. */
struct reading {
	struct template *t;
	const char *at, *whole;
	struct json_object *dot;
	struct err *err;
	int depth;
};

static int pipeline(struct reading *r, struct json_object **ret);

static int not_understood(const struct reading *r)
{
	return err_set(r->err, EINVAL, "--format: \"%s\" is not understood", r->whole);
}

static void skip_space(struct reading *r)
{
	r->at += strspn(r->at, " \t\n");
}

static size_t word_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

/* ---- variables ----------------------------------------------------------------------- */

int template_let(struct template *t, const char *name, size_t len, struct json_object *value,
		 struct err *err)
{
	if (t->count == TEMPLATE_VARS_MAX)
		return err_set(err, E2BIG, "--format: more than %d variables", TEMPLATE_VARS_MAX);
	if (len < 2 || *name != '$')
		return err_set(err, EINVAL, "--format: \"%.*s\" is no variable: $NAME", (int)len,
			       name);
	t->vars[t->count].name = xstrndup(name, len);
	t->vars[t->count++].value = json_object_get(value);
	return 0;
}

void template_forget(struct template *t, size_t count)
{
	while (t->count > count) {
		t->count--;
		free(t->vars[t->count].name);
		json_object_put(t->vars[t->count].value);
	}
}

/* "$" or "$name"; *ret is borrowed. */
static int variable(struct reading *r, struct json_object **ret)
{
	size_t len = 1 + word_length(r->at + 1);
	CLEAN(free) char *name = xstrndup(r->at, len);

	r->at += len;
	*ret = r->t->root;
	if (len == 1)
		return 0;
	for (size_t i = r->t->count; i-- > 0;)
		if (str_eq(r->t->vars[i].name, name)) {
			*ret = r->t->vars[i].value;
			return 0;
		}
	return err_set(r->err, ENOENT, "--format: there is no variable %s", name);
}

/* ---- fields -------------------------------------------------------------------------- */

static int no_field(struct json_object *in, const char *name, struct err *err)
{
	CLEAN(str) struct str all = { 0 };

	str_add(&all, "");
	if (json_object_is_type(in, json_type_object)) {
		json_object_object_foreach (in, key, value) {
			(void)value;
			str_printf(&all, " .%s", key);
		}
	}
	return err_set(err, ENOENT, "--format: no field .%s; there are%s", name,
		       all.len ? all.text : " none");
}

static int field_get(struct json_object *in, const char *name, struct json_object **ret,
		     struct err *err)
{
	if (json_object_is_type(in, json_type_object)) {
		if (json_object_object_get_ex(in, name, ret))
			return 0;
		json_object_object_foreach (in, key, value) {
			if (strcasecmp(key, name) == 0) {
				*ret = value;
				return 0;
			}
		}
	}
	return no_field(in, name, err);
}

/* ".A.B" behind a value, or "." alone, which is the value itself. A name may have any byte that ends no
 * word, as keys of documents do. */
static int fields(struct reading *r, struct json_object **value)
{
	while (*r->at == '.') {
		size_t len = strcspn(++r->at, " \t\n|().");
		CLEAN(free) char *name = xstrndup(r->at, len);
		int rc;

		r->at += len;
		if (!len && (*r->at != '.'))
			return 0;
		rc = field_get(*value, name, value, r->err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- constants ----------------------------------------------------------------------- */

static int quoted(struct reading *r, struct json_object **ret)
{
	const char *end = template_quoted(r->at);
	CLEAN(str) struct str text = { 0 };
	bool raw = *r->at == '`';

	if (!end)
		return not_understood(r);
	str_add(&text, "");
	for (const char *p = r->at + 1; p < end - 1; p++) {
		char c = *p;

		if (c == '\\' && !raw && p + 1 < end - 1) {
			c = *++p;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		str_add_bytes(&text, &c, 1);
	}
	r->at = end;
	*ret = json_object_new_string_len(text.text, (int)text.len);
	return 0;
}

static int number(struct reading *r, struct json_object **ret)
{
	size_t len = strcspn(r->at, " \t\n|()");
	CLEAN(free) char *text = xstrndup(r->at, len);
	char *end;
	double d;
	int64_t i;

	r->at += len;
	if (str_to_i64(text, INT64_MIN, INT64_MAX, &i) == 0) {
		*ret = json_object_new_int64(i);
		return 0;
	}
	d = strtod(text, &end);
	if (*end || end == text)
		return not_understood(r);
	*ret = json_object_new_double_s(d, text);
	return 0;
}

/* ---- operands ------------------------------------------------------------------------ */

static int nested(struct reading *r, struct json_object **ret)
{
	int rc;

	if (++r->depth > TEMPLATE_DEPTH_MAX)
		return err_set(r->err, ELOOP, "--format: more than %d within each other",
			       TEMPLATE_DEPTH_MAX);
	r->at++;
	rc = pipeline(r, ret);
	r->depth--;
	if (rc < 0)
		return rc;
	if (*r->at != ')')
		return not_understood(r);
	r->at++;
	return 0;
}

/* A value; *ret is the caller's. */
static int operand(struct reading *r, struct json_object **ret)
{
	CLEAN(json) struct json_object *own = NULL;
	struct json_object *value = r->dot;
	int rc = 0;

	if (*r->at == '"' || *r->at == '`')
		return quoted(r, ret);
	if (isdigit((unsigned char)*r->at) || *r->at == '-' || *r->at == '+')
		return number(r, ret);
	if (*r->at == '(') {
		rc = nested(r, &own);
		value = own;
	} else if (*r->at == '$') {
		rc = variable(r, &value);
	} else if (*r->at != '.') {
		return not_understood(r);
	}
	if (rc == 0)
		rc = fields(r, &value);
	if (rc == 0)
		*ret = json_object_get(value);
	return rc;
}

/* ---- functions ----------------------------------------------------------------------- */

struct args {
	struct json_object *items[ARGS_MAX];
	size_t count;
};

static void args_free(struct args *a)
{
	while (a->count)
		json_object_put(a->items[--a->count]);
}
CLEAN_DEFINE(args, struct args, args_free)

static bool at_end(const struct reading *r)
{
	return !*r->at || *r->at == '|' || *r->at == ')';
}

static const struct {
	const char *word;
	int value; /* -1: nil */
} constants[] = { { "true", 1 }, { "false", 0 }, { "nil", -1 } };

/* A word that isn't a function with arguments: true, false, nil. */
static bool constant(const char *word, struct json_object **ret)
{
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (str_eq(constants[i].word, word)) {
			*ret = constants[i].value < 0 ? NULL :
							json_object_new_boolean(constants[i].value);
			return true;
		}
	return false;
}

static bool is_constant(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (str_eq(constants[i].word, word))
			return true;
	return false;
}

static int argument(struct reading *r, struct json_object **ret)
{
	size_t len = word_length(r->at);
	CLEAN(free) char *word = xstrndup(r->at, len);

	if (len && isalpha((unsigned char)*word) && constant(word, ret)) {
		r->at += len;
		return 0;
	}
	return operand(r, ret);
}

static int fail_function(const struct reading *r, const char *word, size_t count)
{
	if (!count)
		return err_set(r->err, EINVAL,
			       "--format: \"%s\" is not understood; fields are written .Name",
			       r->whole);
	return err_set(r->err, EINVAL,
		       "--format: no function \"%s\"; there are json, len, index, join, split, "
		       "upper, lower, title, truncate, pad, slice, print, printf, println, eq, ne, "
		       "lt, le, gt, ge, and, or and not",
		       word);
}

/* "json .A", ".A", "f"; `last` is what came through the pipe, NULL-able with `piped`. */
static int command(struct reading *r, bool piped, struct json_object *last,
		   struct json_object **ret)
{
	CLEAN(args) struct args args = { 0 };
	CLEAN(free) char *word = NULL;
	size_t len;
	int rc = 0;

	skip_space(r);
	len = isalpha((unsigned char)*r->at) ? word_length(r->at) : 0;
	word = xstrndup(r->at, len);
	if (!len || is_constant(word)) {
		rc = argument(r, ret);
		skip_space(r);
		/* A value takes no arguments. */
		if (rc == 0 && (!at_end(r) || piped)) {
			json_drop(ret);
			rc = not_understood(r);
		}
		return rc;
	}
	r->at += len;
	for (skip_space(r); rc == 0 && !at_end(r); skip_space(r)) {
		if (args.count == ARGS_MAX - 1)
			return not_understood(r);
		rc = argument(r, &args.items[args.count]);
		args.count += rc == 0;
	}
	if (rc < 0)
		return rc;
	if (piped)
		args.items[args.count++] = json_object_get(last);
	rc = template_call(word, args.items, args.count, ret, r->err);
	return rc == -ENOSYS ? fail_function(r, word, args.count) : rc;
}

static int pipeline(struct reading *r, struct json_object **ret)
{
	CLEAN(json) struct json_object *value = NULL;
	bool piped = false;

	for (;;) {
		struct json_object *next = NULL;
		int rc = command(r, piped, value, &next);

		if (rc < 0)
			return rc;
		json_object_put(value);
		value = next;
		if (*r->at != '|')
			break;
		r->at++;
		piped = true;
	}
	*ret = take_ptr(value);
	return 0;
}

int template_eval(struct template *t, const char *text, struct json_object *dot,
		  struct json_object **ret, struct err *err)
{
	struct reading r = { .t = t, .at = text, .whole = text, .dot = dot, .err = err };
	int rc = pipeline(&r, ret);

	if (rc == 0 && *r.at) {
		json_drop(ret);
		*ret = NULL;
		rc = not_understood(&r);
	}
	return rc;
}
