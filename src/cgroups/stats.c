/* What a group uses, from its control files: one table of lines and where they go. */
#include "cgroups/stats.h"

#include "cgroups/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#define FILE_MAX 16384

#define TO(member) offsetof(struct cgroup_stats, member)

/* A file that is one number, or "max". */
static const struct {
	const char *file;
	size_t to;
	size_t set; /* which part is there when the file is */
} numbers[] = {
	{ "memory.current", TO(memory.current_bytes), TO(memory.set) },
	{ "memory.peak", TO(memory.peak_bytes), TO(memory.set) },
	{ "memory.max", TO(memory.max_bytes), TO(memory.set) },
	{ "memory.swap.current", TO(memory.swap_bytes), TO(memory.set) },
	{ "memory.swap.max", TO(memory.swap_max_bytes), TO(memory.set) },
	{ "pids.current", TO(pids.current), TO(pids.set) },
	{ "pids.max", TO(pids.max), TO(pids.set) },
};

/* A line "NAME NUMBER" of a longer file. Lines of one file stand together. */
static const struct {
	const char *file, *name;
	size_t to, set;
} lines[] = {
	{ "cpu.stat", "usage_usec", TO(cpu.usage_us), TO(cpu.set) },
	{ "cpu.stat", "user_usec", TO(cpu.user_us), TO(cpu.set) },
	{ "cpu.stat", "system_usec", TO(cpu.system_us), TO(cpu.set) },
	{ "cpu.stat", "nr_periods", TO(cpu.periods), TO(cpu.set) },
	{ "cpu.stat", "nr_throttled", TO(cpu.throttled_periods), TO(cpu.set) },
	{ "cpu.stat", "throttled_usec", TO(cpu.throttled_us), TO(cpu.set) },
	{ "memory.stat", "anon", TO(memory.anon_bytes), TO(memory.set) },
	{ "memory.stat", "file", TO(memory.file_bytes), TO(memory.set) },
	{ "memory.stat", "kernel", TO(memory.kernel_bytes), TO(memory.set) },
	{ "memory.stat", "inactive_file", TO(memory.inactive_file_bytes), TO(memory.set) },
	{ "memory.events", "oom_kill", TO(memory.oom_kills), TO(memory.set) },
	{ "memory.events", "max", TO(memory.max_events), TO(memory.set) },
};

/* A word "NAME=NUMBER" in io.stat, summed over the lines of all devices. */
static const struct {
	const char *name;
	size_t to;
} io_words[] = {
	{ "rbytes=", TO(io.read_bytes) },
	{ "wbytes=", TO(io.write_bytes) },
	{ "rios=", TO(io.read_ops) },
	{ "wios=", TO(io.write_ops) },
};

static const struct {
	const char *file;
	size_t to;
} pressures[] = {
	{ "cpu.pressure", TO(cpu_pressure) },
	{ "memory.pressure", TO(memory_pressure) },
	{ "io.pressure", TO(io_pressure) },
};

static uint64_t *number_at(struct cgroup_stats *s, size_t at)
{
	return (uint64_t *)((char *)s + at);
}

static bool *flag_at(struct cgroup_stats *s, size_t at)
{
	return (bool *)((char *)s + at);
}

/* False for a file that isn't there; a group that is going away has none left either. */
static int read_text(int fd, const char *file, char *text, bool *ret_there, struct err *err)
{
	int r = cgroup_read(fd, file, text, FILE_MAX);

	*ret_there = r >= 0;
	if (r >= 0 || r == -ENOENT || r == -ENODEV || r == -EOPNOTSUPP)
		return 0;
	return err_set(err, -r, "read %s: %s", file, strerror(-r));
}

static int read_numbers(int fd, char *text, struct cgroup_stats *s, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers); i++) {
		bool there;
		int r = read_text(fd, numbers[i].file, text, &there, err);

		if (r < 0)
			return r;
		if (!there)
			continue;
		*flag_at(s, numbers[i].set) = true;
		*number_at(s, numbers[i].to) = str_eq(text, "max") ? CGROUP_UNLIMITED :
								     strtoull(text, NULL, 10);
	}
	return 0;
}

static int read_lines(int fd, char *text, struct cgroup_stats *s, struct err *err)
{
	const char *file = NULL;
	bool there = false;
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++) {
		if (!str_eq(file, lines[i].file)) {
			int r = read_text(fd, lines[i].file, text, &there, err);

			if (r < 0)
				return r;
			file = lines[i].file;
		}
		if (!there)
			continue;
		*flag_at(s, lines[i].set) = true;
		(void)cgroup_line(text, lines[i].name, number_at(s, lines[i].to));
	}
	return 0;
}

static int read_io(int fd, char *text, struct cgroup_stats *s, struct err *err)
{
	char *word, *save = NULL;
	int r = read_text(fd, "io.stat", text, &s->io.set, err);
	size_t i;

	if (r < 0 || !s->io.set)
		return r;
	for (word = strtok_r(text, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		for (i = 0; i < ARRAY_LEN(io_words); i++)
			if (str_starts(word, io_words[i].name))
				*number_at(s, io_words[i].to) +=
					strtoull(word + strlen(io_words[i].name), NULL, 10);
	return 0;
}

/* "some avg10=1.25 avg60=0.00 avg300=0.00 total=42"; full has no line for cpu before 5.13. */
static void parse_pressure(const char *text, const char *which, uint32_t *avg10, uint64_t *total)
{
	const char *line = strstr(text, which), *at;
	char *end;

	if (!line)
		return;
	at = strstr(line, "avg10=");
	if (at) {
		*avg10 = (uint32_t)strtoul(at + 6, &end, 10) * 100;
		if (*end == '.')
			*avg10 += (uint32_t)strtoul(end + 1, NULL, 10);
	}
	at = strstr(line, "total=");
	if (at)
		*total = strtoull(at + 6, NULL, 10);
}

static int read_pressures(int fd, char *text, struct cgroup_stats *s, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(pressures); i++) {
		struct cgroup_pressure *p = (void *)((char *)s + pressures[i].to);
		int r = read_text(fd, pressures[i].file, text, &p->set, err);

		if (r < 0)
			return r;
		if (!p->set)
			continue;
		parse_pressure(text, "some ", &p->some_avg10, &p->some_total_us);
		parse_pressure(text, "full ", &p->full_avg10, &p->full_total_us);
	}
	return 0;
}

int cgroup_stats_read(int fd, struct cgroup_stats *ret, struct err *err)
{
	CLEAN(free) char *text = xcalloc(1, FILE_MAX);
	int r;

	*ret = (struct cgroup_stats){ 0 };
	r = read_numbers(fd, text, ret, err);
	if (r == 0)
		r = read_lines(fd, text, ret, err);
	if (r == 0)
		r = read_io(fd, text, ret, err);
	if (r == 0)
		r = read_pressures(fd, text, ret, err);
	return r;
}

int cgroup_memory_bound(int fd, uint64_t *ret)
{
	CLEAN(fd) int group = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool found = false;
	char text[64];

	*ret = CGROUP_UNLIMITED;
	/* The topmost has none, nor has the folder that it is mounted in. */
	while (group >= 0 && cgroup_read(group, "memory.max", text, sizeof(text)) >= 0) {
		uint64_t limit = str_eq(text, "max") ? CGROUP_UNLIMITED : strtoull(text, NULL, 10);
		int above = openat(group, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (limit < *ret)
			*ret = limit;
		found = true;
		close(group);
		group = above;
	}
	return found ? 0 : -ENOENT;
}
