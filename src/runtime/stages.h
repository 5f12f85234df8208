/*
 * The order of all steps, as data. A table is walked by two processes at once: the parent, and the
 * child that one of the parent's rows clones. Each runs its own rows in the table's order. Where a
 * row needs something that the other side does, the row names a gate, and a row of the other side
 * opens it; nothing else passes between them but one message when a step fails.
 *
 * No step calls the next one. After a failure the undo of the parent's rows that ran is called in
 * reverse order; what the child made dies with its namespaces.
 */
#ifndef CTR_RUNTIME_STAGES_H
#define CTR_RUNTIME_STAGES_H

#include "base/err.h"
#include "runtime/plan.h"
#include "runtime/state.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum side {
	PARENT,
	CHILD,
};

enum gate {
	NOW,        /* nothing to wait for */
	IDS_MAPPED, /* parent: the user namespace has its id maps */
	IN_SCOPE,   /* parent: systemd has put the child in its group, and that has its limits */
	NET_READY,  /* parent: the interfaces are in */
	MOUNTED,    /* child: all is mounted, the host's tree still in view */
	HOOKS_RAN,  /* parent: prestart and createRuntime hooks */
	READY,      /* child: nothing left but to wait for start */
	CREATED,    /* parent: it is written down */
	GATES,
};

struct restoring;

/* Everything that a walk touches. The child has a copy-on-write copy from the moment of the clone. */
struct making {
	const struct stage *table;
	struct plan *plan;
	struct state *state;
	int target; /* of exec: pidfd of the container's init, borrowed; else -1 */
	struct strv *warnings;
	int root, dir;  /* fds of the state root and of the container's folder; -1 */
	int cgroup;     /* fd of the container's group; -1 */
	int sync;       /* our end of the socket between parent and child; -1 */
	int sync_child; /* the child's end, in the parent until it cloned; -1 */
	int start_child; /* child: where the word to start comes from, first a listening socket; -1 */
	int pidfd;       /* of the child; -1 */
	int netns;       /* parent: where interfaces were moved; -1 */
	int session_file;   /* exec: what is known of the session; -1 */
	int session_group;  /* exec: the group of the session, below `cgroup`; -1 */
	pid_t pid;          /* in our pid namespace; 0 */
	int notify;         /* parent: the container's notify socket (sdnotify.h); -1 */
	int terminal;       /* parent: pty master that the child sent; child: its slave; -1 */
	int home[NS_KINDS]; /* parent: the way back from namespaces it entered; -1 */
	cpu_set_t cpus;     /* exec, parent: where it ran before execCPUAffinity.initial */
	mode_t umask;       /* child: the one that it came with, while it works with 0 */
	int init;           /* child: the small init's executable; -1 */
	int row;            /* child: the one that it is in */
	char *command;      /* child: the payload's file inside the rootfs */
	const struct stage *failed;        /* the row in which either side failed; NULL: none */
	const struct restoring *restoring; /* of restore (criu_terms.h), borrowed; else NULL */
	bool residue;    /* an undo failed: the name stays, so that `rm` can find the rest */
	uint64_t opened; /* gates the other side has opened, as bits */
	uint64_t stage_ns[STATE_STAGE_MAX];
};

void making_init(struct making *m, struct plan *plan, struct state *state, struct strv *warnings);
/* Close what is still ours. Changes nothing else. */
void making_close(struct making *m);
CLEAN_DEFINE(making, struct making, making_close)

struct stage {
	const char *name; /* also in front of this step's errors */
	enum side side;
	enum gate after;                         /* wait for the other side to open it */
	enum gate opens;                         /* NOW: none */
	bool (*wanted)(const struct plan *plan); /* NULL: always */
	int (*run)(struct making *m, struct err *err);
	void (*undo)(struct making *m);
};

/* The tables (stages.c): they end with a row without a name. */
extern const struct stage create_stages[];
extern const struct stage exec_stages[];
extern const struct stage restore_stages[];

/*
 * Walk the parent's side of a table. On failure everything is undone, and err says in which step.
 */
int stages_walk(const struct stage *table, struct making *m, struct err *err) MUST_CHECK;

/* Write the table, and which rows this plan skips, for --dry-run. */
void stages_print(const struct stage *table, const struct plan *plan, FILE *out);

/*
 * The child's way, called in the clone: never returns. Walks the child's rows of the table that the
 * parent is walking; after a failure reports and exits.
 */
void stages_child(struct making *m) __attribute__((noreturn));

/*
 * The parent's side of the child's last rows: say "start" over `sock` and wait for the exec, handing
 * the notify fd of its filter to the agent on the way (runtime/notify.h), whom the config.json in `dir`
 * names. `network` goes along, a micro-VM's (runtime/vm.h), or -1. 0 when the payload runs; else the
 * failure, the child's own if it reported one: then its row of create_stages is in *ret_failed, which is
 * left alone otherwise.
 */
int stages_start(int sock, const struct state *s, int dir, int network,
		 const struct stage **ret_failed, struct err *err) MUST_CHECK;

/* Before that: the network namespace that the child is in, the caller's. */
int stages_network(int sock, int *ret, struct err *err) MUST_CHECK;

/* The parent's side where there is no start: 0 once the child has become the payload. */
int stages_await_exec(struct making *m, struct err *err) MUST_CHECK;

/* The child's side: wait until somebody says it. m->start_child becomes where failures are told. */
int stages_await_start(struct making *m, struct err *err) MUST_CHECK;

/* The child hands the notify fd of its filter to the parent, and waits until the agent has it. -EPIPE:
 * it has not, and the parent knows why or is gone. */
int stages_send_listener(const struct making *m, int listener) MUST_CHECK;

/* The child sends its terminal's master to the parent, which keeps it in m->terminal. */
int stages_send_terminal(struct making *m, int master, struct err *err) MUST_CHECK;

/* Steps, by theme. Each file holds its rows' functions and nothing calls them but the tables. */

/* make.c: what the parent makes and writes down */
int make_name(struct making *m, struct err *err);
void unmake_name(struct making *m);
int make_record(struct making *m, struct err *err);
int make_cgroup(struct making *m, struct err *err);
void unmake_cgroup(struct making *m);
int make_limits(struct making *m, struct err *err);
int make_device_rules(struct making *m, struct err *err);
int make_cgroup_owner(struct making *m, struct err *err);
int make_cgroup_closed(struct making *m, struct err *err);
int make_sources(struct making *m, struct err *err);
void unmake_sources(struct making *m);
int make_start_socket(struct making *m, struct err *err);
int make_guest_sockets(struct making *m, struct err *err);
bool want_vm(const struct plan *p);
int make_child(struct making *m, struct err *err);
void unmake_child(struct making *m);
int make_config(struct making *m, struct err *err);
int make_oom_score(struct making *m, struct err *err);
int make_rlimits(struct making *m, struct err *err);
int make_created(struct making *m, struct err *err);
int make_running(struct making *m, struct err *err);
int make_pid_file(struct making *m, struct err *err);
bool want_cgroup(const struct plan *p);
bool want_limits(const struct plan *p);
bool want_device_rules(const struct plan *p);
bool want_cgroup_owner(const struct plan *p);
bool want_cgroup_closed(const struct plan *p);
bool want_oom_score(const struct plan *p);
bool want_rlimits(const struct plan *p);

/* sdnotify.c */
int make_notify(struct making *m, struct err *err);
bool want_notify(const struct plan *p);

/* unit.c: what systemd makes */
int unit_start(struct making *m, struct err *err);
int unit_start_slice(struct making *m, struct err *err);
int unit_device_rules(struct making *m, struct err *err);
int unit_limits(struct making *m, struct err *err);
void unit_stop(struct making *m);
int in_scope(struct making *m, struct err *err);
bool want_scope(const struct plan *p);
bool want_slice(const struct plan *p);
bool want_scope_rules(const struct plan *p);
int unit_attach(struct making *m, struct err *err);
bool want_attach(const struct plan *p);

/* namespaces.c */
int ns_time_offsets(struct making *m, struct err *err);
int ns_enter_given(struct making *m, struct err *err);
int ns_enter_by_stone(struct making *m, struct err *err);
int ns_leave_given(struct making *m, struct err *err);
void ns_go_home(struct making *m);
int ns_map_ids(struct making *m, struct err *err);
int ns_join(struct making *m, struct err *err);
int ns_become_root(struct making *m, struct err *err);
int ns_cgroup(struct making *m, struct err *err);
int ns_hostname(struct making *m, struct err *err);
int ns_loopback(struct making *m, struct err *err);
bool want_time_offsets(const struct plan *p);
bool want_given(const struct plan *p);
bool want_id_maps(const struct plan *p);
bool want_root(const struct plan *p);
bool want_join(const struct plan *p);
bool want_cgroup_ns(const struct plan *p);
bool want_hostname(const struct plan *p);
bool want_loopback(const struct plan *p);

/* net_devices.c */
int net_devices_in(struct making *m, struct err *err);
void net_devices_out(struct making *m);
bool want_net_devices(const struct plan *p);

/* inside.c: what the child does to become a container */
int in_session(struct making *m, struct err *err);
int in_root(struct making *m, struct err *err);
int in_mounts(struct making *m, struct err *err);
int in_devices(struct making *m, struct err *err);
int in_console(struct making *m, struct err *err);
int in_sysctls(struct making *m, struct err *err);
int in_protect(struct making *m, struct err *err);
int in_pivot(struct making *m, struct err *err);
int in_stdio(struct making *m, struct err *err);
int in_command(struct making *m, struct err *err);
bool want_rootfs(const struct plan *p);
bool want_terminal(const struct plan *p);
bool want_sysctls(const struct plan *p);

/* rights.c: the last steps */
bool want_small_init(const struct plan *p);
int bring_init(struct making *m, struct err *err);
int give_up_rights(struct making *m, struct err *err);
int become_payload(struct making *m, struct err *err);

/* exec.c: the rows that only exec has */
int exec_socket(struct making *m, struct err *err);
bool want_initial_cpus(const struct plan *p);
int exec_initial_cpus(struct making *m, struct err *err);
void exec_former_cpus(struct making *m);
int exec_leave_cpus(struct making *m, struct err *err);
bool want_pid_ns(const struct plan *p);
int exec_pid_ns(struct making *m, struct err *err);
int exec_child(struct making *m, struct err *err);
int exec_enter(struct making *m, struct err *err);
int exec_console(struct making *m, struct err *err);

/* session_life.c: what exec writes down of a session, and its group */
bool want_session(const struct plan *p);
int exec_session(struct making *m, struct err *err);
void unmake_session(struct making *m);
bool want_session_group(const struct plan *p);
int exec_session_group(struct making *m, struct err *err);
void unmake_session_group(struct making *m);
int exec_session_pid(struct making *m, struct err *err);
int in_callers_life(const struct making *m, struct err *err); /* within give_up_rights */

/* restore.c: the rows that only restore has */
int restore_points(struct making *m, struct err *err);
int restore_processes(struct making *m, struct err *err);
void unrestore_processes(struct making *m);

/* create.c, for restore: what is known at the beginning; the terminal to whom asked for it. */
void state_begin(const struct plan *p, struct state *s);
int console_deliver(const struct plan *p, int *terminal, struct err *err) MUST_CHECK;

/* hooks.c */
int hooks_runtime(struct making *m, struct err *err);
int hooks_create_container(struct making *m, struct err *err);
int hooks_start_container(struct making *m, struct err *err);
bool want_runtime_hooks(const struct plan *p);
bool want_create_container_hooks(const struct plan *p);
bool want_start_container_hooks(const struct plan *p);

#endif
