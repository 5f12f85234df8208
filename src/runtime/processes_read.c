/* What /proc tells of one process. */
#include "runtime/processes.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

void proc_free(struct proc *p)
{
	drop_fd(&p->dir);
	free(take_ptr(p->args));
}

static int slurp(const struct proc *p, const char *name, char **ret, size_t *ret_len)
{
	struct err ignored;

	return file_read(p->dir, name, FILE_MAX, ret, ret_len, &ignored);
}

static uint64_t ticks_to_ms(uint64_t ticks)
{
	return ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Fields of /proc/PID/stat by their numbers in proc(5), from the state on. */
enum {
	STAT_STATE = 3,
	STAT_PPID = 4,
	STAT_PGID = 5,
	STAT_TTY = 7,
	STAT_USER_TIME = 14,
	STAT_SYSTEM_TIME = 15,
	STAT_NICE = 19,
	STAT_START = 22,
	STAT_VSZ = 23,
	STAT_RSS = 24,
	STAT_FIELDS,
};

/* The name in field 2 may hold anything, also ") ": its end is the last one. */
static int read_stat(struct proc *p)
{
	CLEAN(free) char *text = NULL;
	int64_t field[STAT_FIELDS] = { 0 };
	uint64_t start_ms, now_ms = boot_ms();
	char *from, *to;
	int r = slurp(p, "stat", &text, NULL);

	if (r < 0)
		return r;
	from = strchr(text, '(');
	to = strrchr(text, ')');
	if (!from || !to || to < from || strlen(to) < 3)
		return -EIO;
	*to = '\0';
	snprintf(p->comm, sizeof(p->comm), "%s", from + 1);
	p->state = to[2];
	to += 3;
	for (int i = STAT_PPID; i < STAT_FIELDS; i++)
		field[i] = strtoll(to, &to, 10);
	p->ppid = (pid_t)field[STAT_PPID];
	p->pgid = (pid_t)field[STAT_PGID];
	p->tty = (int)field[STAT_TTY];
	p->nice = (int)field[STAT_NICE];
	p->cpu_ms = ticks_to_ms((uint64_t)(field[STAT_USER_TIME] + field[STAT_SYSTEM_TIME]));
	start_ms = ticks_to_ms((uint64_t)field[STAT_START]);
	p->elapsed_ms = now_ms > start_ms ? now_ms - start_ms : 0;
	p->vsz_bytes = (uint64_t)field[STAT_VSZ];
	p->rss_bytes = (uint64_t)field[STAT_RSS] * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

/* The value of a line "KEY:\t..."; NULL: none. A line's key can't come from the process' name: the
 * kernel escapes an end of line in it. */
static const char *status_line(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0 && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

static int64_t number_of(const char *text, const char *key, int which)
{
	const char *line = status_line(text, key);
	char *end = (char *)line;
	int64_t value = 0;

	for (int i = 0; line && i <= which; i++)
		value = strtoll(end, &end, 10);
	return value;
}

static int read_status(struct proc *p)
{
	CLEAN(free) char *text = NULL;
	const char *line;
	int r = slurp(p, "status", &text, NULL);

	if (r < 0)
		return r;
	/* Real, effective, saved, of the file system. */
	p->hpid = p->pid;
	p->uid = number_of(text, "Uid", 1);
	p->gid = number_of(text, "Gid", 1);
	p->seccomp = (int)number_of(text, "Seccomp", 0);
	p->inside = p->pid;
	/* From the outermost namespace in: the last is what it calls itself. */
	line = status_line(text, "NSpid");
	for (char *end; line; line = *end == '\n' ? NULL : end)
		p->inside = (pid_t)strtol(line, &end, 10);
	return 0;
}

/* What an id of ours is called in its user namespace. */
static int64_t map_id(const struct proc *p, const char *map, uint64_t id)
{
	CLEAN(free) char *text = NULL;
	char *save = NULL;

	if (slurp(p, map, &text, NULL) < 0)
		return -1;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *end = line;
		uint64_t inside = strtoull(end, &end, 10), outside = strtoull(end, &end, 10),
			 count = strtoull(end, &end, 10);

		if (id >= outside && id - outside < count)
			return (int64_t)(inside + (id - outside));
	}
	return -1;
}

static void read_args(struct proc *p)
{
	CLEAN(free) char *text = NULL;
	size_t len = 0;

	if (slurp(p, "cmdline", &text, &len) < 0 || !len)
		return;
	while (len && !text[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		if (!text[i])
			text[i] = ' ';
	p->args = take_ptr(text);
}

int proc_read(struct proc *p)
{
	int r = read_stat(p);

	if (r == 0)
		r = read_status(p);
	if (r < 0)
		return r;
	p->uid_in = map_id(p, "uid_map", (uint64_t)p->uid);
	p->gid_in = map_id(p, "gid_map", (uint64_t)p->gid);
	read_args(p);
	return 0;
}
