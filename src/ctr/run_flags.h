/* The flags of `run` and `create`, as the command line gave them. */
#ifndef CTR_CTR_RUN_FLAGS_H
#define CTR_CTR_RUN_FLAGS_H

#include "cli/options.h"

/* The variants of the table. */
#define RUN_VARIANT 'r'
#define CREATE_VARIANT 'c'

/* The words of --init. */
enum { INIT_NONE, INIT_SMALL, INIT_SYSTEMD };

/* Who the process is and what it starts with: shared with exec. */
struct env_flags {
	struct strv env, env_file;
	const char *user, *workdir;
	struct strv group_add;
	bool tty, interactive, privileged;
	bool proxy_off;
	const char *pid_file;
	struct strv cap_add, cap_drop;
	struct opt_i64 preserve_fds;
};

struct run_flags {
	struct env_flags p;

	/* the container */
	const char *name, *rootfs, *bundle, *isolation, *kernel, *kernel_args, *initrd, *cidfile,
		*entrypoint, *console_socket;
	bool overlay, read_only, rm, dry_run, detach, nested;
	int init; /* INIT_* */
	struct strv annotation, attach;
	const char *stop_signal, *restart, *detach_keys;
	struct opt_i64 stop_timeout;
	const char *health_cmd, *health_interval, *health_timeout, *health_start_period;
	const char *health_on_failure;
	struct opt_i64 health_retries;
	bool no_healthcheck;
	const char *log_driver, *sdnotify;
	struct strv log_opt;

	/* the process */
	const char *umask, *personality;
	struct opt_i64 oom_score_adj;
	struct strv ulimit;

	/* namespaces */
	const char *hostname, *domainname;
	const char *network, *pid, *ipc, *uts, *cgroupns, *userns, *timens;
	struct strv uidmap, gidmap, sysctl;
	struct opt_i64 boottime, monotonic;

	/* files */
	struct strv volume, mount, tmpfs, device;
	struct opt_i64 shm_size;

	/* limits */
	struct opt_i64 memory, memory_swap, memory_reservation;
	const char *cpus, *cpuset_cpus, *cpuset_mems;
	struct opt_i64 cpu_shares, cpu_period, cpu_quota, pids_limit, blkio_weight;
	struct strv blkio_weight_device, read_bps, write_bps, read_iops, write_iops;
	struct strv device_cgroup_rule, cgroup_conf;
	const char *cgroup_parent, *cgroup_manager;

	/* security */
	struct strv security_opt;
};

/* Is it to have a kernel of its own? */
static inline bool run_wants_kernel(const struct run_flags *f)
{
	return str_eq(f->isolation, "vm") || str_eq(f->isolation, "emulated");
}

extern const struct opt_row run_rows[];

#endif
