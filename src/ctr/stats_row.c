#include "ctr/stats_row.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "ctr/format.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1u << 20)
#define NONE "-"

/* ---- reading ----------------------------------------------------------------------- */

/* Nothing in its own namespace is nothing of the container's. */
static bool shares_our_net(pid_t pid)
{
	char path[48];
	struct stat ours, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat("/proc/self/ns/net", &ours) < 0 || stat(path, &its) < 0 ||
	       (ours.st_ino == its.st_ino && ours.st_dev == its.st_dev);
}

/*
 * Lines "  eth0: RX-BYTES PACKETS ERRS DROP FIFO FRAME COMPRESSED MULTICAST TX-BYTES ..." behind two of
 * headings. The kernel allows no colon in a name.
 */
static void add_interfaces(char *text, struct stats_sample *s)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':'), *end;

		line += strspn(line, " ");
		if (!colon || str_starts(line, "lo:"))
			continue;
		s->rx_bytes += strtoull(colon + 1, &end, 10);
		for (int i = 0; i < 7; i++)
			(void)strtoull(end, &end, 10);
		s->tx_bytes += strtoull(end, &end, 10);
	}
}

/* The number is its init's for as long as that, which we hold, hasn't ended: looked at afterwards. */
static void read_net(const struct container *c, struct stats_sample *s)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)c->state.pid);
	if (c->pidfd < 0 || shares_our_net(c->state.pid) ||
	    file_read(AT_FDCWD, path, FILE_MAX, &text, NULL, &ignored) < 0 ||
	    process_ended(c->pidfd, 0))
		return;
	s->has_net = true;
	add_interfaces(text, s);
}

void stats_sample(struct container *c, struct stats_sample *ret)
{
	struct err ignored;
	int fd;

	*ret = (struct stats_sample){ 0 };
	if (c->pidfd < 0)
		return;
	ret->at_ns = clock_now_ns();
	read_net(c, ret);
	fd = container_cgroup(c, &ignored);
	if (fd < 0)
		return;
	if (cgroup_stats_read(fd, &ret->used, &ignored) < 0)
		ret->used = (struct cgroup_stats){ 0 };
	ret->has_bound = cgroup_memory_bound(fd, &ret->memory_bound_bytes) == 0;
}

/* Where no group has a limit the machine is one. */
static uint64_t machine_bytes(void)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;

	if (file_read(AT_FDCWD, "/proc/meminfo", FILE_MAX, &text, NULL, &ignored) < 0 ||
	    !str_starts(text, "MemTotal:"))
		return CGROUP_UNLIMITED;
	return strtoull(text + strlen("MemTotal:"), NULL, 10) * 1024;
}

/* ---- showing ----------------------------------------------------------------------- */

static void put_number(struct json_object *o, const char *key, bool set, uint64_t value)
{
	/* What has no limit has no number either. */
	json_object_object_add(o, key,
			       set && value != CGROUP_UNLIMITED ? json_object_new_uint64(value) :
								  NULL);
}

/* Two decimals are what there is; a double would print more. */
static struct json_object *percent_json(double percent)
{
	char text[32];

	snprintf(text, sizeof(text), "%.2f", percent);
	return json_object_new_double_s(percent, text);
}

static void put_percent(struct json_object *o, const char *text_key, const char *key, bool set,
			double percent)
{
	CLEAN(str) struct str text = { 0 };

	if (set)
		str_printf(&text, "%.2f%%", percent);
	json_put_string(o, text_key, set ? text.text : NONE);
	json_object_object_add(o, key, set ? percent_json(percent) : NULL);
}

static void put_cpu(struct json_object *o, const struct stats_sample *before,
		    const struct stats_sample *now)
{
	uint64_t used = now->used.cpu.usage_us, was = before->used.cpu.usage_us;
	bool set = before->at_ns && before->used.cpu.set && now->used.cpu.set &&
		   now->at_ns > before->at_ns && used >= was;

	put_percent(o, "CPUPerc", "CPUPercent", set,
		    set ? (double)(used - was) * 1000 * 100 / (double)(now->at_ns - before->at_ns) :
			  0);
	put_number(o, "CPUTimeMicroseconds", now->used.cpu.set, used);
}

/* What the kernel can take back at once is not counted, as docker and podman have it. */
static void put_memory(struct json_object *o, const struct stats_sample *now)
{
	bool set = now->used.memory.set;
	uint64_t cached = now->used.memory.inactive_file_bytes,
		 all = now->used.memory.current_bytes, used = all > cached ? all - cached : 0,
		 limit = !set || (now->has_bound && now->memory_bound_bytes != CGROUP_UNLIMITED) ?
				 now->memory_bound_bytes :
				 machine_bytes();
	CLEAN(str) struct str text = { 0 };

	if (set) {
		format_bytes(used, true, &text);
		str_add(&text, " / ");
		format_bytes(limit, true, &text);
	}
	json_put_string(o, "MemUsage", set ? text.text : NONE);
	put_percent(o, "MemPerc", "MemPercent", set && limit,
		    limit ? 100.0 * (double)used / (double)limit : 0);
	put_number(o, "MemUsageBytes", set, used);
	put_number(o, "MemLimitBytes", set, limit);
	put_number(o, "MemPeakBytes", set && now->used.memory.peak_bytes,
		   now->used.memory.peak_bytes);
	put_number(o, "SwapUsageBytes", set, now->used.memory.swap_bytes);
	put_number(o, "OOMKills", set, now->used.memory.oom_kills);
}

/* "1.2kB / 3.4MB" */
static void put_pair(struct json_object *o, const char *key, bool set, uint64_t first,
		     uint64_t second)
{
	CLEAN(str) struct str text = { 0 };

	if (set) {
		format_bytes(first, false, &text);
		str_add(&text, " / ");
		format_bytes(second, false, &text);
	}
	json_put_string(o, key, set ? text.text : NONE);
}

static void put_transfers(struct json_object *o, const struct stats_sample *now)
{
	put_pair(o, "NetIO", now->has_net, now->rx_bytes, now->tx_bytes);
	put_number(o, "NetInputBytes", now->has_net, now->rx_bytes);
	put_number(o, "NetOutputBytes", now->has_net, now->tx_bytes);
	put_pair(o, "BlockIO", now->used.io.set, now->used.io.read_bytes, now->used.io.write_bytes);
	put_number(o, "BlockInputBytes", now->used.io.set, now->used.io.read_bytes);
	put_number(o, "BlockOutputBytes", now->used.io.set, now->used.io.write_bytes);
}

static void put_pids(struct json_object *o, const struct stats_sample *now)
{
	CLEAN(str) struct str text = { 0 };

	str_printf(&text, "%llu", (unsigned long long)now->used.pids.current);
	json_put_string(o, "PIDs", now->used.pids.set ? text.text : NONE);
	put_number(o, "PidsCurrent", now->used.pids.set, now->used.pids.current);
	put_number(o, "PidsLimit", now->used.pids.set, now->used.pids.max);
}

static void put_pressure(struct json_object *o, const struct stats_sample *now)
{
	const struct {
		const char *key;
		const struct cgroup_pressure *p;
	} rows[] = { { "CPU", &now->used.cpu_pressure },
		     { "Memory", &now->used.memory_pressure },
		     { "IO", &now->used.io_pressure } };
	struct json_object *all = json_object_new_object();
	CLEAN(str) struct str text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cgroup_pressure *p = rows[i].p;
		struct json_object *one = NULL;

		str_add(&text, i ? " / " : "");
		if (p->set) {
			one = json_object_new_object();
			json_object_object_add(one, "Some10", percent_json(p->some_avg10 / 100.0));
			json_object_object_add(one, "Full10", percent_json(p->full_avg10 / 100.0));
			json_put_u64(one, "SomeMicroseconds", p->some_total_us);
			json_put_u64(one, "FullMicroseconds", p->full_total_us);
			str_printf(&text, "%.2f", p->some_avg10 / 100.0);
		} else {
			str_add(&text, NONE);
		}
		json_object_object_add(all, rows[i].key, one);
	}
	json_put_string(o, "PSI", text.text);
	json_object_object_add(o, "Pressure", all);
}

struct json_object *stats_row(const struct container *c, const struct stats_sample *before,
			      const struct stats_sample *now, bool whole_id)
{
	struct json_object *o = json_object_new_object();
	const char *id = c->state.id ? c->state.id : c->state.name;
	CLEAN(free) char *shown = xstrndup(id, whole_id || !c->state.id ? strlen(id) : 12);

	json_put_string(o, "ID", shown);
	json_put_string(o, "Container", shown);
	json_put_string(o, "Name", c->state.name);
	json_put_string(o, "State", status_name(c->state.status));
	put_cpu(o, before, now);
	put_memory(o, now);
	put_transfers(o, now);
	put_pids(o, now);
	put_pressure(o, now);
	return o;
}
