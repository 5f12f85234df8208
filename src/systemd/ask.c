#include "systemd/ask.h"

#include "base/file.h"
#include "base/helper.h"
#include "base/json.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS (SYSTEMD_JOB_MS + 5000)

void systemd_manager_free(struct systemd_manager *m)
{
	clean_fd(&m->helper);
	strv_free(&m->buses);
	*m = SYSTEMD_MANAGER_INIT;
}

/* ---- where it is ------------------------------------------------------------------- */

/* The D-Bus specification, "Server Addresses": of a path, most of what is no letter is escaped. */
static char *address_of(const char *path)
{
	CLEAN(str) struct str text = { 0 };

	str_add(&text, "unix:path=");
	for (; *path; path++) {
		if (isalnum((unsigned char)*path) || strchr("-_/.\\*", *path))
			str_add_bytes(&text, path, 1);
		else
			str_printf(&text, "%%%02x", (unsigned char)*path);
	}
	return take_ptr(text.text);
}

static void add_path(struct systemd_manager *m, const char *path)
{
	CLEAN(free) char *address = address_of(path);

	if (access(path, F_OK) == 0 && !strv_has(&m->buses, address))
		strv_add(&m->buses, address);
}

/* Our uid as the host has it: the root of a user namespace (podman's, of an ordinary user) is another's. */
static uid_t outer_uid(void)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;
	char *rest;

	if (geteuid() != 0 ||
	    file_read(AT_FDCWD, "/proc/self/uid_map", 1 << 16, &text, NULL, &ignored) < 0)
		return geteuid();
	/* "0 1000 1": ids from here, from there, how many. */
	return strtoul(text, &rest, 10) == 0 ? (uid_t)strtoul(rest, NULL, 10) : 0;
}

/* The folders in which a user's bus can be. */
static void runtime_folders(struct strv *ret)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && *runtime == '/')
		strv_add(ret, runtime);
	strv_printf(ret, "/run/user/%u", outer_uid());
}

static void find_users(struct systemd_manager *m)
{
	static const char *const names[] = { "bus", "systemd/private" };
	const char *said = getenv("DBUS_SESSION_BUS_ADDRESS");
	CLEAN(strv) struct strv folders = { 0 };

	if (said && *said)
		strv_add(&m->buses, said);
	runtime_folders(&folders);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		m->first_direct = m->buses.count;
		for (size_t j = 0; j < folders.count; j++) {
			CLEAN(free) char *path = xasprintf("%s/%s", folders.items[j], names[i]);

			add_path(m, path);
		}
	}
}

static void find_hosts(struct systemd_manager *m)
{
	const char *said = getenv("DBUS_SYSTEM_BUS_ADDRESS");

	if (said && *said)
		strv_add(&m->buses, said);
	else
		add_path(m, "/run/dbus/system_bus_socket");
	m->first_direct = m->buses.count;
	add_path(m, "/run/systemd/private");
}

static int fail_no_bus(bool user, struct err *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (!user)
		return err_set(err, EHOSTDOWN,
			       "systemd's bus does not answer at /run/dbus/system_bus_socket: "
			       "there is none; use the cgroupfs manager");
	if (runtime && *runtime)
		return err_set(err, EHOSTDOWN,
			       "the user's systemd does not answer at %s/bus: there is none; log "
			       "in by a session of systemd's, or use the cgroupfs manager",
			       runtime);
	return err_set(err, EHOSTDOWN,
		       "the user's systemd does not answer at /run/user/%u/bus: there is none; set "
		       "XDG_RUNTIME_DIR, or use the cgroupfs manager",
		       outer_uid());
}

int systemd_manager_find(bool user, struct systemd_manager *ret, struct err *err)
{
	if (user)
		find_users(ret);
	else
		find_hosts(ret);
	if (!ret->buses.count)
		return fail_no_bus(user, err);
	ret->helper = helper_open(SYSTEMD_HELPER, err);
	if (ret->helper >= 0)
		return 0;
	systemd_manager_free(ret);
	return -err->code;
}

/* ---- asking ------------------------------------------------------------------------ */

static struct json_object *request_make(const struct systemd_manager *m, const char *job,
					const char *unit)
{
	struct json_object *o = json_object_new_object(), *buses = json_object_new_array();

	json_put_u64(o, "version", SYSTEMD_VERSION);
	json_put_string(o, "job", job);
	json_object_object_add(o, "buses", buses);
	for (size_t i = 0; i < m->buses.count; i++) {
		struct json_object *bus = json_object_new_object();

		json_put_string(bus, "address", m->buses.items[i]);
		json_put_bool(bus, "direct", i >= m->first_direct);
		json_object_array_add(buses, bus);
	}
	json_put_string(o, "unit", unit);
	return o;
}

/* Of a request of ours; "": it has none. */
static const char *text_of(struct json_object *request, const char *key)
{
	struct json_object *value = json_object_object_get(request, key);

	return value ? json_object_get_string(value) : "";
}

static int ask(const struct systemd_manager *m, struct json_object *request,
	       struct systemd_answer *answer, struct err *err)
{
	struct helper_call call = {
		.exe = m->helper,
		.name = SYSTEMD_HELPER,
		.answer = answer,
		.answer_len = sizeof(*answer),
		.timeout_ms = TIMEOUT_MS,
	};
	const char *unit = text_of(request, "unit");
	int rc;

	call.request = json_object_to_json_string_length(request, JSON_C_TO_STRING_PLAIN,
							 &call.request_len);
	if (call.request_len > SYSTEMD_REQUEST_MAX)
		return err_set(err, E2BIG,
			       "the properties of the unit are %zu bytes, which is more than can "
			       "be handed over: fewer device rules or annotations",
			       call.request_len);
	rc = helper_ask(&call, err);
	if (rc < 0)
		return err_wrap(err, "have systemd do \"%s\"%s%s: ", text_of(request, "job"),
				*unit ? " with the unit " : "", unit);
	if (answer->magic != SYSTEMD_MAGIC || answer->version != SYSTEMD_VERSION)
		return err_set(err, EPROTO,
			       SYSTEMD_HELPER " is of another version than we are: install both "
					      "anew");
	answer->err.text[sizeof(answer->err.text) - 1] = '\0';
	answer->root[sizeof(answer->root) - 1] = '\0';
	if (answer->err.code)
		*err = answer->err;
	return answer->err.code > 0 ? -answer->err.code : 0;
}

int systemd_manager_root(const struct systemd_manager *m, char **ret, struct err *err)
{
	CLEAN(json) struct json_object *o = request_make(m, "root", NULL);
	struct systemd_answer answer;
	int rc = ask(m, o, &answer, err);

	if (rc == 0)
		*ret = xstrdup(str_eq(answer.root, "/") ? "" : answer.root);
	return rc;
}

static int ask_with_props(const struct systemd_manager *m, const char *job, const char *unit,
			  struct json_object *props, struct err *err)
{
	CLEAN(json) struct json_object *o = request_make(m, job, unit);
	struct systemd_answer answer;

	json_object_object_add(o, "properties", json_object_get(props));
	return ask(m, o, &answer, err);
}

int systemd_start(const struct systemd_manager *m, const char *unit, struct json_object *props,
		  struct err *err)
{
	return ask_with_props(m, "start", unit, props, err);
}

int systemd_set(const struct systemd_manager *m, const char *unit, struct json_object *props,
		struct err *err)
{
	return ask_with_props(m, "set", unit, props, err);
}

static int ask_by_mark(const struct systemd_manager *m, const char *job, const char *unit,
		       const char *mark, struct err *err)
{
	CLEAN(json) struct json_object *o = request_make(m, job, unit);
	struct systemd_answer answer;
	int rc;

	json_put_string(o, "mark", mark);
	rc = ask(m, o, &answer, err);
	return rc < 0 ? rc : answer.other == 1;
}

int systemd_stop(const struct systemd_manager *m, const char *unit, const char *mark,
		 struct err *err)
{
	return ask_by_mark(m, "stop", unit, mark, err);
}

int systemd_other(const struct systemd_manager *m, const char *unit, const char *mark,
		  struct err *err)
{
	return ask_by_mark(m, "other", unit, mark, err);
}

int systemd_attach(const struct systemd_manager *m, const char *unit, const char *below, pid_t pid,
		   struct err *err)
{
	CLEAN(json) struct json_object *o = request_make(m, "attach", unit);
	struct systemd_answer answer;

	json_put_string(o, "below", below);
	json_put_i64(o, "pid", pid);
	return ask(m, o, &answer, err);
}
