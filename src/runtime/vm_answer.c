#include "runtime/vm_answer.h"

#include "wire/frame.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

/* ---- numbers ------------------------------------------------------------------------- */

/* A member, and what it may be. Below zero is only what `min` says. */
struct number {
	size_t at, bytes;
	int64_t min;
	uint64_t max;
};

#define U(member, most)                                                                      \
	{                                                                                    \
		offsetof(struct usage, member), sizeof(((struct usage *)0)->member), 0, most \
	}
#define PRESSURE(which)                                                                         \
	U(used.which.set, 1), U(used.which.some_avg10, 10000), U(used.which.full_avg10, 10000), \
		U(used.which.some_total_us, UINT64_MAX), U(used.which.full_total_us, UINT64_MAX)

/* Some are shown in nanoseconds. */
#define US_MAX (UINT64_MAX / 1000)

static const struct number usage_numbers[] = {
	U(used.cpu.set, 1),
	U(used.cpu.usage_us, US_MAX),
	U(used.cpu.user_us, US_MAX),
	U(used.cpu.system_us, US_MAX),
	U(used.cpu.periods, UINT64_MAX),
	U(used.cpu.throttled_periods, UINT64_MAX),
	U(used.cpu.throttled_us, US_MAX),
	U(used.memory.set, 1),
	U(used.memory.current_bytes, UINT64_MAX),
	U(used.memory.peak_bytes, UINT64_MAX),
	U(used.memory.max_bytes, UINT64_MAX),
	U(used.memory.swap_bytes, UINT64_MAX),
	U(used.memory.swap_max_bytes, UINT64_MAX),
	U(used.memory.anon_bytes, UINT64_MAX),
	U(used.memory.file_bytes, UINT64_MAX),
	U(used.memory.kernel_bytes, UINT64_MAX),
	U(used.memory.inactive_file_bytes, UINT64_MAX),
	U(used.memory.oom_kills, UINT64_MAX),
	U(used.memory.max_events, UINT64_MAX),
	U(used.pids.set, 1),
	U(used.pids.current, UINT64_MAX),
	U(used.pids.max, UINT64_MAX),
	PRESSURE(cpu_pressure),
	PRESSURE(memory_pressure),
	PRESSURE(io_pressure),
	U(memory_bound_bytes, UINT64_MAX),
	U(has_net, 1),
	U(rx_bytes, UINT64_MAX),
	U(tx_bytes, UINT64_MAX),
};

#define P(member, least, most)                                                                 \
	{                                                                                      \
		offsetof(struct proc, member), sizeof(((struct proc *)0)->member), least, most \
	}

static const struct number proc_numbers[] = {
	P(pid, 1, INT32_MAX),
	P(ppid, 0, INT32_MAX),
	P(pgid, 0, INT32_MAX),
	P(inside, 1, INT32_MAX),
	P(uid_in, -1, UINT32_MAX),
	P(gid_in, -1, UINT32_MAX),
	P(state, 'A', 'z'),
	P(tty, INT32_MIN, INT32_MAX),
	P(nice, -20, 19),
	P(seccomp, 0, 2),
	P(cpu_ms, 0, UINT64_MAX),
	P(elapsed_ms, 0, UINT64_MAX),
	P(vsz_bytes, 0, UINT64_MAX),
	P(rss_bytes, 0, UINT64_MAX),
};

static uint64_t load(const void *of, const struct number *n)
{
	const void *at = (const char *)of + n->at;
	uint8_t byte;
	int32_t word;
	uint64_t whole;

	switch (n->bytes) {
	case 1:
		memcpy(&byte, at, 1);
		return byte;
	case 4:
		memcpy(&word, at, 4);
		return n->min < 0 ? (uint64_t)(int64_t)word : (uint32_t)word;
	default:
		memcpy(&whole, at, 8);
		return whole;
	}
}

static int store(void *to, const struct number *n, uint64_t value)
{
	void *at = (char *)to + n->at;
	uint8_t byte = (uint8_t)value;
	uint32_t word = (uint32_t)value;
	bool below = n->min < 0 && (int64_t)value < 0;

	if (below ? (int64_t)value < n->min :
		    value > n->max || (n->min > 0 && value < (uint64_t)n->min))
		return -EPROTO;
	memcpy(at,
	       n->bytes == 1 ? (void *)&byte :
	       n->bytes == 4 ? (void *)&word :
			       (void *)&value,
	       n->bytes);
	return 0;
}

static void put_numbers(const void *of, const struct number *rows, size_t count, struct str *out)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = htole64(load(of, &rows[i]));

		str_add_bytes(out, &value, sizeof(value));
	}
}

/* As many bytes as that are there. */
static int take_numbers(const uint8_t *bytes, const struct number *rows, size_t count, void *to)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		uint64_t value;

		memcpy(&value, bytes + i * sizeof(value), sizeof(value));
		rc = store(to, &rows[i], le64toh(value));
	}
	return rc;
}

#define BYTES_OF(rows) (ARRAY_LEN(rows) * sizeof(uint64_t))

/* ---- what it uses -------------------------------------------------------------------- */

void answer_put_usage(const struct usage *u, struct str *out)
{
	put_numbers(u, usage_numbers, ARRAY_LEN(usage_numbers), out);
}

/* A later init may know more. */
int answer_take_usage(const void *bytes, size_t len, struct usage *ret)
{
	*ret = (struct usage){ .source = USAGE_GUEST };
	if (len < BYTES_OF(usage_numbers))
		return -EPROTO;
	return take_numbers(bytes, usage_numbers, ARRAY_LEN(usage_numbers), ret);
}

/* ---- its processes: for each lengths of name and command line (2, 2), numbers, both texts -------------- */

#define LENGTHS (2 * sizeof(uint16_t))
#define PROC_BYTES (LENGTHS + BYTES_OF(proc_numbers))

void answer_put_procs(const struct procs *all, struct str *out)
{
	size_t room = WIRE_TEXT_MAX;

	for (size_t i = 0; i < all->count && i < ANSWER_PROCS_MAX; i++) {
		const struct proc *p = &all->items[i];
		size_t comm = strnlen(p->comm, sizeof(p->comm) - 1);
		size_t args = p->args ? strnlen(p->args, ANSWER_ARGS_MAX) : 0;
		uint16_t lengths[] = { htole16((uint16_t)comm), htole16((uint16_t)args) };

		if (PROC_BYTES + comm + args > room)
			return;
		room -= PROC_BYTES + comm + args;
		str_add_bytes(out, lengths, sizeof(lengths));
		put_numbers(p, proc_numbers, ARRAY_LEN(proc_numbers), out);
		str_add_bytes(out, p->comm, comm);
		if (args)
			str_add_bytes(out, p->args, args);
	}
}

/* How many bytes it took. */
static ssize_t take_proc(const uint8_t *bytes, size_t len, struct proc *ret)
{
	uint16_t lengths[2];
	size_t comm, args;
	int rc;

	if (len < PROC_BYTES)
		return -EPROTO;
	memcpy(lengths, bytes, sizeof(lengths));
	comm = le16toh(lengths[0]);
	args = le16toh(lengths[1]);
	if (comm >= PROC_COMM_MAX || args > ANSWER_ARGS_MAX || len - PROC_BYTES < comm + args)
		return -EPROTO;
	/* None of this host's. */
	*ret = (struct proc){ .dir = -1, .hpid = -1, .uid = -1, .gid = -1 };
	rc = take_numbers(bytes + LENGTHS, proc_numbers, ARRAY_LEN(proc_numbers), ret);
	if (rc < 0)
		return rc;
	memcpy(ret->comm, bytes + PROC_BYTES, comm);
	if (args)
		ret->args = xstrndup((const char *)bytes + PROC_BYTES + comm, args);
	return (ssize_t)(PROC_BYTES + comm + args);
}

int answer_take_procs(const void *bytes, size_t len, struct procs *ret)
{
	const uint8_t *at = bytes;
	size_t most = len / PROC_BYTES;

	ret->items = xcalloc((most < ANSWER_PROCS_MAX ? most : ANSWER_PROCS_MAX) + 1,
			     sizeof(*ret->items));
	while (len) {
		ssize_t n;

		if (ret->count == ANSWER_PROCS_MAX)
			return -EPROTO;
		n = take_proc(at, len, &ret->items[ret->count]);
		if (n < 0)
			return (int)n;
		ret->count++;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}
