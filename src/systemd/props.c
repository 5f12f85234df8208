#include "systemd/props.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void systemd_prop(struct json_object *props, const char *name, const char *type,
		  struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_put_string(o, "name", name);
	json_put_string(o, "type", type);
	json_object_object_add(o, "value", value);
	json_object_array_add(props, o);
}

static void text(struct json_object *props, const char *name, const char *value)
{
	systemd_prop(props, name, "s", json_object_new_string(value));
}

static void flag(struct json_object *props, const char *name, bool value)
{
	systemd_prop(props, name, "b", json_object_new_boolean(value));
}

/* A list of one. */
static void list(struct json_object *props, const char *name, const char *type,
		 struct json_object *item)
{
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, item);
	systemd_prop(props, name, type, array);
}

void systemd_props_unit(struct json_object *props, const struct systemd_unit *unit, const char *id,
			pid_t pid)
{
	static const char *const accounting[] = { "CPUAccounting", "IOAccounting",
						  "MemoryAccounting", "TasksAccounting" };
	CLEAN(free) char *words = xasprintf("ctr container %s", id);

	text(props, "Description", words);
	if (!unit->is_slice) {
		text(props, "Slice", unit->slice);
		list(props, "PIDs", "au", json_object_new_int64(pid));
		/* The groups below it are the container's, and so is its process in this one. */
		flag(props, "Delegate", true);
	} else if (unit->slice) {
		list(props, "Wants", "as", json_object_new_string(unit->slice));
	}
	for (size_t i = 0; i < ARRAY_LEN(accounting); i++)
		flag(props, accounting[i], true);
	flag(props, "DefaultDependencies", false);
	text(props, "CollectMode", "inactive-or-failed");
}

void systemd_props_mark(struct json_object *props, const char *mark)
{
	CLEAN(free) char *line = xasprintf(SYSTEMD_MARK "%s", mark);

	list(props, "Documentation", "as", json_object_new_string(line));
}

/* ---- annotations ------------------------------------------------------------------- */

static bool is_property_name(const char *s)
{
	size_t len = strlen(s);

	return len >= 3 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == len;
}

/* The number of seconds as microseconds; NULL for what is no number, or none that fits. */
static struct json_object *to_usec(const char *type, struct json_object *value)
{
	double seconds;

	if (!strchr("ynqiuxtd", type[0]) || type[1])
		return NULL;
	seconds = json_object_get_type(value) == json_type_double ?
			  json_object_get_double(value) :
			  (double)json_object_get_int64(value);
	/* Not a number compares as false. */
	if (!(seconds >= 0 && seconds <= 1e12))
		return NULL;
	return json_object_new_uint64((uint64_t)(seconds * 1e6 + 0.5));
}

static int one_annotation(struct json_object *props, const char *name, const char *value,
			  struct err *err)
{
	CLEAN(json) struct json_object *parsed = NULL;
	char type[SYSTEMD_TYPE_ROOM], shown[80];

	if (!is_property_name(name))
		return err_set(err, EINVAL,
			       "annotations." SYSTEMD_ANNOTATION
			       "%s: that can't be the name of a property: three letters or more",
			       json_show(name, shown, sizeof(shown)));
	if (systemd_variant_parse(value, type, &parsed) < 0)
		return err_set(err, EINVAL,
			       "annotations." SYSTEMD_ANNOTATION
			       "%s: \"%s\" is no value in GVariant's text form: write 'text' with "
			       "its quotes, true, uint64 5, ['a', 'b']",
			       name, json_show(value, shown, sizeof(shown)));
	if (str_ends(name, "Sec") && !str_ends(name, "USec")) {
		struct json_object *usec = to_usec(type, parsed);
		CLEAN(free) char *in_usec = xasprintf("%.*sUSec", (int)strlen(name) - 3, name);

		if (!usec)
			return err_set(err, EINVAL,
				       "annotations." SYSTEMD_ANNOTATION
				       "%s: \"%s\" is no number of seconds",
				       name, json_show(value, shown, sizeof(shown)));
		systemd_prop(props, in_usec, "t", usec);
		return 0;
	}
	systemd_prop(props, name, type, take_ptr(parsed));
	return 0;
}

int systemd_props_annotations(struct json_object *props, const struct strv *annotations,
			      struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < annotations->count && rc == 0; i++) {
		const char *key = annotations->items[i], *equals = strchr(key, '=');
		CLEAN(free) char *name = NULL;

		if (!equals || !str_starts(key, SYSTEMD_ANNOTATION))
			continue;
		key += strlen(SYSTEMD_ANNOTATION);
		name = xstrndup(key, (size_t)(equals - key));
		rc = one_annotation(props, name, equals + 1, err);
	}
	return rc;
}
