/* config.json: linux, without resources. */
#include "spec/rows.h"

#include <errno.h>

#define ERRNO_MAX 4095

#define T struct spec_linux
static const struct field linux_fields[] = {
	{ .key = "namespaces", .kind = FIELD_NAMESPACES, .offset = offsetof(T, namespaces) },
	LIST("uidMappings", uid_maps, TABLE_ID_MAP, struct spec_id_map),
	LIST("gidMappings", gid_maps, TABLE_ID_MAP, struct spec_id_map),
	INLINE("timeOffsets", TABLE_TIME_OFFSETS),
	LIST("devices", devices, TABLE_DEVICE, struct spec_device),
	KEYED("netDevices", net_devices, TABLE_NET_DEVICE, struct spec_net_device),
	STRING("cgroupsPath", cgroups_path),
	OBJECT("resources", resources, TABLE_RESOURCES, struct spec_resources),
	MAP("sysctl", sysctl),
	OBJECT("seccomp", seccomp, TABLE_SECCOMP, struct spec_seccomp, SET(seccomp.set)),
	WORD_STRING("rootfsPropagation", rootfs_propagation, WORDS_PROPAGATION),
	STRV("maskedPaths", masked_paths),
	STRV("readonlyPaths", readonly_paths),
	STRING("mountLabel", mount_label),
	INLINE("personality", TABLE_PERSONALITY),
	INLINE("intelRdt", TABLE_INTEL_RDT, SET(intel_rdt.set)),
	INLINE("memoryPolicy", TABLE_MEMORY_POLICY, SET(memory_policy.set)),
};
static const struct field time_offsets_fields[] = {
	OBJECT("boottime", time_boot, TABLE_TIME_OFFSET, struct spec_time_offset,
	       SET(time_boot.set)),
	OBJECT("monotonic", time_monotonic, TABLE_TIME_OFFSET, struct spec_time_offset,
	       SET(time_monotonic.set)),
};
static const struct field personality_fields[] = {
	WORD_STRING("domain", personality_domain, WORDS_PERSONALITY, NEED),
	EMPTY("flags"),
};
static const struct field intel_rdt_fields[] = {
	STRING("closID", intel_rdt.clos_id),
	STRV("schemata", intel_rdt.schemata),
	STRING("l3CacheSchema", intel_rdt.l3_cache_schema),
	STRING("memBwSchema", intel_rdt.mem_bw_schema),
	BOOL("enableMonitoring", intel_rdt.enable_monitoring),
};
static const struct field memory_policy_fields[] = {
	WORD_STRING("mode", memory_policy.mode, WORDS_MEMPOLICY_MODE, NEED),
	STRING("nodes", memory_policy.nodes),
	WORD_STRV("flags", memory_policy.flags, WORDS_MEMPOLICY_FLAG),
};
const struct table table_linux = TABLE(linux_fields),
		   table_time_offsets = TABLE(time_offsets_fields, .closed = true),
		   table_personality = TABLE(personality_fields),
		   table_intel_rdt = TABLE(intel_rdt_fields),
		   table_memory_policy = TABLE(memory_policy_fields);
#undef T

/* What an element of namespaces looks like; they are kept by kind. */
struct namespace_row {
	int kind;
	char *path;
};

#define T struct namespace_row
static const struct field namespace_fields[] = {
	WORD("type", kind, WORDS_NS, NEED),
	STRING("path", path),
};
const struct table table_namespace = TABLE(namespace_fields);
#undef T

#define T struct spec_time_offset
static const struct field time_offset_fields[] = {
	I64("secs", secs),
	U32("nanosecs", nanosecs, RANGE(0, 999999999)),
};
const struct table table_time_offset = TABLE(time_offset_fields);
#undef T

#define T struct spec_device
static const struct field device_fields[] = {
	STRING("path", path, NEED),
	WORD_CHAR("type", type, WORDS_DEVICE_TYPE, NEED),
	/* 0 is a number too, and must be there when this is read again. */
	I64("major", major, .flags = WRITE_ZERO),
	I64("minor", minor, .flags = WRITE_ZERO),
	OPT_U64("fileMode", mode, RANGE(0, 0177777)),
	OPT_U64("uid", uid, ID),
	OPT_U64("gid", gid, ID),
};

static int check_device(const struct json_at *at, const void *object, struct err *err)
{
	const struct spec_device *d = object;
	static const char *const numbers[] = { "major", "minor" };

	for (size_t i = 0; d->type != 'p' && i < ARRAY_LEN(numbers); i++) {
		struct json_at number = json_get(at, numbers[i]);

		if (!number.value)
			return json_fail(&number, err, EINVAL,
					 "is missing; a device of type \"%c\" needs it", d->type);
	}
	return 0;
}

const struct table table_device = TABLE(device_fields, .check = check_device);
#undef T

#define T struct spec_net_device
static const struct field net_device_fields[] = {
	STRING("name", name),
};
const struct table table_net_device = TABLE(net_device_fields);
#undef T

#define T struct spec_seccomp
static const struct field seccomp_fields[] = {
	WORD_STRING("defaultAction", default_action, WORDS_SECCOMP_ACTION, NEED),
	OPT_U64("defaultErrnoRet", default_errno_ret, RANGE(0, ERRNO_MAX)),
	WORD_STRV("architectures", architectures, WORDS_SECCOMP_ARCH),
	WORD_STRV("flags", flags, WORDS_SECCOMP_FLAG),
	STRING("listenerPath", listener_path),
	STRING("listenerMetadata", listener_metadata),
	LIST("syscalls", rules, TABLE_SECCOMP_RULE, struct spec_seccomp_rule),
};
const struct table table_seccomp = TABLE(seccomp_fields);
#undef T

#define T struct spec_seccomp_rule
static const struct field seccomp_rule_fields[] = {
	STRV("names", names, NEED),
	WORD_STRING("action", action, WORDS_SECCOMP_ACTION, NEED),
	OPT_U64("errnoRet", errno_ret, RANGE(0, ERRNO_MAX)),
	LIST("args", args, TABLE_SECCOMP_ARG, struct spec_seccomp_arg),
};

static int check_seccomp_rule(const struct json_at *at, const void *object, struct err *err)
{
	const struct spec_seccomp_rule *rule = object;
	struct json_at names = json_get(at, "names");

	return rule->names.count ?
		       0 :
		       json_fail(&names, err, EINVAL, "empty; name at least one system call");
}

const struct table table_seccomp_rule = TABLE(seccomp_rule_fields, .check = check_seccomp_rule);
#undef T

#define T struct spec_seccomp_arg
static const struct field seccomp_arg_fields[] = {
	U32("index", index, NEED, RANGE(0, 5)),
	U64("value", value, NEED),
	U64("valueTwo", value_two),
	WORD_STRING("op", op, WORDS_SECCOMP_OP, NEED),
};
const struct table table_seccomp_arg = TABLE(seccomp_arg_fields);
#undef T
