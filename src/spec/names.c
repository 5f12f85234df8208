#include "spec/names.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

/* Newer than the headers of Debian 12. */
#ifndef MPOL_WEIGHTED_INTERLEAVE
#define MPOL_WEIGHTED_INTERLEAVE 6
#endif

#define WORD(name)          \
	{                   \
#name, name \
	}

static const struct spec_word caps[] = {
	WORD(CAP_CHOWN),
	WORD(CAP_DAC_OVERRIDE),
	WORD(CAP_DAC_READ_SEARCH),
	WORD(CAP_FOWNER),
	WORD(CAP_FSETID),
	WORD(CAP_KILL),
	WORD(CAP_SETGID),
	WORD(CAP_SETUID),
	WORD(CAP_SETPCAP),
	WORD(CAP_LINUX_IMMUTABLE),
	WORD(CAP_NET_BIND_SERVICE),
	WORD(CAP_NET_BROADCAST),
	WORD(CAP_NET_ADMIN),
	WORD(CAP_NET_RAW),
	WORD(CAP_IPC_LOCK),
	WORD(CAP_IPC_OWNER),
	WORD(CAP_SYS_MODULE),
	WORD(CAP_SYS_RAWIO),
	WORD(CAP_SYS_CHROOT),
	WORD(CAP_SYS_PTRACE),
	WORD(CAP_SYS_PACCT),
	WORD(CAP_SYS_ADMIN),
	WORD(CAP_SYS_BOOT),
	WORD(CAP_SYS_NICE),
	WORD(CAP_SYS_RESOURCE),
	WORD(CAP_SYS_TIME),
	WORD(CAP_SYS_TTY_CONFIG),
	WORD(CAP_MKNOD),
	WORD(CAP_LEASE),
	WORD(CAP_AUDIT_WRITE),
	WORD(CAP_AUDIT_CONTROL),
	WORD(CAP_SETFCAP),
	WORD(CAP_MAC_OVERRIDE),
	WORD(CAP_MAC_ADMIN),
	WORD(CAP_SYSLOG),
	WORD(CAP_WAKE_ALARM),
	WORD(CAP_BLOCK_SUSPEND),
	WORD(CAP_AUDIT_READ),
	WORD(CAP_PERFMON),
	WORD(CAP_BPF),
	WORD(CAP_CHECKPOINT_RESTORE),
};

static const struct spec_word rlimits[] = {
	WORD(RLIMIT_CPU),      WORD(RLIMIT_FSIZE), WORD(RLIMIT_DATA),   WORD(RLIMIT_STACK),
	WORD(RLIMIT_CORE),     WORD(RLIMIT_RSS),   WORD(RLIMIT_NPROC),  WORD(RLIMIT_NOFILE),
	WORD(RLIMIT_MEMLOCK),  WORD(RLIMIT_AS),    WORD(RLIMIT_LOCKS),  WORD(RLIMIT_SIGPENDING),
	WORD(RLIMIT_MSGQUEUE), WORD(RLIMIT_NICE),  WORD(RLIMIT_RTPRIO), WORD(RLIMIT_RTTIME),
};

static const struct spec_word namespaces[] = {
	{ "mount", NS_MOUNT }, { "pid", NS_PID },   { "network", NS_NETWORK }, { "ipc", NS_IPC },
	{ "uts", NS_UTS },     { "user", NS_USER }, { "cgroup", NS_CGROUP },   { "time", NS_TIME },
};

static const struct spec_word sched_policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	WORD(SCHED_FIFO),
	WORD(SCHED_RR),
	WORD(SCHED_BATCH),
	{ "SCHED_ISO", 4 },
	WORD(SCHED_IDLE),
	WORD(SCHED_DEADLINE),
};

static const struct spec_word sched_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0 },  { "SCHED_FLAG_RECLAIM", 1 },
	{ "SCHED_FLAG_DL_OVERRUN", 2 },     { "SCHED_FLAG_KEEP_POLICY", 3 },
	{ "SCHED_FLAG_KEEP_PARAMS", 4 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 5 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 6 },
};

static const struct spec_word ioprio_classes[] = {
	WORD(IOPRIO_CLASS_RT),
	WORD(IOPRIO_CLASS_BE),
	WORD(IOPRIO_CLASS_IDLE),
};

/* The standard has the first four; engines write the recursive ones too. */
static const struct spec_word propagations[] = {
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "private", MS_PRIVATE },
	{ "unbindable", MS_UNBINDABLE },
	{ "rshared", MS_SHARED | MS_REC },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
};

static const struct spec_word personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
};

static const struct spec_word seccomp_actions[] = {
	{ "SCMP_ACT_KILL" },  { "SCMP_ACT_KILL_PROCESS" }, { "SCMP_ACT_KILL_THREAD" },
	{ "SCMP_ACT_TRAP" },  { "SCMP_ACT_ERRNO" },        { "SCMP_ACT_TRACE" },
	{ "SCMP_ACT_ALLOW" }, { "SCMP_ACT_LOG" },          { "SCMP_ACT_NOTIFY" },
};

static const struct spec_word seccomp_ops[] = {
	{ "SCMP_CMP_NE" }, { "SCMP_CMP_LT" }, { "SCMP_CMP_LE" },        { "SCMP_CMP_EQ" },
	{ "SCMP_CMP_GE" }, { "SCMP_CMP_GT" }, { "SCMP_CMP_MASKED_EQ" },
};

static const struct spec_word seccomp_archs[] = {
	{ "SCMP_ARCH_X86" },      { "SCMP_ARCH_X86_64" },      { "SCMP_ARCH_X32" },
	{ "SCMP_ARCH_ARM" },      { "SCMP_ARCH_AARCH64" },     { "SCMP_ARCH_MIPS" },
	{ "SCMP_ARCH_MIPS64" },   { "SCMP_ARCH_MIPS64N32" },   { "SCMP_ARCH_MIPSEL" },
	{ "SCMP_ARCH_MIPSEL64" }, { "SCMP_ARCH_MIPSEL64N32" }, { "SCMP_ARCH_PPC" },
	{ "SCMP_ARCH_PPC64" },    { "SCMP_ARCH_PPC64LE" },     { "SCMP_ARCH_S390" },
	{ "SCMP_ARCH_S390X" },    { "SCMP_ARCH_PARISC" },      { "SCMP_ARCH_PARISC64" },
	{ "SCMP_ARCH_RISCV64" },  { "SCMP_ARCH_LOONGARCH64" }, { "SCMP_ARCH_M68K" },
	{ "SCMP_ARCH_SH" },       { "SCMP_ARCH_SHEB" },
};

static const struct spec_word seccomp_flags[] = {
	WORD(SECCOMP_FILTER_FLAG_TSYNC),
	WORD(SECCOMP_FILTER_FLAG_LOG),
	WORD(SECCOMP_FILTER_FLAG_SPEC_ALLOW),
	WORD(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV),
};

static const struct spec_word mempolicy_modes[] = {
	WORD(MPOL_DEFAULT),
	WORD(MPOL_PREFERRED),
	WORD(MPOL_BIND),
	WORD(MPOL_INTERLEAVE),
	WORD(MPOL_LOCAL),
	WORD(MPOL_PREFERRED_MANY),
	WORD(MPOL_WEIGHTED_INTERLEAVE),
};

static const struct spec_word mempolicy_flags[] = {
	WORD(MPOL_F_STATIC_NODES),
	WORD(MPOL_F_RELATIVE_NODES),
	WORD(MPOL_F_NUMA_BALANCING),
};

static const struct spec_word device_types[] = {
	{ "c", 'c' },
	{ "b", 'b' },
	{ "u", 'u' },
	{ "p", 'p' },
};

static const struct spec_word rule_types[] = {
	{ "a", 'a' },
	{ "c", 'c' },
	{ "b", 'b' },
};

#define WORDS(table, what)                    \
	{                                     \
		table, ARRAY_LEN(table), what \
	}

static const struct {
	const struct spec_word *words;
	size_t count;
	const char *what;
} tables[WORDS_KINDS] = {
	[WORDS_CAP] = WORDS(caps, "capability"),
	[WORDS_RLIMIT] = WORDS(rlimits, "resource limit"),
	[WORDS_NS] = WORDS(namespaces, "namespace type"),
	[WORDS_SCHED_POLICY] = WORDS(sched_policies, "scheduling policy"),
	[WORDS_SCHED_FLAG] = WORDS(sched_flags, "scheduling flag"),
	[WORDS_IOPRIO_CLASS] = WORDS(ioprio_classes, "I/O priority class"),
	[WORDS_PROPAGATION] = WORDS(propagations, "mount propagation"),
	[WORDS_PERSONALITY] = WORDS(personalities, "personality domain"),
	[WORDS_SECCOMP_ACTION] = WORDS(seccomp_actions, "seccomp action"),
	[WORDS_SECCOMP_OP] = WORDS(seccomp_ops, "seccomp operator"),
	[WORDS_SECCOMP_ARCH] = WORDS(seccomp_archs, "seccomp architecture"),
	[WORDS_SECCOMP_FLAG] = WORDS(seccomp_flags, "seccomp flag"),
	[WORDS_MEMPOLICY_MODE] = WORDS(mempolicy_modes, "memory policy"),
	[WORDS_MEMPOLICY_FLAG] = WORDS(mempolicy_flags, "memory policy flag"),
	[WORDS_DEVICE_TYPE] = WORDS(device_types, "device type"),
	[WORDS_RULE_TYPE] = WORDS(rule_types, "device type"),
};

const struct spec_word *spec_words(enum spec_words_id id, size_t *ret_count)
{
	*ret_count = tables[id].count;
	return tables[id].words;
}

const char *spec_words_what(enum spec_words_id id)
{
	return tables[id].what;
}

const struct spec_word *spec_word_find(enum spec_words_id id, const char *word)
{
	for (size_t i = 0; i < tables[id].count; i++)
		if (strcmp(tables[id].words[i].word, word) == 0)
			return &tables[id].words[i];
	return NULL;
}

const struct spec_word *spec_word_of(enum spec_words_id id, int value)
{
	for (size_t i = 0; i < tables[id].count; i++)
		if (tables[id].words[i].value == value)
			return &tables[id].words[i];
	return NULL;
}

/* As people type it: in any case, with or without the prefix that all words of the table have. */
static int find_typed(enum spec_words_id id, const char *prefix, const char *name)
{
	size_t skip = strlen(prefix);

	if (strncasecmp(name, prefix, skip) == 0)
		name += skip;
	for (size_t i = 0; i < tables[id].count; i++)
		if (strcasecmp(tables[id].words[i].word + skip, name) == 0)
			return tables[id].words[i].value;
	return -EINVAL;
}

int spec_cap_from_name(const char *name)
{
	return find_typed(WORDS_CAP, "CAP_", name);
}

const char *spec_cap_name(int cap)
{
	/* The table is in the order of the numbers, without gaps. */
	return cap >= 0 && (size_t)cap < ARRAY_LEN(caps) ? caps[cap].word : NULL;
}

int spec_rlimit_from_name(const char *name)
{
	return find_typed(WORDS_RLIMIT, "RLIMIT_", name);
}

const char *spec_rlimit_name(int resource)
{
	const struct spec_word *w = spec_word_of(WORDS_RLIMIT, resource);

	return w ? w->word : NULL;
}

static const struct {
	char proc[8];
	uint32_t flag;
} ns_kernel[NS_KINDS] = {
	[NS_MOUNT] = { "mnt", CLONE_NEWNS },         [NS_PID] = { "pid", CLONE_NEWPID },
	[NS_NETWORK] = { "net", CLONE_NEWNET },      [NS_IPC] = { "ipc", CLONE_NEWIPC },
	[NS_UTS] = { "uts", CLONE_NEWUTS },          [NS_USER] = { "user", CLONE_NEWUSER },
	[NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP }, [NS_TIME] = { "time", CLONE_NEWTIME },
};

int spec_ns_from_name(const char *name)
{
	for (int ns = 0; ns < NS_KINDS; ns++)
		if (strcmp(namespaces[ns].word, name) == 0 || strcmp(ns_kernel[ns].proc, name) == 0)
			return ns;
	return -EINVAL;
}

const char *spec_ns_name(enum spec_ns ns)
{
	return namespaces[ns].word;
}

const char *spec_ns_proc(enum spec_ns ns)
{
	return ns_kernel[ns].proc;
}

uint64_t spec_ns_flag(enum spec_ns ns)
{
	return ns_kernel[ns].flag;
}

static const char hook_names[HOOK_POINTS][16] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};

const char *spec_hook_name(enum spec_hook_point point)
{
	return hook_names[point];
}
