/*
 * The life cycle: what ctr, ctr-oci, ctr-monitor and ctrd all call. One container is one folder of
 * state (runtime/state.h), one cgroup, one init process.
 */
#ifndef CTR_RUNTIME_CONTAINER_H
#define CTR_RUNTIME_CONTAINER_H

#include "base/err.h"
#include "runtime/state.h"
#include "spec/spec.h"

#include <stdio.h>

#define CREATE_OWN_MAX 16

/* What a caller asks beside the spec. All zero (and -1 for fds) is a plain create. */
struct create_options {
	const char *name;   /* required */
	const char *id;     /* NULL: made up, 64 hex digits */
	const char *bundle; /* absolute path of the bundle, or NULL */
	const char *source; /* what the user called the rootfs, for listings; NULL: root.path */
	const char *cgroup_parent; /* used where linux.cgroupsPath is absent; NULL: "/ctr" */
	const char
		*systemd; /* the flag by which systemd is to make the cgroup, and cgroup_parent is a
			      * slice of its; NULL: we do */
	const char *pid_file; /* NULL: none */
	const char
		*console_socket; /* terminal only: where the pty master is sent; NULL: see below */
	unsigned int preserve_fds; /* 3 .. 3+n-1 stay open in the payload */
	unsigned int listen_fds;   /* so many of them it is told of, as sd_listen_fds(3) has it */
	const char *listen_names;  /* LISTEN_FDNAMES; NULL: they have none */
	bool notify_socket; /* it has one, and NOTIFY_SOCKET; its other end is the caller's */
	const char *
		watchdog_usec; /* WATCHDOG_USEC, where it is to say so often that it is well; NULL */
	int stdio[3];          /* what becomes 0, 1, 2 of the payload without a terminal */
	const char *snapshot;  /* of a micro-VM: the folder that its machine goes on from; NULL */
	const char *copy;      /* with it: it is a copy of that, and has this hostname; NULL */
	bool start_by_caller;  /* the caller starts it itself, at once: no named socket */
	bool auto_remove;
	bool again; /* the name is a stopped container's, which this is to be once more */
	int restart_count;
	const char *restart_policy;        /* for listings; NULL: none */
	const char *log_driver, *log_path; /* for `logs`; NULL: none */
	pid_t monitor_pid;                 /* 0: none */
	bool no_new_keyring;
	bool no_pivot;
	bool no_cgroup;
	bool all_controllers;    /* its group is given all that there are, also for no limits */
	int own[CREATE_OWN_MAX]; /* fds of the caller's that init is not to have while it waits */
	size_t own_count;
};

#define CREATE_OPTIONS_INIT          \
	(struct create_options)      \
	{                            \
		.stdio = { 0, 1, 2 } \
	}

/*
 * A container in our hands. Whatever changes it takes its lock for that time, and reads its state
 * again. Freed by container_close(), which changes nothing in the world.
 */
struct container {
	int root; /* fd of the state root */
	int dir;  /* fd of the container's folder */
	struct state state;
	int pidfd;    /* of init; -1: it has ended or never was */
	int cgroup;   /* fd of its cgroup; -1: none, or not open: container_cgroup() */
	int terminal; /* the pty master, when we made the container with a terminal and no console
			 * socket; the caller relays it. Else -1. */
	bool end_untold; /* it was started, and nobody has told of its end (runtime/events.h) */
	bool unreaped;   /* its init was our child and has ended: see container_wait() */
	int notify;      /* what its payload says of its state, when we made it with a notify socket
			  * (runtime/sdnotify.h); else -1 */
	int start_sock;  /* the way to tell init to go on, when we made it ourselves; else -1 */
};

#define CONTAINER_INIT                                                                          \
	(struct container)                                                                      \
	{                                                                                       \
		.root = -1, .dir = -1, .pidfd = -1, .cgroup = -1, .terminal = -1, .notify = -1, \
		.start_sock = -1                                                                \
	}

void container_close(struct container *c);
CLEAN_DEFINE(container, struct container, container_close)

/* Take a container that exists, by name or by the start of its id. Status is up to date. */
int container_open(int root, const char *name_or_id, struct container *ret,
		   struct err *err) MUST_CHECK;

/*
 * Take its lock for a change, and read its state again: what others did before we had the lock.
 * -ENOENT: it was removed meanwhile. To be unlocked in any case.
 */
int container_lock(struct container *c, struct err *err) MUST_CHECK;
void container_unlock(struct container *c);

/*
 * Make a container up to the point where its init waits for start. Everything that can be refused
 * is refused before anything is changed; after a failure nothing is left. `warnings` collects what
 * the user should know. The spec may be changed by this (defaults are filled in) and stays the
 * caller's. Needs a caller with one thread.
 */
int container_create(int root, struct spec *spec, const struct create_options *opt,
		     struct strv *warnings, struct container *ret, struct err *err) MUST_CHECK;

/*
 * The plan and the stage table as container_create() would go through them, as text. Changes
 * nothing.
 */
int container_dry_run(int root, struct spec *spec, const struct create_options *opt, FILE *out,
		      struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * Let the created container run. -EINVAL when it is not in state created, or has no process. After a
 * failure of the last stages (command not found ...) the container is stopped, and err->exit_status is
 * 127 for a command that is not there, 126 for one that can't be run. When it was a startContainer or a
 * poststart hook that failed, nothing is left of it, and `warnings` has what its poststop hooks said.
 */
int container_start(struct container *c, struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * Wait for the end of an init that is our own child and write down how it ended (exit code, OOM,
 * time). The exit code as a shell says it. That of a container with auto_remove stays a zombie until
 * container_delete() or container_close().
 */
int container_wait(struct container *c, int *ret_exit_code, struct err *err) MUST_CHECK;

/*
 * Write down how an init ended that somebody else waited for. wait_status as waitpid(2) gives it; with
 * `known` false nobody can say it. Writes nothing where the container is to be removed at once.
 */
int container_ended(struct container *c, bool known, int wait_status, struct err *err) MUST_CHECK;

/* From now on it is stopped on purpose: its monitor doesn't start it again. */
int container_stop_asked(struct container *c, struct err *err) MUST_CHECK;

/*
 * What is left of the last life of a stopped container is taken away, its name and its records but for
 * config.json are kept; its poststop hooks run. By who holds its lock.
 */
int container_clear(struct container *c, struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * What its process has as its root, while it runs: an O_PATH fd, the caller's; -errno. That of a micro-VM is below its
 * launcher's. The pid is its own as long as init hasn't ended, which is looked at afterwards.
 */
int container_files_open(const struct container *c) MUST_CHECK;

/*
 * Once something was put there: come back when its processes see it. A guest believes what it has just seen, and can't
 * be told, for a second.
 */
void container_files_changed(const struct container *c);

/* Signal init, or (all) every process in the container. -ESRCH: "container not running". */
int container_signal(struct container *c, int signal, bool all, struct err *err) MUST_CHECK;

/* The signal that asks it to end: the spec's, else SIGTERM. */
int container_stop_signal(const struct container *c);

/* stop: signal (0: the spec's stop signal, else SIGTERM), then after timeout_ms kill everything. A
 * container that is not running is success. */
int container_stop(struct container *c, int signal, int timeout_ms, struct err *err) MUST_CHECK;

int container_pause(struct container *c, bool paused, struct err *err) MUST_CHECK;

/*
 * Other limits, as far as `res` says any; the rest stays. All is checked before the first is written; when
 * the kernel refuses one, those before it are undone. The container's config.json has them too then. One
 * that has ended is -ESRCH, unless stopped_too: then it is the config.json alone. Warnings are appended.
 */
int container_update(struct container *c, const struct spec_resources *res, bool stopped_too,
		     struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * Give it another name, whatever its state; its cgroup and its host name stay. -EEXIST: that is taken. Whoever
 * holds the container in his hands (a foreground run) finds it again.
 */
int container_rename(struct container *c, const char *name, struct err *err) MUST_CHECK;

/*
 * Remove all that is left of it, then run its poststop hooks: one that fails is a warning. One that has
 * not stopped only with force (killed first); -EBUSY without.
 */
int container_delete(struct container *c, bool force, struct strv *warnings,
		     struct err *err) MUST_CHECK;

struct session;

/* Another process in a running container. */
struct exec_options {
	struct spec *spec; /* container_spec(), with its capabilities as they were */
	const struct spec_process
		*process;   /* what to run; caps, rlimits, ... all set by the caller */
	const char *cgroup; /* an existing group below the container's, "/x/y"; NULL: its own */
	bool no_new_keyring;
	bool ignore_paused; /* in a paused one it begins when that is resumed, and so do we */
	const char *pid_file;
	const char *console_socket;
	unsigned int preserve_fds;
	int stdio[3];
	struct session *
		session; /* session_new(), filled in by this; NULL: it is none (runtime/session.h) */
	bool ends_with_caller; /* the kernel kills the process when we are gone */
};

/*
 * Start it. Returns its pid in our pid namespace, with *ret_pidfd (the caller's: wait for it) and, for
 * a terminal without console socket, *ret_terminal (else -1). Errors as container_start().
 */
pid_t container_exec(struct container *c, const struct exec_options *opt, struct strv *warnings,
		     int *ret_pidfd, int *ret_terminal, struct err *err) MUST_CHECK;

/* For who looks at a running one: tell of processes that the kernel killed since somebody looked. */
void container_note_oom(struct container *c);

/*
 * For who looks at containers: one that has ended, and whose parent is gone without having written that down,
 * is told of now. Never waits; a running one costs nothing.
 */
void container_note_end(struct container *c);

/* The spec the container was made from, from its config.json. */
int container_spec(const struct container *c, struct spec *ret, struct err *err) MUST_CHECK;

/* The fd of its cgroup, opened when first asked for; borrowed. -ENOENT: it has none. */
int container_cgroup(struct container *c, struct err *err) MUST_CHECK;

/* All pids in the container, in our pid namespace. */
int container_pids(struct container *c, pid_t **ret, size_t *ret_count, struct err *err) MUST_CHECK;

/* 64 random hex digits, from getrandom(2). */
void container_id_make(char ret[65]);

#endif
