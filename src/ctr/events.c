/* ctr events */
#include "runtime/events.h"

#include "ctr/verbs.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/when.h"
#include "ctr/events_read.h"
#include "ctr/events_watch.h"
#include "ctr/format.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TO(field) OPT_TO(struct events_flags, field)

const struct opt_row events_rows[] = {
	{ "since", "TIME", "Begin with what happened then: 10m (ago), 2026-01-31T09:30:00Z",
	  .kind = OPT_STRING, TO(since) },
	{ "until", "TIME", "End with what happens then", .kind = OPT_STRING, TO(until) },
	{ "filter", "KEY=VALUE",
	  "Only of that container (container=NAME or ID), of that kind (event=die), of that source "
	  "(image=)",
	  "container= event= image= type=container", .kind = OPT_LIST, .letter = 'f', TO(filter) },
	{ "format", "FORMAT",
	  "json: a line each; or a template: '{{.Time}} {{.Status}} {{.Name}}'; see ctr-events(1)",
	  "json", .kind = OPT_STRING, TO(format) },
	{ "no-stream", NULL, "What happened until now, and that's all", .kind = OPT_FLAG,
	  TO(no_stream) },
	{ "stream", NULL, "As --no-stream when it is false", .kind = OPT_OFF, .hidden = true,
	  TO(no_stream) },
	{ 0 },
};

struct span {
	uint64_t since_ms, until_ms; /* UINT64_MAX: for ever */
};

/* ---- which ------------------------------------------------------------------------- */

static const char *const filter_keys[] = { "container=", "event=", "image=", "type=" };

static int filter_check(const struct strv *filters, struct err *err)
{
	for (size_t i = 0; i < filters->count; i++) {
		const char *filter = filters->items[i];
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(filter_keys); k++)
			known |= str_starts(filter, filter_keys[k]);
		if (!known)
			return err_set(
				err, EINVAL,
				"--filter: \"%s\" is not container=, event=, image= or type=",
				filter);
		if (str_starts(filter, "event=") && event_of(filter + 6) == EVENTS)
			return err_set(err, EINVAL, "--filter: there is no event \"%s\"",
				       filter + 6);
	}
	return 0;
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static bool matches(const char *filter, struct json_object *o)
{
	const char *value = strchr(filter, '=') + 1, *id = text_of(o, "id");

	if (str_starts(filter, "container="))
		return str_eq(value, text_of(o, "name")) || (*value && str_starts(id, value));
	if (str_starts(filter, "event="))
		return str_eq(event_name(event_of(value)), text_of(o, "event"));
	if (str_starts(filter, "image="))
		return str_eq(value, text_of(o, "image"));
	return str_eq(value, "container");
}

/* Values of one key are alternatives; keys restrict each other: as docker has it. */
static bool wanted(const struct strv *filters, struct json_object *o)
{
	for (size_t k = 0; k < ARRAY_LEN(filter_keys); k++) {
		bool said = false, met = false;

		for (size_t i = 0; i < filters->count; i++)
			if (str_starts(filters->items[i], filter_keys[k])) {
				said = true;
				met |= matches(filters->items[i], o);
			}
		if (said && !met)
			return false;
	}
	return true;
}

/* ---- output ------------------------------------------------------------------------ */

static uint64_t nanoseconds(struct json_object *o)
{
	return json_object_get_uint64(json_object_object_get(o, "timeNano"));
}

/* Name and source of it, and the details: docker and podman have the same bag. */
static struct json_object *attributes(struct json_object *o)
{
	struct json_object *details = json_object_object_get(o, "details"),
			   *all = json_object_new_object();

	json_put_string(all, "name", text_of(o, "name"));
	json_put_string(all, "image", text_of(o, "image"));
	if (json_object_is_type(details, json_type_object)) {
		json_object_object_foreach (details, key, value)
			json_object_object_add(all, key, json_object_get(value));
	}
	return all;
}

/* Named as podman names them; Actor and Action as docker does. */
static struct json_object *document(struct json_object *o)
{
	struct json_object *doc = json_object_new_object(), *bag = attributes(o),
			   *actor = json_object_new_object(), *code = NULL;
	uint64_t ns = nanoseconds(o);
	char time[32];

	format_time(ns / 1000000, time);
	(void)json_object_object_get_ex(bag, "exitCode", &code);
	json_put_string(doc, "Type", "container");
	json_put_string(doc, "Status", text_of(o, "event"));
	json_put_string(doc, "Action", text_of(o, "event"));
	json_put_string(doc, "ID", text_of(o, "id"));
	json_put_string(doc, "Name", text_of(o, "name"));
	json_put_string(doc, "Image", text_of(o, "image"));
	json_put_string(doc, "Time", time);
	json_put_u64(doc, "TimeUnix", ns / 1000000000);
	json_put_u64(doc, "TimeNano", ns);
	json_object_object_add(doc, "ContainerExitCode", json_object_get(code));
	json_object_object_add(doc, "Attributes", bag);
	json_put_string(actor, "ID", text_of(o, "id"));
	json_object_object_add(actor, "Attributes", json_object_get(bag));
	json_object_object_add(doc, "Actor", actor);
	return doc;
}

/* "2026-01-31T09:30:00.123Z container die ID (name=c1, image=busybox, exitCode=0)" */
static void put_line(struct json_object *doc, struct str *out)
{
	struct json_object *bag = json_object_object_get(doc, "Attributes");
	const char *between = " (";

	str_printf(out, "%s container %s %s", text_of(doc, "Time"), text_of(doc, "Status"),
		   text_of(doc, "ID"));
	json_object_object_foreach (bag, key, value) {
		str_printf(out, "%s%s=", between, key);
		str_add_shown(out, value ? json_object_get_string(value) : "unknown", false);
		between = ", ";
	}
	str_add(out, ")\n");
}

/* Returns 0, or the exit status with words said. */
static int print(const struct call *call, struct json_object *o)
{
	const struct events_flags *f = call->flags;
	CLEAN(json) struct json_object *doc = document(o);
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };

	if (!f->format) {
		put_line(doc, &out);
	} else {
		if (format_render(str_eq(f->format, "json") ? "{{json .}}" : f->format, doc, &out,
				  &err) < 0)
			return call_fail(call, &err);
		str_add(&out, "\n");
	}
	return call_print(call, out.text, out.len);
}

/* ---- the verb ---------------------------------------------------------------------- */

/* All that is there now. *ret_started: a container is to be watched. */
static int print_all(const struct call *call, struct events_reader *reader, const struct span *span,
		     bool *ret_started)
{
	const struct events_flags *f = call->flags;
	struct json_object *next;
	int status = 0;

	while (!status && (next = events_next(reader))) {
		CLEAN(json) struct json_object *o = next;
		uint64_t ms = nanoseconds(o) / 1000000;

		*ret_started |= str_eq(text_of(o, "event"), event_name(EVENT_START)) ||
				str_eq(text_of(o, "event"), event_name(EVENT_RESTORE));
		if (ms >= span->since_ms && ms <= span->until_ms && wanted(&f->filter, o))
			status = print(call, o);
	}
	return status;
}

static int64_t left_ms(const struct span *span)
{
	uint64_t now = format_now_ms();

	if (span->until_ms == UINT64_MAX)
		return -1;
	return now < span->until_ms ? (int64_t)(span->until_ms - now) : 0;
}

static int follow(struct call *call, int root, const struct span *span, bool past, struct err *err)
{
	const struct events_flags *f = call->flags;
	CLEAN(watch) struct events_watch watch = EVENTS_WATCH_INIT;
	struct events_reader reader = EVENTS_READER_INIT;
	bool started = false, stream = !f->no_stream && left_ms(span) != 0;
	int status = 0, r;

	watch_open(&watch, root);
	r = events_open(&reader, root, past, err);
	if (r < 0)
		return call_fail(call, err);
	/* Ends that nobody saw are told by this. */
	watch_all(&watch);
	status = print_all(call, &reader, span, &started);
	while (!status && stream) {
		if (started)
			watch_all(&watch);
		started = false;
		watch_wait(&watch, left_ms(span));
		status = print_all(call, &reader, span, &started);
		stream = left_ms(span) != 0;
	}
	events_close(&reader);
	return status;
}

int verb_events(struct call *call)
{
	const struct events_flags *f = call->flags;
	struct span span = { 0, UINT64_MAX };
	uint64_t now = format_now_ms();
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root < 0 ? root : filter_check(&f->filter, &err);

	if (r >= 0 && f->since)
		r = when_moment("since", f->since, now, &span.since_ms, &err);
	if (r >= 0 && f->until)
		r = when_moment("until", f->until, now, &span.until_ms, &err);
	if (r < 0)
		return call_fail(call, &err);
	return follow(call, root, &span, f->since || f->no_stream || span.until_ms <= now, &err);
}
