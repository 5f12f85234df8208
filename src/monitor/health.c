#include "monitor/health.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/state.h"

#include <errno.h>
#include <string.h>

#define FILE_MAX 65536

static const char *const actions[] = {
	[HEALTH_NONE] = "none",
	[HEALTH_KILL] = "kill",
	[HEALTH_RESTART] = "restart",
	[HEALTH_STOP] = "stop",
};

static const char *const statuses[] = {
	[HEALTH_STARTING] = "starting",
	[HEALTH_HEALTHY] = "healthy",
	[HEALTH_UNHEALTHY] = "unhealthy",
};

int health_action_parse(const char *text, int *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (str_eq(actions[i], text)) {
			*ret = (int)i;
			return 0;
		}
	return err_set(err, EINVAL,
		       "--health-on-failure: \"%s\" is not none, kill, restart or stop", text);
}

bool health_count(const struct health *h, struct health_memory *m, bool good, bool starting)
{
	if (good) {
		m->status = HEALTH_HEALTHY;
		m->streak = 0;
		return false;
	}
	/* One that was well once has started. */
	if (starting && m->status == HEALTH_STARTING)
		return false;
	m->streak++;
	if (m->streak < h->retries || m->status == HEALTH_UNHEALTHY)
		return false;
	m->status = HEALTH_UNHEALTHY;
	return true;
}

struct json_object *health_read(int dir)
{
	CLEAN(free) char *text = NULL;
	struct json_object *doc = NULL;
	struct err ignored;
	size_t len;

	if (file_read(dir, STATE_HEALTH_FILE, FILE_MAX, &text, &len, &ignored) < 0 ||
	    json_parse_own(text, len, STATE_HEALTH_FILE, &doc, &ignored) < 0)
		return NULL;
	return doc;
}

/* The results so far, at most so many that one more has room; an empty list where there are none. */
static struct json_object *results_so_far(int dir)
{
	CLEAN(json) struct json_object *doc = health_read(dir);
	struct json_object *list = json_object_new_array(), *old;
	size_t len, from;

	if (!json_object_object_get_ex(doc, "Log", &old) ||
	    !json_object_is_type(old, json_type_array))
		return list;
	len = json_object_array_length(old);
	from = len >= HEALTH_RESULTS ? len - HEALTH_RESULTS + 1 : 0;
	for (size_t i = from; i < len; i++)
		json_object_array_add(list, json_object_get(json_object_array_get_idx(old, i)));
	return list;
}

static struct json_object *result_json(const struct health_result *r)
{
	struct json_object *o = json_object_new_object();
	char when[32];

	clock_utc_text(r->start_unix_ms, when);
	json_put_string(o, "Start", when);
	clock_utc_text(r->end_unix_ms, when);
	json_put_string(o, "End", when);
	json_put_i64(o, "ExitCode", r->exit_code);
	json_object_object_add(o, "Output",
			       json_object_new_string_len(r->output, (int)r->output_len));
	return o;
}

int health_record(int dir, const struct health_memory *m, const struct health_result *result,
		  struct err *err)
{
	CLEAN(json) struct json_object *doc = json_object_new_object();
	struct json_object *list = result ? results_so_far(dir) : json_object_new_array();
	const char *text;
	size_t len;

	json_put_string(doc, "Status", statuses[m->status]);
	json_put_i64(doc, "FailingStreak", m->streak);
	if (result)
		json_object_array_add(list, result_json(result));
	json_object_object_add(doc, "Log", list);
	text = json_object_to_json_string_length(doc, JSON_C_TO_STRING_PLAIN, &len);
	return file_write_atomic(dir, STATE_HEALTH_FILE, 0600, text, len, err);
}
