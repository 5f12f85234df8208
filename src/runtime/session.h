/*
 * Exec sessions: what `exec` starts in a container. Each is a file in the container's folder, exec-ID, and,
 * where the container has a group, a group of that name below it, in which all its processes are born: so that
 * it can be told of, signalled and ended as a whole, by whoever comes.
 *
 * A session ends with its client, the process that waits for it, unless it is to be kept. The kernel sees to its
 * first process, at once; to the others whoever sweeps: the container's monitor, which watches the clients, or the
 * next one who looks at sessions.
 */
#ifndef CTR_RUNTIME_SESSION_H
#define CTR_RUNTIME_SESSION_H

#include "runtime/container.h"

#define SESSION_PREFIX "exec-"
#define SESSION_ID_LEN 12

struct session {
	char id[SESSION_ID_LEN + 1]; /* hex digits */
	pid_t client; /* who waits for it; and when it had that pid: process_open_of() */
	uint64_t client_ticks;
	uint64_t created_unix_ms;
	bool keep; /* it lives on when its client is gone */
	bool terminal, interactive, privileged;
	char *user; /* as the caller said it; NULL: the container's own */
	struct strv args;

	/* What is known only later. */
	pid_t pid; /* its first process, in our pid namespace; 0: there is none yet */
	uint64_t pid_ticks;
	bool ended; /* the first process has, and left others behind */
	int exit_code;
};

void session_free(struct session *s);
CLEAN_DEFINE(session, struct session, session_free)

struct sessions {
	struct session *items;
	size_t count;
};

void sessions_free(struct sessions *list);
CLEAN_DEFINE(sessions, struct sessions, sessions_free)

/* A new one, whose client we are. For container_exec(), which writes it down and fills in the rest. */
int session_new(struct session *ret, struct err *err) MUST_CHECK;

/* Its first process has ended: nothing is left of it, unless others of it live on. */
void session_over(struct container *c, const struct session *s, int exit_code);

/* All of a container, as written; sweep first. *ret must be all zero. */
int session_list(const struct container *c, struct sessions *ret, struct err *err) MUST_CHECK;

/* End those whose client is gone, and forget those of which nothing is left. Waits a second at most. */
void session_sweep(struct container *c);

/* The container has ended, or is to begin anew: no session of it is left. */
void session_forget_all(const struct container *c);

/* SIGKILL all of it, and see that it ends. */
int session_end(struct container *c, const struct session *s, struct err *err) MUST_CHECK;

/* Signal its first process, or (all) each of its processes. -ESRCH: there is none any more. */
int session_signal(struct container *c, const struct session *s, int signal, bool all,
		   struct err *err) MUST_CHECK;

/* Its processes, in our pid namespace; the caller's to free. */
int session_pids(struct container *c, const struct session *s, pid_t **ret, size_t *ret_count,
		 struct err *err) MUST_CHECK;

#endif
