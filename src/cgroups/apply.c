/* The limits of a group, written. */
#include "cgroups/leaf.h"

#include "base/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* What the kernel means by a refusal, where its errno alone doesn't tell. `file` may end in '*'. */
static const struct {
	const char *file;
	int code;
	const char *words;
} rules[] = {
	{ "cpu.weight", EINVAL, "the group is idle (cpu.idle is 1) and so has no weight" },
	{ "cpu.max", EINVAL,
	  "the quota is below the burst (cpu.max.burst), or below 1000, or the period is not "
	  "1000 to 1000000 microseconds" },
	{ "cpu.max.burst", EINVAL, "a burst can't be more than the quota (cpu.max)" },
	{ "cpuset.cpus", EINVAL,
	  "the list names no processor, or one that this kernel can't have" },
	{ "cpuset.cpus", ERANGE, "the list names a processor that this kernel can't have" },
	{ "cpuset.mems", EINVAL, "the list names a memory node that this host doesn't have" },
	{ "cpuset.mems", ERANGE, "the list names a memory node that this kernel can't have" },
	{ "cpuset.*", EBUSY,
	  "another group has these exclusively, or processes would be left without" },
	{ "io.max", ENODEV,
	  "there is no such disk; a partition can't be limited, only its whole disk" },
	{ "io.max", ERANGE, "a rate has to be positive" },
	{ "io.*weight", ENODEV,
	  "there is no such disk; a partition has no weight, only its whole disk" },
	{ "io.*weight", EOPNOTSUPP,
	  "the disk's I/O scheduler doesn't know weights; see io.cost.qos, or "
	  "use the scheduler bfq" },
	{ "hugetlb.*", EINVAL, "the size has to be a number of bytes" },
	{ "rdma.max", ENODEV, "there is no such RDMA device" },
	{ "memory.*", EINVAL, "it takes a number of bytes or \"max\"" },
	{ "pids.max", EINVAL, "it takes a positive number or \"max\"" },
};

/* One star stands for anything. */
static bool file_matches(const char *pattern, const char *file)
{
	const char *star = strchr(pattern, '*');

	if (!star)
		return str_eq(pattern, file);
	return strncmp(pattern, file, (size_t)(star - pattern)) == 0 && str_ends(file, star + 1);
}

static const char *rule_of(const char *file, int code)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].code == code && file_matches(rules[i].file, file))
			return rules[i].words;
	return NULL;
}

static int fail_write(const struct cgroup_setting *s, const char *value, int code, struct err *err)
{
	const char *rule = rule_of(s->file, code);

	if (code == ENOENT)
		return err_set(
			err, ENOTSUP,
			"linux.resources.%s: this kernel has no %s%s%s in this group; leave the "
			"limit out",
			s->key, s->file, s->alt_file ? " and no " : "",
			s->alt_file ? s->alt_file : "");
	return err_set(err, code, "linux.resources.%s: the kernel refuses \"%s\" for %s: %s%s%s",
		       s->key, value, s->file, strerror(code), rule ? ": " : "", rule ? rule : "");
}

/*
 * A partition that can't be is not refused by the write: reading it back says why, "root invalid
 * (Parent is not a partition root)".
 */
static int check_partition(int fd, const struct cgroup_setting *s, struct err *err)
{
	char now[256];
	char *reason;

	if (!str_eq(s->file, "cpuset.cpus.partition") ||
	    cgroup_read(fd, s->file, now, sizeof(now)) < 0)
		return 0;
	reason = strstr(now, " invalid");
	if (!reason)
		return 0;
	return err_set(err, EINVAL,
		       "linux.resources.%s: the kernel can't make a partition \"%s\" here:%s",
		       s->key, s->value, reason);
}

/* cpu.max for a new period: "50000 100000" and "max 20000" give "50000 20000". */
static char *keep_first(int fd, const struct cgroup_setting *s)
{
	char now[128];
	const char *rest = strchr(s->value, ' ');

	if (!rest || cgroup_read(fd, s->file, now, sizeof(now)) < 0)
		return xstrdup(s->value);
	now[strcspn(now, " ")] = '\0';
	return xasprintf("%s%s", now, rest);
}

void cgroup_settle(int fd, struct cgroup_settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		struct cgroup_setting *s = &settings->items[i];
		char *kept = s->keeps_first ? keep_first(fd, s) : NULL;

		if (!kept)
			continue;
		free(s->value);
		s->value = kept;
		s->keeps_first = false;
	}
}

static int apply_one(int fd, const struct cgroup_setting *s, bool update, struct err *err)
{
	CLEAN(free) char *kept = s->keeps_first && update ? keep_first(fd, s) : NULL;
	const char *value = kept ? kept : s->value;
	/* Nothing is no write; an empty line is how a list is cleared. */
	int r = file_poke(fd, s->file, *value ? value : "\n"), alt = -ENOENT;

	if (s->alt_file)
		alt = file_poke(fd, s->alt_file, s->alt_value);
	if (alt < 0 && alt != -ENOENT)
		return fail_write(s, s->alt_value, -alt, err);
	if (r == -ENOENT && (alt == 0 || s->defaulted))
		return 0;
	if (r < 0)
		return fail_write(s, value, -r, err);
	return check_partition(fd, s, err);
}

/* A number in a file, CGROUP_UNLIMITED's meaning for "max"; false when it can't be read. */
static bool read_number(int fd, const char *file, uint64_t *ret)
{
	char now[64];

	if (cgroup_read(fd, file, now, sizeof(now)) < 0)
		return false;
	if (str_eq(now, "max")) {
		*ret = UINT64_MAX;
		return true;
	}
	return str_to_u64(now, 0, UINT64_MAX, ret) == 0;
}

/* memory.checkBeforeUpdate: the kernel would reclaim, and then kill, until the new limit holds. */
static int check_usage(int fd, const struct cgroup_setting *s, struct err *err)
{
	uint64_t wanted, used;

	if (!str_eq(s->file, "memory.max") || str_to_u64(s->value, 0, UINT64_MAX, &wanted) < 0 ||
	    !read_number(fd, "memory.current", &used) || used <= wanted)
		return 0;
	return err_set(err, EBUSY,
		       "linux.resources.%s: %s is less than the %" PRIu64
		       " bytes in use (memory.current); memory.checkBeforeUpdate refuses that",
		       s->key, s->value, used);
}

/* Less memory comes after swap, whose limit may be rising: what is pushed out needs a place. */
static bool goes_later(int fd, const struct cgroup_setting *s)
{
	uint64_t wanted, now;

	return str_eq(s->file, "memory.max") && str_to_u64(s->value, 0, UINT64_MAX, &wanted) == 0 &&
	       read_number(fd, s->file, &now) && wanted < now;
}

/* A group that lets nobody in can't be born into: that limit comes when its process is there. */
static bool closes(const struct cgroup_setting *s)
{
	return str_eq(s->file, "pids.max") && str_eq(s->value, "0");
}

bool cgroup_closes(const struct cgroup_settings *settings)
{
	bool yes = false;

	/* Of several (pids.limit, unified) the last one counts. */
	for (size_t i = 0; i < settings->count; i++)
		if (str_eq(settings->items[i].file, "pids.max"))
			yes = closes(&settings->items[i]);
	return yes;
}

int cgroup_close(int fd, const struct cgroup_settings *settings, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < settings->count; i++)
		if (closes(&settings->items[i]))
			r = apply_one(fd, &settings->items[i], false, err);
	return r;
}

int cgroup_apply(int fd, const struct cgroup_settings *settings, struct err *err)
{
	CLEAN(free) bool *later = xcalloc(settings->count + 1, sizeof(*later));
	bool update = settings->update;
	struct err first; /* a refusal that may not be the last word */
	size_t i;
	int r;

	for (i = 0; update && settings->check_before_update && i < settings->count; i++) {
		r = check_usage(fd, &settings->items[i], err);
		if (r < 0)
			return r;
	}
	/*
	 * Some limits bound each other (quota and burst, weight and idle, cpus and partition), so the
	 * right order depends on what is there. What is refused now gets a second chance after the
	 * rest; then the refusal stands.
	 */
	for (i = 0; i < settings->count; i++) {
		const struct cgroup_setting *s = &settings->items[i];

		if (!update && (s->defaulted || closes(s)))
			continue; /* a new group has it */
		if (update && goes_later(fd, s)) {
			later[i] = true;
			continue;
		}
		r = apply_one(fd, s, update, &first);
		later[i] = r == -EINVAL || r == -EBUSY;
		if (r < 0 && !later[i]) {
			*err = first;
			return r;
		}
	}
	for (i = 0; i < settings->count; i++) {
		r = later[i] ? apply_one(fd, &settings->items[i], update, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
