/*
 * systemd, asked by ctr-systemd: a program of its own, because libsystemd is a shared object only
 * (base/helper.h). This is its client's side and what passes between them; main.c is the other end.
 */
#ifndef CTR_SYSTEMD_ASK_H
#define CTR_SYSTEMD_ASK_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A systemd that makes units: the host's, or that of a user. SYSTEMD_MANAGER_INIT, then _find(). */
struct systemd_manager {
	int helper;          /* ctr-systemd */
	struct strv buses;   /* addresses to try, in this order */
	size_t first_direct; /* from this one on they lead to systemd itself, without a bus between */
};

#define SYSTEMD_MANAGER_INIT     \
	(struct systemd_manager) \
	{                        \
		.helper = -1     \
	}

void systemd_manager_free(struct systemd_manager *m);
CLEAN_DEFINE(systemd_manager, struct systemd_manager, systemd_manager_free)

/*
 * Where it is to be asked: the system bus, or of `user` DBUS_SESSION_BUS_ADDRESS, then the bus in
 * XDG_RUNTIME_DIR, then that in /run/user/UID (of a user namespace's root: the UID outside); behind each
 * the socket of systemd itself, for a host without D-Bus. -EHOSTDOWN: none of these is there. Asks
 * nobody yet. ret is SYSTEMD_MANAGER_INIT.
 */
int systemd_manager_find(bool user, struct systemd_manager *ret, struct err *err) MUST_CHECK;

/*
 * The manager's own group, below which are its units: "" of the host's, "/user.slice/user-1000.slice/
 * user@1000.service" of a user's. The caller's.
 */
int systemd_manager_root(const struct systemd_manager *m, char **ret, struct err *err) MUST_CHECK;

/*
 * Each of these waits until systemd is done with it. -EHOSTDOWN: no systemd answers; -ETIMEDOUT; else
 * systemd's own words. props: systemd/props.h.
 *
 * mark: which of all units that were ever called so; one of their properties (systemd/props.h). NULL: any.
 *
 * start: make a transient unit. -EEXIST: there is one of that name. After another failure there may be
 * one, for systemd goes on when ctr-systemd has died: stop it by its mark.
 * set: properties of a unit that runs; they hold when this returns, and till its end.
 * stop: a unit that is not there, or has ended, is success. 1: it has another mark, and was let alone.
 * other: 1 if there is a unit of that name with another mark, else 0.
 */
int systemd_start(const struct systemd_manager *m, const char *unit, struct json_object *props,
		  struct err *err) MUST_CHECK;
int systemd_set(const struct systemd_manager *m, const char *unit, struct json_object *props,
		struct err *err) MUST_CHECK;
int systemd_stop(const struct systemd_manager *m, const char *unit, const char *mark,
		 struct err *err) MUST_CHECK;
int systemd_other(const struct systemd_manager *m, const char *unit, const char *mark,
		  struct err *err) MUST_CHECK;

/*
 * Put a process of the caller's into a unit that runs, into the group `below` its own ("/x/y"; NULL: its
 * own): for who may not do that by CLONE_INTO_CGROUP.
 */
int systemd_attach(const struct systemd_manager *m, const char *unit, const char *below, pid_t pid,
		   struct err *err) MUST_CHECK;

/*
 * What goes to ctr-systemd: one JSON object, {"version", "job": "root", "start", "set", "stop", "other"
 * or "attach", "buses": [{"address", "direct"}], "unit", "mark", "properties": [{"name", "type",
 * "value"}], "below", "pid"}. Both ends check it.
 */
#define SYSTEMD_HELPER "ctr-systemd"
#define SYSTEMD_VERSION 2u
#define SYSTEMD_REQUEST_MAX (192u << 10) /* a message of a unix socket has no more room */
#define SYSTEMD_PATH_MAX 1024
#define SYSTEMD_JOB_MS 25000 /* systemd's own time for one job; ours is longer */

/* What comes back. */
#define SYSTEMD_MAGIC 0x63747273u /* "ctrs" */
struct systemd_answer {
	uint32_t magic, version;
	struct err err;              /* code 0: done */
	uint32_t other;              /* of "stop", "other": 1: the unit has another mark */
	char root[SYSTEMD_PATH_MAX]; /* of "root" */
};

#endif
