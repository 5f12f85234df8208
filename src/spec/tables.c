/* config.json: the document itself, process, mounts, hooks. */
#include "spec/rows.h"

#include <limits.h>

#define T struct spec
static const struct field spec_fields[] = {
	STRING("ociVersion", oci_version, NEED),
	INLINE("root", TABLE_ROOT),
	STRING("hostname", hostname),
	STRING("domainname", domainname),
	OBJECT("process", process, TABLE_PROCESS, struct spec_process, SET(has_process)),
	LIST("mounts", mounts, TABLE_MOUNT, struct spec_mount),
	INLINE("hooks", TABLE_HOOKS),
	MAP("annotations", annotations),
	OBJECT("linux", lin, TABLE_LINUX, struct spec_linux),
	OBJECT("vm", vm, TABLE_VM, struct spec_vm, SET(has_vm)),
	REFUSED("windows", REFUSED_OTHER_PLATFORM),
	REFUSED("solaris", REFUSED_OTHER_PLATFORM),
	REFUSED("zos", REFUSED_OTHER_PLATFORM),
	REFUSED("freebsd", REFUSED_OTHER_PLATFORM),
};
static const struct field root_fields[] = {
	STRING("path", root_path, NEED),
	BOOL("readonly", root_readonly),
};
static const struct field hooks_fields[] = {
	LIST("prestart", hooks[HOOK_PRESTART], TABLE_HOOK, struct spec_hook),
	LIST("createRuntime", hooks[HOOK_CREATE_RUNTIME], TABLE_HOOK, struct spec_hook),
	LIST("createContainer", hooks[HOOK_CREATE_CONTAINER], TABLE_HOOK, struct spec_hook),
	LIST("startContainer", hooks[HOOK_START_CONTAINER], TABLE_HOOK, struct spec_hook),
	LIST("poststart", hooks[HOOK_POSTSTART], TABLE_HOOK, struct spec_hook),
	LIST("poststop", hooks[HOOK_POSTSTOP], TABLE_HOOK, struct spec_hook),
};
static const struct table table_spec = TABLE(spec_fields), table_root = TABLE(root_fields),
			  table_hooks = TABLE(hooks_fields);
#undef T

#define T struct spec_vm
static const struct field vm_fields[] = {
	REFUSED("hypervisor", REFUSED_HYPERVISOR),
	INLINE("kernel", TABLE_VM_KERNEL),
	REFUSED("image", REFUSED_IMAGE),
	INLINE("hwConfig", TABLE_VM_HARDWARE),
};
static const struct field vm_kernel_fields[] = {
	STRING("path", kernel_path, NEED),
	STRV("parameters", kernel_parameters),
	STRING("initrd", kernel_initrd),
};
static const struct field vm_hardware_fields[] = {
	REFUSED("deviceTree", REFUSED_HARDWARE),
	OPT_U64("vcpus", vcpus, RANGE(1, 32)),
	OPT_U64("memory", memory),
	BOOL("nested", nested),
	REFUSED("dtdevs", REFUSED_HARDWARE),
	REFUSED("iomems", REFUSED_HARDWARE),
	REFUSED("irqs", REFUSED_HARDWARE),
};
static const struct table table_vm = TABLE(vm_fields), table_vm_kernel = TABLE(vm_kernel_fields),
			  table_vm_hardware = TABLE(vm_hardware_fields);
#undef T

#define T struct spec_process
static const struct field process_fields[] = {
	BOOL("terminal", terminal),
	INLINE("consoleSize", TABLE_CONSOLE_SIZE),
	INLINE("user", TABLE_USER),
	STRV("args", args),
	STRING("commandLine", command_line),
	STRV("env", env),
	STRING("cwd", cwd, NEED),
	OBJECT("capabilities", caps, TABLE_CAPS, struct spec_caps, SET(caps.set)),
	LIST("rlimits", rlimits, TABLE_RLIMIT, struct spec_rlimit),
	BOOL("noNewPrivileges", no_new_privileges),
	STRING("apparmorProfile", apparmor_profile),
	STRING("selinuxLabel", selinux_label),
	OPT_I64("oomScoreAdj", oom_score_adj, RANGE(-1000, 1000)),
	OBJECT("scheduler", scheduler, TABLE_SCHEDULER, struct spec_scheduler, SET(scheduler.set)),
	INLINE("ioPriority", TABLE_IO_PRIORITY),
	INLINE("execCPUAffinity", TABLE_CPU_AFFINITY),
};
static const struct field console_fields[] = {
	U32("height", console_height, NEED),
	U32("width", console_width, NEED),
};
static const struct field user_fields[] = {
	U32("uid", uid, .flags = WRITE_ZERO, ID),
	U32("gid", gid, .flags = WRITE_ZERO, ID),
	OPT_U64("umask", umask, RANGE(0, 0777)),
	U32_LIST("additionalGids", additional_gids),
};
static const struct field io_priority_fields[] = {
	OPT_WORD("class", io_priority_class, WORDS_IOPRIO_CLASS, NEED),
	I64("priority", io_priority, RANGE(0, 7)),
};
static const struct field cpu_affinity_fields[] = {
	STRING("initial", exec_cpu_affinity_initial),
	STRING("final", exec_cpu_affinity_final),
};
static const struct table table_process = TABLE(process_fields),
			  table_console_size = TABLE(console_fields),
			  table_user = TABLE(user_fields),
			  table_io_priority = TABLE(io_priority_fields),
			  table_cpu_affinity = TABLE(cpu_affinity_fields);
#undef T

#define T struct spec_caps
static const struct field caps_fields[] = {
	WORD_BITS("bounding", bounding, WORDS_CAP),
	WORD_BITS("effective", effective, WORDS_CAP),
	WORD_BITS("inheritable", inheritable, WORDS_CAP),
	WORD_BITS("permitted", permitted, WORDS_CAP),
	WORD_BITS("ambient", ambient, WORDS_CAP),
};
static const struct table table_caps = TABLE(caps_fields);
#undef T

#define T struct spec_rlimit
static const struct field rlimit_fields[] = {
	WORD("type", resource, WORDS_RLIMIT, NEED),
	U64("soft", soft, NEED),
	U64("hard", hard, NEED),
};
static const struct table table_rlimit = TABLE(rlimit_fields);
#undef T

#define T struct spec_scheduler
static const struct field scheduler_fields[] = {
	WORD("policy", policy, WORDS_SCHED_POLICY, NEED),
	I32("nice", nice),
	I32("priority", priority),
	WORD_BITS("flags", flags, WORDS_SCHED_FLAG),
	U64("runtime", runtime),
	U64("deadline", deadline),
	U64("period", period),
};
static const struct table table_scheduler = TABLE(scheduler_fields);
#undef T

#define T struct spec_mount
static const struct field mount_fields[] = {
	STRING("destination", destination, NEED),
	STRING("type", type),
	STRING("source", source),
	STRV("options", options),
	LIST("uidMappings", uid_maps, TABLE_ID_MAP, struct spec_id_map),
	LIST("gidMappings", gid_maps, TABLE_ID_MAP, struct spec_id_map),
};
static const struct table table_mount = TABLE(mount_fields);
#undef T

#define T struct spec_id_map
static const struct field id_map_fields[] = {
	U32("containerID", container_id, NEED),
	U32("hostID", host_id, NEED),
	U32("size", size, NEED),
};
static const struct table table_id_map = TABLE(id_map_fields);
#undef T

#define T struct spec_hook
static const struct field hook_fields[] = {
	STRING("path", path, NEED),
	STRV("args", args),
	STRV("env", env),
	OPT_I64("timeout", timeout_s, RANGE(1, INT_MAX)),
};
static const struct table table_hook = TABLE(hook_fields);
#undef T

static const struct table *const all[TABLES] = {
	[TABLE_SPEC] = &table_spec,
	[TABLE_ROOT] = &table_root,
	[TABLE_PROCESS] = &table_process,
	[TABLE_CONSOLE_SIZE] = &table_console_size,
	[TABLE_USER] = &table_user,
	[TABLE_CAPS] = &table_caps,
	[TABLE_RLIMIT] = &table_rlimit,
	[TABLE_SCHEDULER] = &table_scheduler,
	[TABLE_IO_PRIORITY] = &table_io_priority,
	[TABLE_CPU_AFFINITY] = &table_cpu_affinity,
	[TABLE_MOUNT] = &table_mount,
	[TABLE_ID_MAP] = &table_id_map,
	[TABLE_HOOKS] = &table_hooks,
	[TABLE_HOOK] = &table_hook,
	[TABLE_VM] = &table_vm,
	[TABLE_VM_KERNEL] = &table_vm_kernel,
	[TABLE_VM_HARDWARE] = &table_vm_hardware,
	[TABLE_LINUX] = &table_linux,
	[TABLE_NAMESPACE] = &table_namespace,
	[TABLE_TIME_OFFSETS] = &table_time_offsets,
	[TABLE_TIME_OFFSET] = &table_time_offset,
	[TABLE_DEVICE] = &table_device,
	[TABLE_NET_DEVICE] = &table_net_device,
	[TABLE_PERSONALITY] = &table_personality,
	[TABLE_INTEL_RDT] = &table_intel_rdt,
	[TABLE_MEMORY_POLICY] = &table_memory_policy,
	[TABLE_RESOURCES] = &table_resources,
	[TABLE_DEVICE_RULE] = &table_device_rule,
	[TABLE_MEMORY] = &table_memory,
	[TABLE_CPU] = &table_cpu,
	[TABLE_PIDS] = &table_pids,
	[TABLE_BLOCK_IO] = &table_block_io,
	[TABLE_WEIGHT_DEVICE] = &table_weight_device,
	[TABLE_THROTTLE] = &table_throttle,
	[TABLE_HUGEPAGE] = &table_hugepage,
	[TABLE_RDMA] = &table_rdma,
	[TABLE_NETWORK] = &table_network,
	[TABLE_NET_PRIORITY] = &table_net_priority,
	[TABLE_SECCOMP] = &table_seccomp,
	[TABLE_SECCOMP_RULE] = &table_seccomp_rule,
	[TABLE_SECCOMP_ARG] = &table_seccomp_arg,
};

const struct table *field_table(enum table_id id)
{
	return all[id];
}
