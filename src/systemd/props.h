/*
 * Properties of a unit, as systemd takes them over D-Bus: what linux.resources and annotations ask
 * for, said in its words. A list of {"name", "type", "value"} in JSON, where the type is a D-Bus
 * signature and ctr-systemd makes a message of it.
 */
#ifndef CTR_SYSTEMD_PROPS_H
#define CTR_SYSTEMD_PROPS_H

#include "base/err.h"
#include "base/str.h"
#include "cgroups/leaf.h"
#include "spec/spec.h"
#include "systemd/unit.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

/* Put one behind the list; a later one of the same name wins. The value is taken over. */
void systemd_prop(struct json_object *props, const char *name, const char *type,
		  struct json_object *value);

/*
 * What every unit of ours gets: its words, its slice, its own accounting, Delegate, and that systemd
 * forgets it once it is over. A scope has to have a process from the beginning: `pid`.
 */
void systemd_props_unit(struct json_object *props, const struct systemd_unit *unit, const char *id,
			pid_t pid);

/*
 * Whose the unit is: one line of its documentation, to which a later one of the same name only adds. So it
 * is there from the unit's first moment, and nobody has to live to write it down.
 */
#define SYSTEMD_MARK "info:ctr/"
void systemd_props_mark(struct json_object *props, const char *mark);

/*
 * The settings that systemd has a property for (limits.c has the table), so that they stay when it
 * writes its own view again (daemon-reload, set-property). The list itself stays as it is: our own
 * write of the same value is what tells of a kernel that refuses it.
 */
void systemd_props_limits(struct json_object *props, const struct cgroup_settings *settings);

/*
 * DevicePolicy and DeviceAllow: no less than what the rules allow, and as little more as its words can
 * say. Its program and ours are both asked, so what it can't say is ours to refuse. With allow_all:
 * everything.
 */
void systemd_props_devices(struct json_object *props, const struct spec_device_rule *rules,
			   size_t count, bool allow_all);

/*
 * Annotations "org.systemd.property.NAME=VALUE": runc's docs/systemd-properties.md. The value is
 * GVariant text: 'text', true, 5, uint64 5, ['a', 'b']. A NAME that ends in Sec is that in USec, its
 * number seconds. -EINVAL with the annotation.
 */
#define SYSTEMD_ANNOTATION "org.systemd.property."
int systemd_props_annotations(struct json_object *props, const struct strv *annotations,
			      struct err *err) MUST_CHECK;

/*
 * A value in GVariant's text form: its D-Bus type in ret_type ("s", "b", "i", "t", "d", "as" ...), the
 * value, the caller's, in *ret. -EINVAL, no text.
 */
#define SYSTEMD_TYPE_ROOM 4
int systemd_variant_parse(const char *text, char ret_type[SYSTEMD_TYPE_ROOM],
			  struct json_object **ret) MUST_CHECK;

#endif
