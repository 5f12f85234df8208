#include "ctr/stats_row.h"

#include "base/clock.h"
#include "base/json.h"
#include "ctr/format.h"

#include <string.h>

#define NONE "-"

void stats_sample(struct container *c, struct stats_sample *ret)
{
	*ret = (struct stats_sample){ 0 };
	if (c->pidfd < 0)
		return;
	ret->at_ns = clock_now_ns();
	container_usage(c, &ret->usage);
	/* One that was asked has looked last thing; one that says nothing was looked at before. */
	if (ret->usage.source == USAGE_GUEST)
		ret->at_ns = clock_now_ns();
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
	uint64_t used = now->usage.used.cpu.usage_us, was = before->usage.used.cpu.usage_us;
	/* Two clocks of two machines have no difference. */
	bool set = before->at_ns && before->usage.source == now->usage.source &&
		   before->usage.used.cpu.set && now->usage.used.cpu.set &&
		   now->at_ns > before->at_ns && used >= was;

	put_percent(o, "CPUPerc", "CPUPercent", set,
		    set ? (double)(used - was) * 1000 * 100 / (double)(now->at_ns - before->at_ns) :
			  0);
	put_number(o, "CPUTimeMicroseconds", now->usage.used.cpu.set, used);
}

/* What the kernel can take back at once is not counted, as docker and podman have it. */
static void put_memory(struct json_object *o, const struct stats_sample *now)
{
	bool set = now->usage.used.memory.set;
	uint64_t cached = now->usage.used.memory.inactive_file_bytes,
		 all = now->usage.used.memory.current_bytes, used = all > cached ? all - cached : 0,
		 limit = now->usage.memory_bound_bytes;
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
	put_number(o, "MemPeakBytes", set && now->usage.used.memory.peak_bytes,
		   now->usage.used.memory.peak_bytes);
	put_number(o, "SwapUsageBytes", set, now->usage.used.memory.swap_bytes);
	put_number(o, "OOMKills", set, now->usage.used.memory.oom_kills);
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

static const char *source_name(enum usage_source source)
{
	static const char *const names[] = { [USAGE_NONE] = NONE,
					     [USAGE_CONTAINER] = "container",
					     [USAGE_GUEST] = "guest",
					     [USAGE_LAUNCHER] = "launcher" };

	return names[source];
}

static void put_transfers(struct json_object *o, const struct stats_sample *now)
{
	put_pair(o, "NetIO", now->usage.has_net, now->usage.rx_bytes, now->usage.tx_bytes);
	put_number(o, "NetInputBytes", now->usage.has_net, now->usage.rx_bytes);
	put_number(o, "NetOutputBytes", now->usage.has_net, now->usage.tx_bytes);
	put_pair(o, "BlockIO", now->usage.used.io.set, now->usage.used.io.read_bytes,
		 now->usage.used.io.write_bytes);
	put_number(o, "BlockInputBytes", now->usage.used.io.set, now->usage.used.io.read_bytes);
	put_number(o, "BlockOutputBytes", now->usage.used.io.set, now->usage.used.io.write_bytes);
}

static void put_pids(struct json_object *o, const struct stats_sample *now)
{
	CLEAN(str) struct str text = { 0 };

	str_printf(&text, "%llu", (unsigned long long)now->usage.used.pids.current);
	json_put_string(o, "PIDs", now->usage.used.pids.set ? text.text : NONE);
	put_number(o, "PidsCurrent", now->usage.used.pids.set, now->usage.used.pids.current);
	put_number(o, "PidsLimit", now->usage.used.pids.set, now->usage.used.pids.max);
}

static void put_pressure(struct json_object *o, const struct stats_sample *now)
{
	const struct {
		const char *key;
		const struct cgroup_pressure *p;
	} rows[] = { { "CPU", &now->usage.used.cpu_pressure },
		     { "Memory", &now->usage.used.memory_pressure },
		     { "IO", &now->usage.used.io_pressure } };
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
	json_put_string(o, "Source", source_name(now->usage.source));
	put_cpu(o, before, now);
	put_memory(o, now);
	put_transfers(o, now);
	put_pids(o, now);
	put_pressure(o, now);
	return o;
}
