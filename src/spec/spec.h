/*
 * What the OCI runtime specification (1.3, Linux) says of one container, as C data. It is the
 * standard's words only: names and shapes follow config.json, nothing is decided yet (that is the
 * plan's job, runtime/plan.h). All zero is an empty spec; spec_free() frees what it points to.
 */
#ifndef CTR_SPEC_SPEC_H
#define CTR_SPEC_SPEC_H

#include "base/cleanup.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What we write into "ociVersion"; every 1.x is read. */
#define SPEC_OCI_VERSION "1.3.0"

/* A number that may be absent. */
struct opt_u64 {
	bool set;
	uint64_t value;
};

struct opt_i64 {
	bool set;
	int64_t value;
};

/* A growing array: items and count. */
#define SPEC_LIST(type)       \
	struct {              \
		type *items;  \
		size_t count; \
	}

/* Append a zeroed element and point to it: `struct spec_mount *m = SPEC_ADD(&spec->mounts);` */
#define SPEC_ADD(list)                                                                      \
	({                                                                                  \
		(list)->items =                                                             \
			xrealloc((list)->items, (list)->count + 1, sizeof(*(list)->items)); \
		(list)->items[(list)->count] = (typeof(*(list)->items)){ 0 };               \
		&(list)->items[(list)->count++];                                            \
	})

struct spec_rlimit {
	int resource;        /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY: 2^64-1 */
};

/* Sets of capabilities: bit N is capability N. `set` false: config.json had no capabilities. */
struct spec_caps {
	bool set;
	uint64_t bounding, effective, inheritable, permitted, ambient;
};

struct spec_scheduler {
	bool set;
	int policy; /* SCHED_* */
	int32_t nice, priority;
	uint64_t flags;                     /* SCHED_FLAG_* */
	uint64_t runtime, deadline, period; /* ns */
};

struct spec_process {
	bool terminal;
	bool no_new_privileges;
	uint32_t console_width,
		console_height; /* 0: not given; 16 bits where there is a terminal */
	uint32_t uid, gid;
	struct opt_u64 umask;
	SPEC_LIST(uint32_t) additional_gids;
	struct strv args, env;
	char *command_line; /* Windows; refused */
	char *cwd;
	struct spec_caps caps;
	SPEC_LIST(struct spec_rlimit) rlimits;
	struct opt_i64 oom_score_adj;
	char *apparmor_profile, *selinux_label;
	struct spec_scheduler scheduler;
	struct opt_i64 io_priority_class; /* IOPRIO_CLASS_* */
	int64_t io_priority;
	char *exec_cpu_affinity_initial, *exec_cpu_affinity_final; /* cpu lists */
};

struct spec_id_map {
	uint32_t container_id, host_id, size;
};

typedef SPEC_LIST(struct spec_id_map) spec_id_maps;

struct spec_mount {
	char *destination, *type, *source; /* type, source: may be NULL */
	struct strv options;
	spec_id_maps uid_maps, gid_maps;
};

struct spec_hook {
	char *path;
	struct strv args, env;
	struct opt_i64 timeout_s;
};

enum spec_hook_point {
	HOOK_PRESTART,
	HOOK_CREATE_RUNTIME,
	HOOK_CREATE_CONTAINER,
	HOOK_START_CONTAINER,
	HOOK_POSTSTART,
	HOOK_POSTSTOP,
	HOOK_POINTS,
};

typedef SPEC_LIST(struct spec_hook) spec_hooks;

enum spec_ns {
	NS_MOUNT,
	NS_PID,
	NS_NETWORK,
	NS_IPC,
	NS_UTS,
	NS_USER,
	NS_CGROUP,
	NS_TIME,
	NS_KINDS,
};

/* wanted false: the host's. path NULL: a new one. */
struct spec_namespace {
	bool wanted;
	char *path;
};

struct spec_device {
	char *path;
	char type; /* 'c', 'b', 'u', 'p' */
	int64_t major, minor;
	struct opt_u64 mode, uid, gid;
};

struct spec_device_rule {
	bool allow;
	char type;                   /* 'a', 'c', 'b' */
	struct opt_i64 major, minor; /* absent or -1: any */
	bool read, write, mknod;
};

struct spec_throttle {
	int64_t major, minor;
	uint64_t rate; /* bytes or operations a second */
};

struct spec_weight_device {
	int64_t major, minor;
	struct opt_u64 weight, leaf_weight;
};

struct spec_hugepage {
	char *page_size; /* "2MB" */
	uint64_t limit;  /* bytes */
};

struct spec_rdma {
	char *device;
	struct opt_u64 handles, objects;
};

typedef SPEC_LIST(struct spec_throttle) spec_throttles;

struct spec_resources {
	SPEC_LIST(struct spec_device_rule) devices;
	struct {
		struct opt_i64 limit, reservation, swap, kernel,
			kernel_tcp; /* bytes; -1: no limit */
		struct opt_u64 swappiness;
		struct opt_i64 disable_oom_killer, use_hierarchy, check_before_update; /* bools */
	} memory;
	struct {
		struct opt_u64 shares, period_us, burst_us, realtime_period_us;
		struct opt_i64 quota_us, realtime_runtime_us, idle;
		char *cpus, *mems;
	} cpu;
	struct opt_i64 pids_limit; /* 0 or -1: no limit, as runc reads it */
	struct {
		struct opt_u64 weight, leaf_weight; /* 10..1000 */
		SPEC_LIST(struct spec_weight_device) weight_devices;
		spec_throttles read_bps, write_bps, read_iops, write_iops;
	} block_io;
	SPEC_LIST(struct spec_hugepage) hugepages;
	SPEC_LIST(struct spec_rdma) rdma;
	struct {
		bool set;
		struct opt_u64 class_id;
		SPEC_LIST(struct spec_net_priority {
			char *name;
			uint32_t priority;
		})
		priorities;
	} network;           /* v1 only; refused unless empty */
	struct strv unified; /* "FILE=VALUE" */
};

/* One argument test of a syscall rule. op as libseccomp: SCMP_CMP_*. */
struct spec_seccomp_arg {
	unsigned int index;
	uint64_t value, value_two;
	char *op; /* "SCMP_CMP_EQ" */
};

struct spec_seccomp_rule {
	struct strv names;
	char *action; /* "SCMP_ACT_ALLOW" */
	struct opt_u64 errno_ret;
	SPEC_LIST(struct spec_seccomp_arg) args;
};

struct spec_seccomp {
	bool set;
	char *default_action;
	struct opt_u64 default_errno_ret;
	struct strv architectures; /* "SCMP_ARCH_X86_64" */
	struct strv flags;         /* "SECCOMP_FILTER_FLAG_LOG" */
	char *listener_path, *listener_metadata;
	SPEC_LIST(struct spec_seccomp_rule) rules;
};

struct spec_net_device {
	char *host_name; /* interface in the runtime's namespace */
	char *name;      /* inside; NULL: the same */
};

struct spec_time_offset {
	bool set;
	int64_t secs;
	uint32_t nanosecs;
};

struct spec_linux {
	struct spec_namespace namespaces[NS_KINDS];
	spec_id_maps uid_maps, gid_maps;
	struct spec_time_offset time_boot, time_monotonic;
	SPEC_LIST(struct spec_device) devices;
	SPEC_LIST(struct spec_net_device) net_devices;
	char *cgroups_path;
	struct spec_resources resources;
	struct strv sysctl; /* "KEY=VALUE" */
	struct spec_seccomp seccomp;
	char *rootfs_propagation;
	struct strv masked_paths, readonly_paths;
	char *mount_label;
	char *personality_domain; /* "LINUX", "LINUX32" */
	struct {
		bool set;
		char *clos_id, *l3_cache_schema, *mem_bw_schema;
		struct strv schemata;
		bool enable_monitoring;
	} intel_rdt;
	struct {
		bool set;
		char *mode, *nodes;
		struct strv flags;
	} memory_policy;
};

/* config-vm.md, for a container that has a kernel of its own. */
struct spec_vm {
	char *kernel_path, *kernel_initrd;
	struct strv kernel_parameters;
	struct opt_u64 vcpus, memory; /* bytes */
	bool nested;                  /* our own: the guest may have virtual machines of its own */
};

struct spec {
	char *oci_version;
	char *root_path;
	bool root_readonly;
	char *hostname, *domainname;
	struct spec_process process;
	bool has_process;
	SPEC_LIST(struct spec_mount) mounts;
	spec_hooks hooks[HOOK_POINTS];
	struct strv annotations; /* "KEY=VALUE" */
	struct spec_linux lin;
	struct spec_vm vm;
	bool has_vm;
};

void spec_free(struct spec *spec);
CLEAN_DEFINE(spec, struct spec, spec_free)

/*
 * Annotations of ours: what a command line of ctr can ask that config.json has no key for. They
 * make the config.json that we keep a complete description.
 */
#define SPEC_ANNOTATION_ROOTFS \
	"dev.ctr.rootfs" /* "overlay": root.path is below a throw-away
						      * upper layer; "host": the machine's own programs;
						      * "empty": a folder of its own with nothing in it */
#define SPEC_ANNOTATION_IMAGE \
	"dev.ctr.image" /* what a guest is told: its root is this file system on WIRE_IMAGE */
#define SPEC_ANNOTATION_SECCOMP \
	"dev.ctr.seccomp"                     /* "default": our profile, see sandbox/profile.h */
#define SPEC_ANNOTATION_ALLOW "dev.ctr.allow" /* "userns,bpf": groups given back in that profile */
/* "true": our small init as process 1; "systemd": process 1 boots a system and manages its cgroup */
#define SPEC_ANNOTATION_INIT "dev.ctr.init"
/*
 * "process"; "vm": a kernel of its own, the default where there is a `vm` object; "emulated": the same, by
 * processors in software
 */
#define SPEC_ANNOTATION_ISOLATION "dev.ctr.isolation"
#define SPEC_ANNOTATION_STOP_SIGNAL "org.opencontainers.image.stopSignal" /* "SIGTERM" */

/* root.path, which may be relative to the bundle (NULL: there is none): the caller's. */
char *spec_root(const struct spec *spec, const char *bundle) __attribute__((returns_nonnull));

/* The value of an annotation, borrowed; NULL when absent. */
const char *spec_annotation(const struct spec *spec, const char *key);

/* Is it to have a kernel of its own? By emulated processors? */
bool spec_wants_vm(const struct spec *spec);
bool spec_wants_emulated(const struct spec *spec);

#endif
