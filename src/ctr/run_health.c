/* --health-*: a check, as the monitor is told of it. */
#include "ctr/run_make.h"

#include "base/json.h"
#include "cli/when.h"

#include <errno.h>
#include <string.h>

/* --health-cmd: text is for a shell, as with docker and podman. */
static int command(const struct run_flags *f, struct run_made *m, struct err *err)
{
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(strv) struct strv words = { 0 };
	struct json_at at = { 0 };
	int rc = 0;

	if (*f->health_cmd == '[') {
		rc = json_parse(f->health_cmd, strlen(f->health_cmd), "--health-cmd", &doc, err);
		at.value = doc;
		if (rc >= 0)
			rc = json_read_strv(&at, &words, err);
		if (rc >= 0 && !words.count)
			rc = err_set(err, EINVAL, "--health-cmd: an empty list is no command");
	} else {
		doc = json_object_new_array();
		json_object_array_add(doc, json_object_new_string("sh"));
		json_object_array_add(doc, json_object_new_string("-c"));
		json_object_array_add(doc, json_object_new_string(f->health_cmd));
	}
	if (rc < 0)
		return rc;
	m->health_command = xstrdup(json_object_to_json_string_ext(doc, JSON_C_TO_STRING_PLAIN));
	m->health.command = m->health_command;
	return 0;
}

static int times(const struct run_flags *f, struct health *h, struct err *err)
{
	const struct {
		const char *flag, *text;
		uint64_t *ms;
	} rows[] = {
		{ "health-interval", f->health_interval, &h->interval_ms },
		{ "health-timeout", f->health_timeout, &h->timeout_ms },
		{ "health-start-period", f->health_start_period, &h->start_period_ms },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows); i++) {
		/* The one time that may be none. */
		if (!rows[i].text || (rows[i].ms == &h->start_period_ms &&
				      (str_eq(rows[i].text, "0") || str_eq(rows[i].text, "0s"))))
			continue;
		rc = when_span(rows[i].flag, rows[i].text, rows[i].ms, err);
	}
	return rc;
}

int run_health(const struct run_flags *f, struct run_made *m, struct err *err)
{
	bool any = f->health_interval || f->health_timeout || f->health_start_period ||
		   f->health_on_failure || f->health_retries.set;
	int rc;

	m->health = HEALTH_DEFAULT;
	rc = times(f, &m->health, err);
	if (rc == 0 && f->health_on_failure)
		rc = health_action_parse(f->health_on_failure, &m->health.action, err);
	if (f->health_retries.set)
		m->health.retries = (int)f->health_retries.value;
	if (rc < 0 || f->no_healthcheck || str_eq(f->health_cmd, "none"))
		return rc;
	if (f->health_cmd)
		return command(f, m, err);
	return any ? err_set(err, EINVAL,
			     "--health-...: there is no --health-cmd that they are about") :
		     0;
}
