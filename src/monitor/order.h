/*
 * What a monitor is asked to do: a document that ctr hands over in memory, with the container's spec in
 * it. Without the spec, and without what is for one start only, it is kept in the container's folder:
 * whoever starts the container again reads it there.
 */
#ifndef CTR_MONITOR_ORDER_H
#define CTR_MONITOR_ORDER_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "monitor/health.h"
#include "monitor/log.h"
#include "monitor/restart.h"
#include "monitor/sdnotify.h"
#include "runtime/container.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stdint.h>

/* The order goes with them in one message. */
#define MONITOR_FDS_MAX (FD_PASS_MAX - 1)

/* Texts are borrowed: from who made it, or from the document that it was read from. */
struct order {
	const char *root; /* path of the state root */
	const char *name, *id, *bundle, *source, *cgroup_parent, *systemd, *pid_file;
	const char *data_root; /* where its volumes are; NULL: it has none */
	const char *sdnotify;  /* the flag as it was said; NULL: not */
	const char *restart;   /* as restart_parse() takes it; NULL: no */
	int preserve_fds; /* fds that go with it; those among them that are sockets of a manager's: */
	int listen_fds;
	const char *listen_names;
	bool auto_remove, no_new_keyring, no_pivot, no_cgroup;
	bool interactive; /* it may read what clients send */
	struct log_choice log;
	struct health health;

	/* for one start only */
	bool again;       /* the container is there and has stopped */
	bool create_only; /* somebody else starts it */
	struct sdnotify_choice notify;
	bool notify_main; /* the manager is told of its pid: nobody waits for its end in the foreground */
	bool attached; /* who started us says hello before it runs */

	struct json_object *doc; /* of one that was read; owned */
};

void order_free(struct order *o);
CLEAN_DEFINE(order, struct order, order_free)

/* As an fd of sealed memory, the caller's. spec NULL: it is in config.json. */
int order_pack(const struct order *o, const struct spec *spec, struct err *err) MUST_CHECK;

/* And back. The spec, which must be all zero, is left so when there is none in it. */
int order_unpack(int fd, struct order *ret, struct spec *ret_spec, struct err *err) MUST_CHECK;

/* What is kept in the container's folder. order_load: -ENOENT without words when there is none. */
int order_save(int dir, const struct order *o, struct err *err) MUST_CHECK;
int order_load(int dir, struct order *ret, struct err *err) MUST_CHECK;

/* What container_create() is to be told. Texts stay borrowed. */
struct create_options order_options(const struct order *o);

#endif
