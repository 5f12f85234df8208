/*
 * config.json: linux.resources. docker's `update` sends a zero for what it does not want to change:
 * where zero makes no sense as a limit it is read as absent.
 */
#include "spec/rows.h"

#define UNSET_AT_ZERO .flags = ZERO_ABSENT
#define LIMIT RANGE(-1, INT64_MAX)
#define NO_SIGN RANGE(0, INT64_MAX)

#define T struct spec_resources
static const struct field resources_fields[] = {
	LIST("devices", devices, TABLE_DEVICE_RULE, struct spec_device_rule),
	INLINE("memory", TABLE_MEMORY),
	INLINE("cpu", TABLE_CPU),
	INLINE("pids", TABLE_PIDS),
	INLINE("blockIO", TABLE_BLOCK_IO),
	LIST("hugepageLimits", hugepages, TABLE_HUGEPAGE, struct spec_hugepage),
	KEYED("rdma", rdma, TABLE_RDMA, struct spec_rdma),
	INLINE("network", TABLE_NETWORK, SET(network.set)),
	MAP("unified", unified),
};
static const struct field memory_fields[] = {
	OPT_I64("limit", memory.limit, LIMIT, UNSET_AT_ZERO),
	OPT_I64("reservation", memory.reservation, LIMIT, UNSET_AT_ZERO),
	OPT_I64("swap", memory.swap, LIMIT, UNSET_AT_ZERO),
	OPT_I64("kernel", memory.kernel, LIMIT, UNSET_AT_ZERO),
	OPT_I64("kernelTCP", memory.kernel_tcp, LIMIT, UNSET_AT_ZERO),
	OPT_U64("swappiness", memory.swappiness),
	OPT_BOOL("disableOOMKiller", memory.disable_oom_killer),
	OPT_BOOL("useHierarchy", memory.use_hierarchy),
	OPT_BOOL("checkBeforeUpdate", memory.check_before_update),
};
static const struct field cpu_fields[] = {
	OPT_U64("shares", cpu.shares, UNSET_AT_ZERO),
	OPT_I64("quota", cpu.quota_us, UNSET_AT_ZERO),
	OPT_U64("burst", cpu.burst_us),
	OPT_U64("period", cpu.period_us, UNSET_AT_ZERO),
	OPT_I64("realtimeRuntime", cpu.realtime_runtime_us, UNSET_AT_ZERO),
	OPT_U64("realtimePeriod", cpu.realtime_period_us, UNSET_AT_ZERO),
	STRING("cpus", cpu.cpus),
	STRING("mems", cpu.mems),
	OPT_I64("idle", cpu.idle, RANGE(0, 1)),
};
static const struct field pids_fields[] = {
	OPT_I64("limit", pids_limit, LIMIT),
};
static const struct field block_io_fields[] = {
	OPT_U64("weight", block_io.weight, RANGE(0, UINT16_MAX), UNSET_AT_ZERO),
	OPT_U64("leafWeight", block_io.leaf_weight, RANGE(0, UINT16_MAX), UNSET_AT_ZERO),
	LIST("weightDevice", block_io.weight_devices, TABLE_WEIGHT_DEVICE,
	     struct spec_weight_device),
	LIST("throttleReadBpsDevice", block_io.read_bps, TABLE_THROTTLE, struct spec_throttle),
	LIST("throttleWriteBpsDevice", block_io.write_bps, TABLE_THROTTLE, struct spec_throttle),
	LIST("throttleReadIOPSDevice", block_io.read_iops, TABLE_THROTTLE, struct spec_throttle),
	LIST("throttleWriteIOPSDevice", block_io.write_iops, TABLE_THROTTLE, struct spec_throttle),
};
static const struct field network_fields[] = {
	OPT_U64("classID", network.class_id, RANGE(0, UINT32_MAX)),
	LIST("priorities", network.priorities, TABLE_NET_PRIORITY, struct spec_net_priority),
};
const struct table table_resources = TABLE(resources_fields), table_memory = TABLE(memory_fields),
		   table_cpu = TABLE(cpu_fields), table_pids = TABLE(pids_fields),
		   table_block_io = TABLE(block_io_fields), table_network = TABLE(network_fields);
#undef T

#define T struct spec_device_rule
static const struct field device_rule_fields[] = {
	BOOL("allow", allow, .flags = REQUIRED),
	/* The default, where the key is absent, stands in min. */
	WORD_CHAR("type", type, WORDS_RULE_TYPE, .min = 'a'),
	OPT_I64("major", major, RANGE(-1, UINT32_MAX)),
	OPT_I64("minor", minor, RANGE(-1, UINT32_MAX)),
	{ .key = "access", .kind = FIELD_ACCESS, .offset = offsetof(T, read) },
};
const struct table table_device_rule = TABLE(device_rule_fields);
_Static_assert(offsetof(T, write) == offsetof(T, read) + 1 &&
		       offsetof(T, mknod) == offsetof(T, read) + 2,
	       "FIELD_ACCESS sets three bools in a row");
#undef T

#define T struct spec_weight_device
static const struct field weight_device_fields[] = {
	I64("major", major, NEED, NO_SIGN),
	I64("minor", minor, NEED, NO_SIGN),
	OPT_U64("weight", weight, RANGE(0, UINT16_MAX)),
	OPT_U64("leafWeight", leaf_weight, RANGE(0, UINT16_MAX)),
};
const struct table table_weight_device = TABLE(weight_device_fields);
#undef T

#define T struct spec_throttle
static const struct field throttle_fields[] = {
	I64("major", major, NEED, NO_SIGN),
	I64("minor", minor, NEED, NO_SIGN),
	U64("rate", rate, NEED),
};
const struct table table_throttle = TABLE(throttle_fields);
#undef T

#define T struct spec_hugepage
static const struct field hugepage_fields[] = {
	STRING("pageSize", page_size, NEED),
	U64("limit", limit, NEED),
};
const struct table table_hugepage = TABLE(hugepage_fields);
#undef T

#define T struct spec_rdma
static const struct field rdma_fields[] = {
	OPT_U64("hcaHandles", handles, RANGE(0, UINT32_MAX)),
	OPT_U64("hcaObjects", objects, RANGE(0, UINT32_MAX)),
};
const struct table table_rdma = TABLE(rdma_fields);
#undef T

#define T struct spec_net_priority
static const struct field net_priority_fields[] = {
	STRING("name", name, NEED),
	U32("priority", priority, NEED),
};
const struct table table_net_priority = TABLE(net_priority_fields);
#undef T
