/*
 * From the flags of `run` and `create` to what container_create() takes: a spec and its options. One
 * file per chapter of the flags table; the order of the steps is a table in run_make.c.
 */
#ifndef CTR_CTR_RUN_MAKE_H
#define CTR_CTR_RUN_MAKE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "ctr/call.h"
#include "ctr/run_flags.h"
#include "monitor/health.h"
#include "monitor/log.h"
#include "monitor/sdnotify.h"
#include "runtime/container.h"
#include "spec/spec.h"
#include "volume/volume.h"

#include <stdbool.h>
#include <stddef.h>

/* Ours: seconds that `stop` waits. */
#define ANNOTATION_STOP_TIMEOUT "dev.ctr.stop-timeout"

/* A volume that the container wants, and once it is being made, its use. */
struct run_volume {
	char *name, *destination;
	bool anonymous, nocopy;
	struct volume_use use;
};

struct run_made {
	struct spec spec;
	struct create_options opt; /* its strings are those below, or argv's */
	char id[65];
	char *name, *bundle, *source, *cgroup_parent, *pid_file, *log_path, *log_tag, *volumes_root;
	struct health health;
	char *health_command;
	struct sdnotify_choice notify;
	struct log_choice log; /* its strings are those above, or argv's */
	struct strv *warnings; /* borrowed */
	SPEC_LIST(struct run_volume) volumes;
	const char *data_root; /* of volumes: as --data-root; borrowed, NULL: the default */
	int state_root;        /* borrowed */
	bool built_in;         /* a SOURCE whose /etc we need not look at for uid 0 */
	bool from_bundle;      /* config.json came first: what no flag names stays as it is */
};

#define RUN_MADE_INIT                                        \
	(struct run_made)                                    \
	{                                                    \
		.opt = CREATE_OPTIONS_INIT, .state_root = -1 \
	}

void run_made_free(struct run_made *m);
CLEAN_DEFINE(run_made, struct run_made, run_made_free)

/*
 * operands: [SOURCE] [--] [COMMAND...]. state_root: the fd in which other containers are looked up.
 * ret is RUN_MADE_INIT. Errors name the flag. Changes nothing, but for the busybox tree, made on
 * first use.
 */
int run_make(const struct run_flags *f, char **operands, int state_root, struct run_made *ret,
	     struct strv *warnings, struct err *err) MUST_CHECK;

/* The steps, in the order in which they have to run. */
int run_source(const struct run_flags *f, struct run_made *m, char ***operands,
	       struct err *err) MUST_CHECK;
int run_identity(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_process(const struct run_flags *f, struct run_made *m, char **command,
		struct err *err) MUST_CHECK;
int run_namespaces(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_user(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_boot(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_env(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_mounts(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_devices(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_limits(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_block_io(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_security(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;

/* The root as it is on the host; the caller's to close. -errno, with words. */
int run_tree_open(const struct run_made *m, struct err *err) MUST_CHECK;

/* What boots the system in the root is added to args. -ENOENT: nothing there does. */
int boot_command(const struct run_made *m, struct strv *args, struct err *err) MUST_CHECK;

/* ---- shared with update -------------------------------------------------------------- */

/* --memory, --cpus, --pids-limit and the rest of LIMIT_ROWS (limit_rows.h) as linux.resources. */
int limits_resources(const struct run_flags *f, struct spec_resources *res,
		     struct err *err) MUST_CHECK;
int block_io_resources(const struct run_flags *f, struct spec_resources *res,
		       struct err *err) MUST_CHECK;

int run_notify(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;
int run_health(const struct run_flags *f, struct run_made *m, struct err *err) MUST_CHECK;

/* ---- shared with exec -------------------------------------------------------------- */

/* --workdir */
int workdir_apply(const struct env_flags *f, struct spec_process *p, struct err *err) MUST_CHECK;

/* Apply --env-file and --env to an environment, in that order. */
int env_apply(const struct env_flags *f, struct strv *env, struct err *err) MUST_CHECK;

/* --cap-add, --cap-drop and --privileged on a set of capabilities, for this uid. */
int caps_from_flags(const struct env_flags *f, uint32_t uid, bool userns, struct spec_caps *caps,
		    struct err *err) MUST_CHECK;

/* "KEY=VALUE" with a non-empty KEY, or -EINVAL naming the flag. */
int want_assignment(const char *flag, const char *text, struct err *err) MUST_CHECK;

/* Put, replace or (value NULL) remove an annotation. */
void annotation_put(struct spec *spec, const char *key, const char *value);

/* The mount with this destination; NULL: none. */
struct spec_mount *mount_find(struct spec *spec, const char *destination);
void mount_remove(struct spec *spec, const char *destination);
/* "ro" becomes "rw", where there is such a mount. */
void mount_make_writable(struct spec *spec, const char *destination);

/* "0.5", "2", ".25": *ret in millionths of a processor. -EINVAL, no text. */
int cpus_parse(const char *text, uint64_t *ret) MUST_CHECK;

/* The absolute form of a path as this process sees it; the caller's to free. */
char *path_absolute(const char *path) MUST_CHECK;

#endif
