/* ctr-systemd's own: a connection to a systemd, and messages made of JSON. */
#ifndef CTR_SYSTEMD_MAIN_BUS_H
#define CTR_SYSTEMD_MAIN_BUS_H

#include "base/err.h"
#include "base/json.h"
#include "systemd/ask.h"

#include <systemd/sd-bus.h>

#define MANAGER "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

/* Connected, and there is a systemd that answers. */
struct manager {
	sd_bus *bus;
	bool direct; /* no bus between: signals come without asking */
	char root[SYSTEMD_PATH_MAX];
};

/* The first of these addresses that leads to a systemd. -EHOSTDOWN with what the first one said. */
int manager_open(const struct json_at *buses, struct manager *ret, struct err *err) MUST_CHECK;
void manager_close(struct manager *m);
CLEAN_DEFINE(manager, struct manager, manager_close)

/* A call without more ado: `what` in front of an error's words. "" for types without arguments. */
int manager_call(struct manager *m, sd_bus_message *call, sd_bus_message **ret,
		 sd_bus_error *error);
int manager_new_call(struct manager *m, const char *method, sd_bus_message **ret);

/*
 * Whose is the unit of that name? One that isn't active and has not the mark (systemd/props.h) is nobody's:
 * asking may itself have loaded it. Without a mark, it is ours.
 */
enum unit_owner { UNIT_NOBODYS, UNIT_OURS, UNIT_OTHERS };
int manager_whose(struct manager *m, const char *unit, const char *mark, enum unit_owner *ret,
		  sd_bus_error *error) MUST_CHECK;

/*
 * The list of properties behind what is in the message, as a(sv). A value that doesn't fit its type is
 * -EINVAL with its place.
 */
int message_add_props(sd_bus_message *m, const struct json_at *props, struct err *err) MUST_CHECK;

#endif
