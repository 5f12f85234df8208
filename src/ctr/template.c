/* Text, and the words that decide what is printed: if, range, with, else, end. */
#include "ctr/template.h"

#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum stop {
	STOP_TEXT, /* the template's end */
	STOP_END,
	STOP_ELSE,
};

/* How a body ended; rest: what stood behind "else", the caller's to free. */
struct ending {
	enum stop stop;
	char *rest;
};

static int body(struct template *t, struct json_object *dot, struct str *out, struct ending *ret,
		struct err *err);

/* ---- pieces ------------------------------------------------------------------------- */

const char *template_quoted(const char *text)
{
	char quote = *text;

	for (text++; *text && *text != quote; text++)
		if (*text == '\\' && quote == '"' && text[1])
			text++;
	return *text ? text + 1 : NULL;
}

static const char *action_end(const char *text)
{
	while (text && *text && !str_starts(text, "}}"))
		text = *text == '"' || *text == '`' ? template_quoted(text) : text + 1;
	return text && *text ? text : NULL;
}

/* Backslash t and n are a tab and an end of line: shells don't make them. */
static void put_text(const char *text, size_t len, struct str *out)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len && (text[i + 1] == 't' || text[i + 1] == 'n'))
			str_add(out, text[++i] == 't' ? "\t" : "\n");
		else
			str_add_bytes(out, text + i, 1);
	}
}

static bool trims(const char *dash)
{
	return dash[0] == '-' && isspace((unsigned char)dash[1]);
}

/*
 * The text up to the next action is put out (`out` NULL: skipped), and what stands in the action returned, without
 * space around it: the caller's to free. NULL without error: there is none any more.
 */
static int next_action(struct template *t, struct str *out, char **ret, struct err *err)
{
	const char *text = t->at, *begin = strstr(text, "{{"), *end;
	size_t len = begin ? (size_t)(begin - text) : strlen(text);

	*ret = NULL;
	if (t->trim)
		for (; len && isspace((unsigned char)*text); len--)
			text++;
	if (begin && trims(begin + 2))
		while (len && isspace((unsigned char)text[len - 1]))
			len--;
	if (out)
		put_text(text, len, out);
	t->trim = false;
	t->at += strlen(t->at);
	if (!begin)
		return 0;
	begin += trims(begin + 2) ? 3 : 2;
	end = action_end(begin);
	if (!end)
		return err_set(err, EINVAL, "--format: {{ without }}");
	t->at = end + 2;
	t->trim = end - begin >= 2 && end[-1] == '-' && isspace((unsigned char)end[-2]);
	end -= t->trim;
	while (begin < end && isspace((unsigned char)*begin))
		begin++;
	while (end > begin && isspace((unsigned char)end[-1]))
		end--;
	*ret = xstrndup(begin, (size_t)(end - begin));
	return 0;
}

/* What stands behind a word; NULL: the text doesn't begin with it. */
static const char *behind(const char *text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(text, word, len) != 0 || (text[len] && !isspace((unsigned char)text[len])))
		return NULL;
	return text + len + strspn(text + len, " \t\n");
}

/* ---- if, with ------------------------------------------------------------------------ */

static int without_end(const char *word, struct err *err)
{
	return err_set(err, EINVAL, "--format: {{%s}} without {{end}}", word);
}

/* The body of an action; dot NULL and `out` NULL where it is only skipped. */
static int branch(struct template *t, const char *word, struct json_object *dot, struct str *out,
		  struct ending *ret, struct err *err)
{
	size_t vars = t->count;
	int r = body(t, dot, out, ret, err);

	template_forget(t, vars);
	if (r == 0 && ret->stop == STOP_TEXT)
		r = without_end(word, err);
	return r;
}

static int conditional(struct template *t, const char *word, const char *pipeline,
		       struct json_object *dot, struct str *out, struct err *err);

static int after_else(struct template *t, const char *word, const char *rest,
		      struct json_object *dot, struct str *out, struct err *err)
{
	const char *again = behind(rest, "if");
	struct ending ending = { 0 };
	int r;

	if (again)
		return conditional(t, "if", again, dot, out, err);
	again = behind(rest, "with");
	if (again)
		return conditional(t, "with", again, dot, out, err);
	if (*rest)
		return err_set(err, EINVAL, "--format: \"else %s\" is not understood", rest);
	r = branch(t, word, dot, out, &ending, err);
	free(ending.rest);
	if (r == 0 && ending.stop == STOP_ELSE)
		r = err_set(err, EINVAL, "--format: a second {{else}}");
	return r;
}

static int conditional(struct template *t, const char *word, const char *pipeline,
		       struct json_object *dot, struct str *out, struct err *err)
{
	CLEAN(json) struct json_object *value = NULL;
	struct ending ending = { 0 };
	size_t vars = t->count;
	bool yes;
	int r = out ? template_eval(t, pipeline, dot, &value, err) : 0;

	if (r < 0)
		return r;
	yes = template_true(value);
	r = branch(t, word, yes && str_eq(word, "with") ? value : dot, yes ? out : NULL, &ending,
		   err);
	if (r == 0 && ending.stop == STOP_ELSE)
		r = after_else(t, word, ending.rest, dot, yes ? NULL : out, err);
	free(ending.rest);
	template_forget(t, vars);
	return r;
}

/* ---- range ---------------------------------------------------------------------------- */

/* "$k, $v := PIPELINE", "$v := PIPELINE": the names, and what is behind them. */
static const char *range_names(const char *text, struct strv *names)
{
	const char *let = strstr(text, ":=");
	CLEAN(free) char *head = NULL;
	char *save = NULL;

	if (*text != '$' || !let)
		return text;
	head = xstrndup(text, (size_t)(let - text));
	for (char *w = strtok_r(head, ", \t", &save); w; w = strtok_r(NULL, ", \t", &save))
		strv_add(names, w);
	return let + 2;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Keys are gone through in their order, as Go has it. */
static void keys_of(struct json_object *value, struct strv *keys)
{
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach (value, key, unused) {
			(void)unused;
			strv_add(keys, key);
		}
		if (keys->count)
			qsort(keys->items, keys->count, sizeof(*keys->items), by_name);
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			strv_printf(keys, "%zu", i);
	}
}

static int let_element(struct template *t, const struct strv *names, struct json_object *key,
		       struct json_object *element, struct err *err)
{
	int r = 0;

	if (names->count > 1)
		r = template_let(t, names->items[0], strlen(names->items[0]), key, err);
	if (r == 0 && names->count)
		r = template_let(t, names->items[names->count - 1],
				 strlen(names->items[names->count - 1]), element, err);
	return r;
}

static int each(struct template *t, struct json_object *value, const struct strv *keys,
		const struct strv *names, struct str *out, struct ending *ending, struct err *err)
{
	bool object = json_object_is_type(value, json_type_object), trim = t->trim;
	const char *begin = t->at;
	int r = 0;

	for (size_t i = 0; i < keys->count && r == 0; i++) {
		CLEAN(json)
		struct json_object *key = object ? json_object_new_string(keys->items[i]) :
						   json_object_new_uint64(i);
		struct json_object *element =
			object ? json_object_object_get(value, keys->items[i]) :
				 json_object_array_get_idx(value, i);
		size_t vars = t->count;

		t->at = begin;
		t->trim = trim;
		free(take_ptr(ending->rest));
		r = let_element(t, names, key, element, err);
		if (r == 0)
			r = branch(t, "range", element, out, ending, err);
		template_forget(t, vars);
	}
	return r;
}

static int range(struct template *t, const char *text, struct json_object *dot, struct str *out,
		 struct err *err)
{
	CLEAN(strv) struct strv names = { 0 };
	CLEAN(strv) struct strv keys = { 0 };
	CLEAN(json) struct json_object *value = NULL;
	struct ending ending = { 0 };
	const char *pipeline = range_names(text, &names);
	int r = out ? template_eval(t, pipeline, dot, &value, err) : 0;

	if (r < 0)
		return r;
	if (value && !json_object_is_type(value, json_type_object) &&
	    !json_object_is_type(value, json_type_array))
		return err_set(err, EINVAL, "--format: range is for lists and objects");
	keys_of(value, &keys);
	r = keys.count ? each(t, value, &keys, &names, out, &ending, err) :
			 branch(t, "range", NULL, NULL, &ending, err);
	if (r == 0 && ending.stop == STOP_ELSE)
		r = after_else(t, "range", ending.rest, dot, keys.count ? NULL : out, err);
	free(ending.rest);
	return r;
}

/* ---- all ------------------------------------------------------------------------------ */

/* "$x := PIPELINE" and "$x = PIPELINE": where the pipeline begins; NULL: it is none. */
static const char *assignment(const char *text, size_t *ret_name)
{
	const char *p = text + 1;

	if (*text != '$')
		return NULL;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	*ret_name = (size_t)(p - text);
	p += strspn(p, " \t");
	if (*ret_name < 2)
		return NULL;
	return str_starts(p, ":=") ? p + 2 : *p == '=' ? p + 1 : NULL;
}

static int expression(struct template *t, const char *text, struct json_object *dot,
		      struct str *out, struct err *err)
{
	CLEAN(json) struct json_object *value = NULL;
	size_t name;
	const char *pipeline = assignment(text, &name);
	int r = template_eval(t, pipeline ? pipeline : text, dot, &value, err);

	if (r < 0)
		return r;
	if (pipeline)
		return template_let(t, text, name, value, err);
	template_put(value, out);
	return 0;
}

/* One action that is neither else nor end. */
static int act(struct template *t, const char *text, struct json_object *dot, struct str *out,
	       struct err *err)
{
	const char *rest;

	if (str_starts(text, "/*"))
		return 0;
	if ((rest = behind(text, "if")))
		return conditional(t, "if", rest, dot, out, err);
	if ((rest = behind(text, "with")))
		return conditional(t, "with", rest, dot, out, err);
	if ((rest = behind(text, "range")))
		return range(t, rest, dot, out, err);
	return out ? expression(t, text, dot, out, err) : 0;
}

/* `out` NULL: it is skipped, nothing in it is looked at but where it ends. */
static int body(struct template *t, struct json_object *dot, struct str *out, struct ending *ret,
		struct err *err)
{
	int r = 0;

	*ret = (struct ending){ .stop = STOP_TEXT };
	if (++t->depth > TEMPLATE_DEPTH_MAX)
		return err_set(err, ELOOP, "--format: more than %d within each other",
			       TEMPLATE_DEPTH_MAX);
	while (r == 0) {
		CLEAN(free) char *text = NULL;
		const char *rest;

		if (++t->steps > TEMPLATE_STEPS_MAX || (out && out->len > TEMPLATE_OUT_MAX))
			return err_set(err, E2BIG, "--format: it never ends");
		r = next_action(t, out, &text, err);
		if (r < 0 || !text)
			break;
		rest = behind(text, "else");
		if (rest || behind(text, "end")) {
			ret->stop = rest ? STOP_ELSE : STOP_END;
			ret->rest = rest ? xstrdup(rest) : NULL;
			break;
		}
		r = act(t, text, dot, out, err);
	}
	t->depth--;
	return r;
}

int template_render(const char *text, struct json_object *doc, struct str *out, struct err *err)
{
	struct template t = { .at = text, .root = doc };
	struct ending ending;
	int r = body(&t, doc, out, &ending, err);

	if (r == 0 && ending.stop != STOP_TEXT)
		r = err_set(err, EINVAL, "--format: {{%s}} without {{if}}, {{range}} or {{with}}",
			    ending.stop == STOP_END ? "end" : "else");
	free(ending.rest);
	template_forget(&t, 0);
	return r;
}
