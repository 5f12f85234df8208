/* The verbs: one function each, called through the table in commands.c. */
#ifndef CTR_CTR_VERBS_H
#define CTR_CTR_VERBS_H

#include "ctr/call.h"
#include "ctr/run_flags.h"
#include "runtime/checkpoint.h"

int verb_run(struct call *call);
int verb_create(struct call *call);
int verb_start(struct call *call);
int verb_restart(struct call *call);
int verb_wait(struct call *call);
int verb_attach(struct call *call);
int verb_logs(struct call *call);
int verb_exec(struct call *call);
int verb_kill(struct call *call);
int verb_stop(struct call *call);
int verb_pause(struct call *call);
int verb_resume(struct call *call);
int verb_rm(struct call *call);
int verb_checkpoint(struct call *call);
int verb_restore(struct call *call);
int verb_clone(struct call *call);
int verb_cp(struct call *call);
int verb_export(struct call *call);
int verb_diff(struct call *call);
int verb_ps(struct call *call);
int verb_top(struct call *call);
int verb_stats(struct call *call);
int verb_update(struct call *call);
int verb_events(struct call *call);
int verb_rename(struct call *call);
int verb_prune(struct call *call);
int verb_inspect(struct call *call);
int verb_state(struct call *call);
int verb_spec(struct call *call);
int verb_info(struct call *call);
int verb_version(struct call *call);
int verb_pool_create(struct call *call);
int verb_pool_ls(struct call *call);
int verb_pool_inspect(struct call *call);
int verb_pool_set(struct call *call);
int verb_pool_rm(struct call *call);
int verb_volume_create(struct call *call);
int verb_volume_ls(struct call *call);
int verb_volume_inspect(struct call *call);
int verb_volume_rm(struct call *call);
int verb_volume_prune(struct call *call);
int verb_vm_doctor(struct call *call);
int verb_session_ls(struct call *call);
int verb_session_inspect(struct call *call);
int verb_session_kill(struct call *call);
int verb_completion(struct call *call);

/* Their flags: a table beside each verb's code. */
struct exec_flags {
	struct env_flags p;
	bool detach, keep;
	const char *console_socket;
};

struct kill_flags {
	const char *signal;
	bool all;
};

struct stop_flags {
	const char *signal;
	struct opt_i64 timeout;
	bool all;
};

/* of start and attach */
struct attach_flags {
	bool attach, interactive, no_stdin, proxy_off;
	const char *detach_keys;
};

struct logs_flags {
	bool follow, timestamps;
	const char *tail, *since, *until;
};

struct rm_flags {
	bool force, all, volumes;
};

/* of both */
struct checkpoint_flags {
	struct checkpoint_options c;
	const char *bundle, *pid_file, *console_socket;
	bool check, detach, rm;
};

struct ps_flags {
	bool all, quiet, no_trunc, no_heading;
	const char *format;
	struct strv filter;
};

struct stats_flags {
	bool all, no_stream, no_reset, no_trunc;
	const char *format, *interval;
};

struct events_flags {
	const char *since, *until, *format;
	struct strv filter;
	bool no_stream;
};

struct prune_flags {
	bool force;
	struct strv filter;
};

struct format_flags {
	const char *format;
};

struct cp_flags {
	bool archive, follow, overwrite, quiet;
};

struct export_flags {
	const char *output;
};

struct spec_flags {
	const char *bundle;
	bool seccomp;
};

struct pool_flags {
	const char *owner;
	struct strv set;
	struct opt_i64 memory, pids_limit, cpu_shares;
	const char *cpus, *cpuset_cpus, *cpuset_mems, *partition;
};

struct volume_flags {
	struct strv label, filter;
	const char *driver, *format;
	bool quiet, no_heading, force, all;
};

struct session_flags {
	const char *format, *signal;
	bool quiet, no_trunc, no_heading, all;
};

extern const struct opt_row exec_rows[], kill_rows[], stop_rows[], restart_rows[], start_rows[],
	attach_rows[], logs_rows[], rm_rows[], ps_rows[], format_rows[], spec_rows[],
	checkpoint_rows[], clone_rows[], pool_create_rows[], pool_set_rows[], pool_ls_rows[],
	cp_rows[], export_rows[], diff_rows[], volume_create_rows[], volume_ls_rows[],
	volume_rm_rows[], volume_prune_rows[], session_ls_rows[], session_kill_rows[], stats_rows[],
	update_rows[], events_rows[], prune_rows[];

#endif
