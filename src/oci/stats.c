/* The `data` of runc's stats event, from cgroup v2's files. Times are in nanoseconds there. */
#include "oci/stats.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "cgroups/host.h"
#include "cgroups/stats.h"
#include "runtime/vm_ask.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX 16384
#define NS_PER_US 1000

static struct json_object *object(struct json_object *in, const char *key)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(in, key, o);
	return o;
}

static void put_cpu(struct json_object *data, const struct cgroup_stats *s)
{
	struct json_object *cpu = object(data, "cpu"), *usage = object(cpu, "usage"),
			   *throttling = object(cpu, "throttling");

	json_put_u64(usage, "total", s->cpu.usage_us * NS_PER_US);
	json_put_u64(usage, "kernel", s->cpu.system_us * NS_PER_US);
	json_put_u64(usage, "user", s->cpu.user_us * NS_PER_US);
	json_put_u64(throttling, "periods", s->cpu.periods);
	json_put_u64(throttling, "throttledPeriods", s->cpu.throttled_periods);
	json_put_u64(throttling, "throttledTime", s->cpu.throttled_us * NS_PER_US);
}

/* memory.stat as it is: who wants to know more finds it there. */
static void put_raw(struct json_object *raw, int group)
{
	CLEAN(free) char *text = xcalloc(1, FILE_MAX);
	char *save = NULL;

	if (cgroup_read(group, "memory.stat", text, FILE_MAX) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		json_put_u64(raw, line, strtoull(value, NULL, 10));
	}
}

/* Of a guest's no more comes than this. */
static void put_known(struct json_object *raw, const struct cgroup_stats *s)
{
	json_put_u64(raw, "anon", s->memory.anon_bytes);
	json_put_u64(raw, "file", s->memory.file_bytes);
	json_put_u64(raw, "kernel", s->memory.kernel_bytes);
	json_put_u64(raw, "inactive_file", s->memory.inactive_file_bytes);
}

static void put_memory(struct json_object *data, const struct cgroup_stats *s)
{
	struct json_object *memory = object(data, "memory"), *usage = object(memory, "usage"),
			   *swap = object(memory, "swap");
	uint64_t limit = s->memory.max_bytes, swap_limit = s->memory.swap_max_bytes;

	json_put_u64(memory, "cache", s->memory.file_bytes);
	json_put_u64(usage, "usage", s->memory.current_bytes);
	json_put_u64(usage, "max", s->memory.peak_bytes);
	json_put_u64(usage, "limit", limit);
	json_put_u64(usage, "failcnt", s->memory.max_events);
	/* The standard's swap is memory and swap together. */
	json_put_u64(swap, "usage", s->memory.current_bytes + s->memory.swap_bytes);
	json_put_u64(swap, "limit",
		     limit == CGROUP_UNLIMITED || swap_limit == CGROUP_UNLIMITED ?
			     CGROUP_UNLIMITED :
			     limit + swap_limit);
}

static void put_pids(struct json_object *data, const struct cgroup_stats *s)
{
	struct json_object *pids = object(data, "pids");

	json_put_u64(pids, "current", s->pids.current);
	/* 0 is no limit there. */
	json_put_u64(pids, "limit", s->pids.max == CGROUP_UNLIMITED ? 0 : s->pids.max);
}

/* ---- io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" ------------------ */

static const struct {
	const char *word, *op;
	bool bytes;
} io_words[] = {
	{ "rbytes=", "Read", true }, { "wbytes=", "Write", true },   { "rios=", "Read", false },
	{ "wios=", "Write", false }, { "dbytes=", "Discard", true }, { "dios=", "Discard", false },
};

static void put_io_word(struct json_object *bytes, struct json_object *ops, const char *word,
			unsigned long major, unsigned long minor)
{
	for (size_t i = 0; i < ARRAY_LEN(io_words); i++) {
		struct json_object *o;

		if (!str_starts(word, io_words[i].word))
			continue;
		o = json_object_new_object();
		json_put_u64(o, "major", major);
		json_put_u64(o, "minor", minor);
		json_put_string(o, "op", io_words[i].op);
		json_put_u64(o, "value", strtoull(strchr(word, '=') + 1, NULL, 10));
		json_object_array_add(io_words[i].bytes ? bytes : ops, o);
	}
}

static void put_io(struct json_object *data, int group)
{
	CLEAN(free) char *text = xcalloc(1, FILE_MAX);
	struct json_object *blkio = object(data, "blkio"), *bytes = json_object_new_array(),
			   *ops = json_object_new_array();
	char *lines = NULL;

	json_object_object_add(blkio, "ioServiceBytesRecursive", bytes);
	json_object_object_add(blkio, "ioServicedRecursive", ops);
	if (cgroup_read(group, "io.stat", text, FILE_MAX) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
		char *end, *words = NULL;
		unsigned long major = strtoul(line, &end, 10), minor;

		if (*end != ':')
			continue;
		minor = strtoul(end + 1, &end, 10);
		for (char *w = strtok_r(end, " ", &words); w; w = strtok_r(NULL, " ", &words))
			put_io_word(bytes, ops, w, major, minor);
	}
}

/* hugetlb.2MB.current and its like: one object for each size that the kernel has. */
static void put_hugetlb(struct json_object *data, int group)
{
	CLEAN(fd) int fd = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN(dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct json_object *all = object(data, "hugetlb");
	struct dirent *entry;
	char text[64];

	if (!dir)
		return;
	take_fd(&fd);
	while ((entry = readdir(dir))) {
		CLEAN(free) char *size = NULL;
		struct json_object *o;

		if (!str_starts(entry->d_name, "hugetlb.") ||
		    !str_ends(entry->d_name, ".current") || strstr(entry->d_name, ".rsvd.") ||
		    cgroup_read(group, entry->d_name, text, sizeof(text)) < 0)
			continue;
		size = xstrndup(entry->d_name + 8, strcspn(entry->d_name + 8, "."));
		o = object(all, size);
		json_put_u64(o, "usage", strtoull(text, NULL, 10));
		json_put_u64(o, "failcnt", 0);
	}
}

static void put_pressure(struct json_object *in, const struct cgroup_pressure *p)
{
	const struct {
		const char *key;
		uint32_t avg10;
		uint64_t total;
	} rows[] = { { "some", p->some_avg10, p->some_total_us },
		     { "full", p->full_avg10, p->full_total_us } };
	struct json_object *psi;

	if (!p->set)
		return;
	psi = object(in, "psi");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_object *o = object(psi, rows[i].key);

		json_object_object_add(o, "avg10", json_object_new_double(rows[i].avg10 / 100.0));
		json_put_u64(o, "total", rows[i].total);
	}
}

/* What it may use is all the memory that the machine has. Disks stay the launcher's. */
static bool ask_guest(struct container *c, struct cgroup_stats *s)
{
	struct usage guest;
	struct err ignored;

	if (!c->state.vm || vm_usage(c, &guest, &ignored) < 0)
		return false;
	*s = guest.used;
	s->memory.max_bytes = guest.memory_bound_bytes;
	return true;
}

int oci_stats_json(struct container *c, int group, struct json_object **ret, struct err *err)
{
	struct json_object *data, *raw;
	struct cgroup_stats s;
	bool of_guest;
	int r = cgroup_stats_read(group, &s, err);

	if (r < 0)
		return r;
	of_guest = ask_guest(c, &s);
	data = json_object_new_object();
	put_cpu(data, &s);
	put_pressure(json_object_object_get(data, "cpu"), &s.cpu_pressure);
	put_memory(data, &s);
	raw = object(json_object_object_get(data, "memory"), "raw");
	if (of_guest)
		put_known(raw, &s);
	else
		put_raw(raw, group);
	put_pressure(json_object_object_get(data, "memory"), &s.memory_pressure);
	put_pids(data, &s);
	put_io(data, group);
	put_pressure(json_object_object_get(data, "blkio"), &s.io_pressure);
	put_hugetlb(data, group);
	*ret = data;
	return 0;
}
