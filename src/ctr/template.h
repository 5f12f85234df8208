/* The part of Go's templates that people use with --format. Inside of format.c and template*.c only. */
#ifndef CTR_CTR_TEMPLATE_H
#define CTR_CTR_TEMPLATE_H

#include "base/err.h"
#include "base/str.h"

#include <json-c/json.h>
#include <stdbool.h>

#define TEMPLATE_VARS_MAX 32
#define TEMPLATE_DEPTH_MAX 32
#define TEMPLATE_STEPS_MAX 1000000
#define TEMPLATE_TEXT_MAX (1 << 20)
#define TEMPLATE_OUT_MAX (64 << 20)

/* A template while it is gone through. */
struct template
{
	const char *at;           /* what comes next */
	struct json_object *root; /* $ */
	struct {
		char *name; /* with its $ */
		struct json_object *value;
	} vars[TEMPLATE_VARS_MAX];
	size_t count;
	size_t steps;
	int depth;
	bool trim; /* the action before this text ended in -}} */
};

/* template.c: all of it. *out is appended to. */
int template_render(const char *text, struct json_object *doc, struct str *out,
		    struct err *err) MUST_CHECK;

/*
 * template_eval.c: a pipeline, "json .A", ".A | len | printf \"%d\"", which is the whole text. *ret: the
 * caller's to put; NULL is nil, a missing value too.
 */
int template_eval(struct template *t, const char *text, struct json_object *dot,
		  struct json_object **ret, struct err *err) MUST_CHECK;

int template_let(struct template *t, const char *name, size_t len, struct json_object *value,
		 struct err *err) MUST_CHECK;
void template_forget(struct template *t, size_t count); /* down to that many */

/* template_functions.c: args are borrowed, *ret the caller's. -ENOSYS, without words: there is none. */
int template_call(const char *name, struct json_object *const *args, size_t count,
		  struct json_object **ret, struct err *err) MUST_CHECK;

/* One call of a function. */
struct call_of {
	const char *name;
	struct json_object *const *args;
	size_t count;
	struct json_object **ret;
	struct err *err;
};

#define TEMPLATE_WIDTH_MAX 1000

/* template_printf.c: that function, and for the others: is it a number; a text as the result; "NAME is for WHAT"; a
 * length at which no character is cut in two, its bytes that go on are left out with it. */
int template_printf(const struct call_of *c) MUST_CHECK;
bool template_number(struct json_object *o);
int template_give(const struct call_of *c, const struct str *text) MUST_CHECK;
int template_wants(const struct call_of *c, const char *what) MUST_CHECK;
size_t template_whole(const struct str *text, size_t len);

bool template_true(struct json_object *value);

/* As it is printed. */
void template_put(struct json_object *value, struct str *out);

/* Where a string or an action ends: behind the quote, at "}}"; NULL: nowhere. */
const char *template_quoted(const char *text);

#endif
