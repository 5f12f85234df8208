/*
 * What is known of a container on disk: ROOT/NAME/, where ROOT is /run/ctr or --root.
 *
 *   state.json   this struct; replaced atomically, written only under the lock
 *   config.json  the spec as it was asked for
 *   start        a unix socket on which a created container waits for `start`
 *   order        what its monitor was asked to do, for the next one
 *   health.json  the last results of its health check
 *   attach       a unix socket: the way to its monitor, as long as there is one
 *   guest        a unix socket: the way into a micro-VM's guest, for exec and questions (runtime/vm.h)
 *   guest.report what its launcher says of it (wire/report.h)
 *   checkpointed a checkpoint has ended it: a restore may take its place
 *   notify/      the container's notify socket (runtime/sdnotify.h)
 *   rootfs/      mount point, inside the container's own mount namespace only
 *
 * Making the folder reserves the name (mkdir is atomic). A folder whose state.json is missing or
 * says "creating" while nobody holds the lock belongs to a program of ours that was killed: it is
 * listed, and `rm -f` finds all that it made, because state.json names the cgroup before there is
 * one.
 */
#ifndef CTR_RUNTIME_STATE_H
#define CTR_RUNTIME_STATE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE_VERSION 1
#define STATE_NAME_MAX 128
#define STATE_STAGE_MAX 48
#define STATE_START_SOCKET "start"
#define STATE_ORDER_FILE "order"
#define STATE_MONITOR_SOCKET "attach"
#define STATE_HEALTH_FILE "health.json"
#define STATE_CHECKPOINT_MARK "checkpointed"

enum status {
	STATUS_CREATING,
	STATUS_CREATED,
	STATUS_RUNNING,
	STATUS_PAUSED,
	STATUS_STOPPED,
};

struct stage_time {
	char *name;
	uint64_t ns;
};

/* The last that the kernel killed for want of memory. What is not known is NULL or 0. */
struct state_oom {
	uint64_t kills;       /* how many were counted when this was written */
	char *process;        /* its name, as the kernel's log has it: with \x escapes */
	pid_t pid;            /* in the host's first pid namespace */
	char *cgroup;         /* it was in */
	char *limit_cgroup;   /* whose limit it was for; "/": the machine ran out */
	uint64_t limit_bytes; /* UINT64_MAX: none any more */
};

struct state {
	char *name;      /* the folder's name: --name, or what we made up */
	char *id;        /* 64 hex digits, ours; for the OCI plug-in the same as name */
	char *bundle;    /* absolute path; NULL when there is none (a built-in source) */
	char *rootfs;    /* what the command line called the source */
	char *cgroup;    /* below the cgroup2 mount, "/ctr/NAME"; NULL: none of its own */
	char *unit;      /* of systemd's, whose group it is: "ctr-NAME.scope"; NULL: ours */
	char *unit_mark; /* tells it from others of that name (systemd/props.h); NULL: nothing does */
	int cgroup_levels; /* how many empty groups above it go with it */
	bool unit_user;    /* of the user's systemd */
	struct strv annotations;
	enum status status; /* as last written; state_refresh_open() looks at the world */
	pid_t pid;          /* of init, in our pid namespace; 0: none */
	uint64_t pid_start; /* process_start_time() */
	pid_t parent;       /* who made it; who waits for it, as long as it is its parent */
	uint64_t created_unix_ms, started_unix_ms, finished_unix_ms; /* 0: not yet */
	bool exit_known;
	int exit_code; /* as a shell says it: 128+n for signals */
	bool oom_killed;
	bool auto_remove; /* --rm */
	bool stop_asked;  /* by stop or kill: it isn't started again by itself */
	bool terminal;
	bool renamed;       /* runtime/rename.h: the name of its group is marked */
	bool no_process;    /* config.json has none: it can be created, not started */
	bool vm;            /* its init is a micro-VM's launcher (runtime/vm.h), ... */
	bool emulated;      /* ... whose guest is emulated */
	bool no_late_hooks; /* neither poststart nor poststop: config.json needn't be read for them */
	struct state_oom oom;
	pid_t monitor_pid;    /* of its ctr-monitor, for people; 0: it has none */
	int restart_count;    /* how often its monitor started it again */
	char *restart_policy; /* as the user said it; NULL: it isn't started again */
	char *log_driver;     /* how its output is kept; NULL: it isn't */
	char *log_path;       /* of a log that is a file, else NULL */
	struct stage_time stages[STATE_STAGE_MAX];
	size_t stage_count;
};

void state_oom_free(struct state_oom *oom);
void state_free(struct state *s);
CLEAN_DEFINE(state, struct state, state_free)

const char *status_name(enum status s); /* "creating", "created", "running", "paused", "stopped" */

/* "a-z A-Z 0-9 _ . + -", first a letter or digit, at most STATE_NAME_MAX. */
int state_name_check(const char *name, struct err *err) MUST_CHECK;

/* Open ROOT (made with mode 0711 if missing). Returns an fd, the caller's. */
int state_root_open(const char *root, struct err *err) MUST_CHECK;

/* Reserve a name: -EEXIST with words when it is taken. Returns the folder's fd, locked. */
int state_reserve(int root, const char *name, struct err *err) MUST_CHECK;

/*
 * The folder of a name, or of the only container whose id starts with it: an fd, the caller's, with
 * the container's own name in *ret_name (the caller's to free). -ENOENT: "container "x" does not exist".
 */
int state_open(int root, const char *name_or_id, char **ret_name, struct err *err) MUST_CHECK;

/* The lock of a container's folder: held by whoever changes it. The kernel drops it with the fd. */
int state_lock(int dir, bool wait, struct err *err) MUST_CHECK;

void state_unlock(int dir);

/* Is `dir` still the folder of that name? 1 or 0; under its lock the answer stays true. */
int state_is_there(int root, const char *name, int dir, struct err *err) MUST_CHECK;

int state_write(int dir, const struct state *s, struct err *err) MUST_CHECK;

/* Read state.json; a missing one gives a state "creating" with only the name. */
int state_read(int dir, const char *name, struct state *ret, struct err *err) MUST_CHECK;

/*
 * Correct s->status by what is true now: a container whose init is gone has stopped, one whose
 * `start` socket is gone runs, one that is being created by nobody (the lock is free) has stopped.
 * Returns a pidfd of its init, the caller's; -ESRCH, without words, when none lives; another error when
 * that can't be known.
 */
int state_refresh_open(int dir, struct state *s, struct err *err) MUST_CHECK;

/* Names of all containers, sorted. */
int state_list(int root, struct strv *ret, struct err *err) MUST_CHECK;

/* Remove the folder and the name with it. */
int state_remove(int root, const char *name, struct err *err) MUST_CHECK;

/*
 * Remove the log, with the older files of it, when it is named after the container's id: a path that we
 * chose. One that the user gave stays.
 */
int state_log_remove(const struct state *s, struct err *err) MUST_CHECK;

/* The state as JSON: the OCI `state` document, and all we know (inspect). */
struct json_object *state_to_oci_json(const struct state *s) MUST_CHECK;
struct json_object *state_to_json(const struct state *s) MUST_CHECK;

#endif
