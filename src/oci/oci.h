/*
 * The OCI runtime command line, as runc speaks it: what podman, containerd, CRI-O, Docker and buildah
 * call. Only verbs and their flags live here; what they do is src/runtime's.
 */
#ifndef CTR_OCI_OCI_H
#define CTR_OCI_OCI_H

#include "cli/program.h"
#include "runtime/checkpoint.h"
#include "runtime/container.h"

#include <stdbool.h>

#define OCI_ROOT "/run/ctr-oci"
#define OCI_VM \
	"ctr-oci-vm" /* our other name: containers are micro-VMs where nothing else is said */

/* Flags before the verb. */
struct oci_globals {
	const char *root, *log, *log_format, *cgroup_manager, *rootless, *criu;
	bool debug, systemd_cgroup, version;
};

extern const struct program oci_program;

/* log.c: `say` of the program: to stderr, and to --log as the engines read it. */
void oci_say(const struct call *call, const char *level, const char *text);

/* The end of a verb: an error or the warnings are said; returns the exit status. */
int oci_end(struct call *call, int r, const struct err *err) MUST_CHECK;

/* The container that the first operand names. *ret needs container_close() in any case. */
int oci_open(const struct call *call, struct container *ret, struct err *err) MUST_CHECK;

/* The bundle's folder (NULL: the working one) as an absolute path, the caller's, and its config.json. */
int oci_bundle(const struct call *call, const char *bundle, char **ret_path, struct spec *ret,
	       struct strv *warnings, struct err *err) MUST_CHECK;

/* What create, run and restore share. */
struct oci_create_flags {
	const char *bundle, *console_socket, *pid_file;
	bool no_pivot, no_new_keyring, no_subreaper, detach, keep;
	struct opt_i64 preserve_fds;
};

int oci_create_options(const struct call *call, const struct oci_create_flags *f,
		       struct create_options *ret, struct err *err) MUST_CHECK;

/* A document and a newline, for people or in one line. */
struct json_object;
void oci_put_json(struct str *out, struct json_object *o, bool pretty);

/* The flags that a detached or foreground process with a terminal can't be without. */
int oci_check_console(bool terminal, bool detach, const char *console_socket,
		      struct err *err) MUST_CHECK;

int oci_verb_create(struct call *call);
int oci_verb_run(struct call *call);
int oci_verb_start(struct call *call);
int oci_verb_kill(struct call *call);
int oci_verb_delete(struct call *call);
int oci_verb_pause(struct call *call);
int oci_verb_resume(struct call *call);
int oci_verb_state(struct call *call);
int oci_verb_list(struct call *call);
int oci_verb_exec(struct call *call);
int oci_verb_ps(struct call *call);
int oci_verb_update(struct call *call);
int oci_verb_events(struct call *call);
int oci_verb_features(struct call *call);
int oci_verb_spec(struct call *call);
int oci_verb_checkpoint(struct call *call);
int oci_verb_restore(struct call *call);

extern const struct opt_row oci_create_rows[], oci_kill_rows[], oci_delete_rows[], oci_list_rows[],
	oci_exec_rows[], oci_ps_rows[], oci_update_rows[], oci_events_rows[], oci_spec_rows[],
	oci_checkpoint_rows[];

struct oci_kill_flags {
	bool all;
};

struct oci_delete_flags {
	bool force;
};

struct oci_list_flags {
	const char *format;
	bool quiet;
};

struct oci_exec_flags {
	const char *process, *console_socket, *pid_file, *cwd, *user, *apparmor, *process_label,
		*cgroup;
	struct strv env, groups, caps;
	bool detach, tty, no_new_privs, ignore_paused;
	struct opt_i64 preserve_fds;
};

struct oci_ps_flags {
	const char *format;
};

/* One member for each flag that says a limit; `resources` reads a file with all. */
struct oci_update_flags {
	const char *resources, *cpus, *mems, *l3_cache_schema, *mem_bw_schema;
	struct opt_i64 memory, reservation, swap, kernel, kernel_tcp, pids, quota, realtime_runtime,
		idle, shares, period, burst, realtime_period, weight;
};

struct oci_events_flags {
	const char *interval;
	bool stats;
};

struct oci_checkpoint_flags {
	struct checkpoint_options c;
	struct oci_create_flags create; /* restore */
	bool check;
};

struct oci_spec_flags {
	const char *bundle;
	bool rootless;
};

#endif
