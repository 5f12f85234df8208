/* update */
#include "oci/oci.h"

#include "base/file.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RESOURCES_MAX (1u << 20)
#define TO(field) OPT_TO(struct oci_update_flags, field)
#define BYTES(name_, help_, field)                                             \
	{                                                                      \
		name_, "BYTES", help_, .kind = OPT_BYTES, .min = -1, TO(field) \
	}
#define NUMBER(name_, help_, min_, field)                                                      \
	{                                                                                      \
		name_, "N", help_, .kind = OPT_INT, .min = (min_), .max = INT64_MAX, TO(field) \
	}

const struct opt_row oci_update_rows[] = {
	{ "resources", "FILE", "The resources object, as in config.json; - for standard input",
	  "@file", .kind = OPT_STRING, .letter = 'r', TO(resources) },
	BYTES("memory", "Memory; -1: no limit", memory),
	BYTES("memory-reservation", "Memory that is protected when there is little", reservation),
	BYTES("memory-swap", "Memory and swap together; -1: no limit", swap),
	BYTES("kernel-memory", "Taken and ignored: cgroup v2 counts it as memory", kernel),
	BYTES("kernel-memory-tcp", "Taken and ignored: cgroup v2 counts it as memory", kernel_tcp),
	NUMBER("pids-limit", "Processes and threads; -1: no limit", -1, pids),
	NUMBER("cpu-share", "Part of the processors beside others, 2 to 262144", 0, shares),
	NUMBER("cpu-quota", "Microseconds of each period; -1: no limit", -1, quota),
	NUMBER("cpu-period", "Microseconds", 0, period),
	NUMBER("cpu-burst", "Microseconds above the quota that may be saved up", 0, burst),
	NUMBER("cpu-idle", "1: only what nobody else wants", 0, idle),
	NUMBER("cpu-rt-period", "Refused: cgroup v2 has no realtime limits", 0, realtime_period),
	NUMBER("cpu-rt-runtime", "Refused: cgroup v2 has no realtime limits", 0, realtime_runtime),
	{ "cpuset-cpus", "LIST", "Processors it may use: 0-3,5", .kind = OPT_STRING, TO(cpus) },
	{ "cpuset-mems", "LIST", "Memory nodes it may use", .kind = OPT_STRING, TO(mems) },
	NUMBER("blkio-weight", "Part of the disks beside others, 10 to 1000", 0, weight),
	{ "l3-cache-schema", "TEXT", "Refused: there is no intelRdt in this version",
	  .kind = OPT_STRING, TO(l3_cache_schema) },
	{ "mem-bw-schema", "TEXT", "Refused: there is no intelRdt in this version",
	  .kind = OPT_STRING, TO(mem_bw_schema) },
	{ 0 },
};

static void put_u64(struct opt_u64 *to, const struct opt_i64 *from)
{
	if (from->set)
		*to = (struct opt_u64){ true, (uint64_t)from->value };
}

static void put_i64(struct opt_i64 *to, const struct opt_i64 *from)
{
	if (from->set)
		*to = *from;
}

static void put_text(char **to, const char *from)
{
	if (!from)
		return;
	free(*to);
	*to = xstrdup(from);
}

/* A flag wins over what stands in the file. */
static void from_flags(const struct oci_update_flags *f, struct spec_resources *res)
{
	put_i64(&res->memory.limit, &f->memory);
	put_i64(&res->memory.reservation, &f->reservation);
	put_i64(&res->memory.swap, &f->swap);
	put_i64(&res->memory.kernel, &f->kernel);
	put_i64(&res->memory.kernel_tcp, &f->kernel_tcp);
	put_i64(&res->pids_limit, &f->pids);
	put_u64(&res->cpu.shares, &f->shares);
	put_i64(&res->cpu.quota_us, &f->quota);
	put_u64(&res->cpu.period_us, &f->period);
	put_u64(&res->cpu.burst_us, &f->burst);
	put_i64(&res->cpu.idle, &f->idle);
	put_u64(&res->cpu.realtime_period_us, &f->realtime_period);
	put_i64(&res->cpu.realtime_runtime_us, &f->realtime_runtime);
	put_text(&res->cpu.cpus, f->cpus);
	put_text(&res->cpu.mems, f->mems);
	put_u64(&res->block_io.weight, &f->weight);
}

static int read_resources(const char *path, struct spec_resources *res, struct strv *warnings,
			  struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len = 0;
	int r;

	if (!path)
		return 0;
	if (!str_eq(path, "-"))
		return spec_load_resources(AT_FDCWD, path, res, warnings, err);
	/* By its fd: standard input may be a socket, which has no name to open. */
	r = file_read_fd(STDIN_FILENO, "standard input", RESOURCES_MAX, &text, &len, err);
	return r < 0 ? r : spec_parse_resources(text, len, "standard input", res, warnings, err);
}

int oci_verb_update(struct call *call)
{
	const struct oci_update_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	CLEAN(spec_resources) struct spec_resources res = { 0 };
	struct err err = { 0 };
	int r = oci_open(call, &c, &err);

	if (r == 0 && (f->l3_cache_schema || f->mem_bw_schema))
		r = err_set(&err, ENOTSUP,
			    "--l3-cache-schema, --mem-bw-schema: there is no intelRdt in this "
			    "version");
	if (r == 0)
		r = read_resources(f->resources, &res, &call->warnings, &err);
	if (r == 0) {
		from_flags(f, &res);
		r = container_update(&c, &res, false, &call->warnings, &err);
	}
	return oci_end(call, r, &err);
}
