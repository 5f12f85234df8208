#include "systemd/main_bus.h"

#include "systemd/props.h"

#include <errno.h>
#include <string.h>

#define CALL_US (SYSTEMD_JOB_MS * UINT64_C(1000))

void manager_close(struct manager *m)
{
	if (m->bus)
		sd_bus_flush_close_unref(m->bus);
	m->bus = NULL;
}

int manager_new_call(struct manager *m, const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(m->bus, ret, MANAGER, MANAGER_PATH, MANAGER_INTERFACE,
					      method);
}

int manager_call(struct manager *m, sd_bus_message *call, sd_bus_message **ret, sd_bus_error *error)
{
	return sd_bus_call(m->bus, call, CALL_US, error, ret);
}

/* A bus without a systemd on it (dbus-run-session) is none of ours: so it is asked something at once. */
static int connect_to(const char *address, bool direct, struct manager *m, sd_bus_error *error)
{
	char *root = NULL;
	int rc = sd_bus_new(&m->bus);

	m->direct = direct;
	if (rc >= 0)
		rc = sd_bus_set_address(m->bus, address);
	if (rc >= 0 && !direct)
		rc = sd_bus_set_bus_client(m->bus, true);
	if (rc >= 0)
		rc = sd_bus_set_method_call_timeout(m->bus, CALL_US);
	if (rc >= 0)
		rc = sd_bus_start(m->bus);
	if (rc >= 0)
		rc = sd_bus_get_property_string(m->bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE,
						"ControlGroup", error, &root);
	if (rc >= 0 && snprintf(m->root, sizeof(m->root), "%s", root) >= (int)sizeof(m->root))
		rc = -ENAMETOOLONG;
	free(root);
	return rc;
}

static int try(const struct json_at *at, struct manager *m, struct err *err)
{
	struct json_at address_at = json_get(at, "address"), direct_at = json_get(at, "direct");
	sd_bus_error error = SD_BUS_ERROR_NULL;
	CLEAN(free) char *address = NULL;
	bool direct = false;
	int rc = json_read_string(&address_at, &address, err);

	if (rc > 0)
		rc = json_read_bool(&direct_at, &direct, err);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, EPROTO, "a bus without an address");
	rc = connect_to(address, direct, m, &error);
	if (rc < 0) {
		manager_close(m);
		rc = err_set(err, EHOSTDOWN,
			     "systemd's bus does not answer at %s: %s; use the cgroupfs manager",
			     address, error.message ? error.message : strerror(-rc));
	}
	sd_bus_error_free(&error);
	return rc < 0 ? rc : 0;
}

int manager_open(const struct json_at *buses, struct manager *ret, struct err *err)
{
	struct err ignored;
	int rc = err_set(err, EPROTO, "no bus to ask");

	for (size_t i = 0; i < json_count(buses); i++) {
		struct json_at at = json_item(buses, i);

		if (try(&at, ret, i ? &ignored : err) == 0)
			return 0;
		rc = -err->code;
	}
	return rc;
}

/* ---- whose a unit is ----------------------------------------------------------------- */

static bool has_mark(char *const *docs, const char *mark)
{
	for (; docs && *docs; docs++)
		if (str_starts(*docs, SYSTEMD_MARK) && str_eq(*docs + strlen(SYSTEMD_MARK), mark))
			return true;
	return false;
}

static int look_at(struct manager *m, const char *path, const char *mark, enum unit_owner *ret,
		   sd_bus_error *error)
{
	char **docs = NULL, *state = NULL;
	int rc = sd_bus_get_property_strv(m->bus, MANAGER, path, MANAGER ".Unit", "Documentation",
					  error, &docs);

	if (rc >= 0)
		rc = sd_bus_get_property_string(m->bus, MANAGER, path, MANAGER ".Unit",
						"ActiveState", error, &state);
	if (rc >= 0 && has_mark(docs, mark))
		*ret = UNIT_OURS;
	else if (rc >= 0 && !str_eq(state, "inactive") && !str_eq(state, "failed"))
		*ret = UNIT_OTHERS;
	for (size_t i = 0; docs && docs[i]; i++)
		free(docs[i]);
	free(docs);
	free(state);
	return rc;
}

int manager_whose(struct manager *m, const char *unit, const char *mark, enum unit_owner *ret,
		  sd_bus_error *error)
{
	sd_bus_message *reply = NULL;
	const char *path;
	int rc;

	*ret = mark ? UNIT_NOBODYS : UNIT_OURS;
	if (!mark)
		return 0;
	rc = sd_bus_call_method(m->bus, MANAGER, MANAGER_PATH, MANAGER_INTERFACE, "GetUnit", error,
				&reply, "s", unit);
	if (rc >= 0)
		rc = sd_bus_message_read(reply, "o", &path);
	if (rc >= 0)
		rc = look_at(m, path, mark, ret, error);
	sd_bus_message_unref(reply);
	return sd_bus_error_has_name(error, MANAGER ".NoSuchUnit") ? 0 : rc;
}
