/*
 * How engines hear of what went wrong. podman reads all of --log as one JSON object; containerd and
 * dockerd take its last line of level error: so an error is exactly one object. conmon gives us the
 * payload's own standard error: warnings are not for there when there is a log, and they are said only
 * by a call that did not fail.
 */
#include "oci/oci.h"

#include "base/fd.h"
#include "base/json.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void now_text(char *ret, size_t room)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(ret, room, "%Y-%m-%dT%H:%M:%SZ", &tm))
		*ret = '\0';
}

static void log_line(struct str *line, bool json, const char *level, const char *text)
{
	CLEAN(json) struct json_object *o = NULL;
	char when[40];

	now_text(when, sizeof(when));
	o = json_object_new_object();
	if (!json) {
		/* A text with quotes of its own stays one word, as logrus has it: JSON's rules. */
		json_put_string(o, "msg", text);
		str_printf(line, "time=\"%s\" level=%s msg=%s\n", when, level,
			   json_object_to_json_string_ext(json_object_object_get(o, "msg"),
							  JSON_C_TO_STRING_NOSLASHESCAPE));
		return;
	}
	json_put_string(o, "level", level);
	json_put_string(o, "msg", text);
	json_put_string(o, "time", when);
	str_printf(line, "%s\n",
		   json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Into the middle of what a payload says, only for somebody who looks, or who asked. */
static bool may_warn(const struct call *call)
{
	const struct oci_globals *g = call->globals;
	bool shared = call->command && call->command->enters;

	return !shared || (g && g->debug) || isatty(STDERR_FILENO);
}

void oci_say(const struct call *call, const char *level, const char *text)
{
	const struct oci_globals *g = call->globals;
	CLEAN(str) struct str line = { 0 }, out = { 0 };
	bool error = str_eq(level, "error"), log = g && g->log;
	CLEAN(fd) int fd = -1;

	str_printf(&out, "%s: %s", call->program->name, error ? "" : "warning: ");
	str_add_shown(&out, text, true);
	str_add(&out, "\n");
	if (error || (!log && may_warn(call)))
		(void)!fd_write_all(STDERR_FILENO, out.text, out.len);
	if (!log)
		return;
	log_line(&line, str_eq(g->log_format, "json"), level, text);
	fd = open(g->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd >= 0)
		(void)!fd_write_all(fd, line.text, line.len);
}

int oci_end(struct call *call, int r, const struct err *err)
{
	if (r < 0)
		return call_fail(call, err);
	call_warn(call);
	return 0;
}
