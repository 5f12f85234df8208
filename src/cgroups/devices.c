/* Device rules as an eBPF program: made, loaded, attached. */
#include "cgroups/devices.h"

#include "base/str.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>

/* By this name we know our own program again. */
#define PROGRAM_NAME "ctr_devices"

#define LOG_ROOM (64u << 10)
#define ATTACHED_MAX 64

#define ACC_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

/*
 * Registers: what is asked (the bits not decided yet), the bits refused, the kind of device and its
 * numbers, and two for the rule at hand.
 */
enum {
	ANSWER = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	KIND = BPF_REG_2,
	ASKED = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
	REFUSED = BPF_REG_6,
	MATCH = BPF_REG_7,
	TERM = BPF_REG_8
};

void cgroup_devices_free(struct cgroup_devices *d)
{
	free(d->insns);
	*d = (struct cgroup_devices){ 0 };
}

/* ---- the program ------------------------------------------------------------------- */

static void emit(struct cgroup_devices *d, struct bpf_insn insn)
{
	/* Grows by powers of two. */
	if ((d->count & (d->count - 1)) == 0)
		d->insns = xrealloc(d->insns, d->count ? d->count * 2 : 1, sizeof(*d->insns));
	d->insns[d->count++] = insn;
}

#define INSN(c, d, s, o, i) \
	((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define LOAD(to, member) \
	INSN(BPF_LDX | BPF_MEM | BPF_W, to, CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, member), 0)
#define MOVE(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define AND(to, value) INSN(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value)
#define AND_REG(to, from) INSN(BPF_ALU64 | BPF_AND | BPF_X, to, from, 0, 0)
#define OR_REG(to, from) INSN(BPF_ALU64 | BPF_OR | BPF_X, to, from, 0, 0)
#define XOR(to, value) INSN(BPF_ALU64 | BPF_XOR | BPF_K, to, 0, 0, value)
#define MINUS(to) INSN(BPF_ALU64 | BPF_NEG, to, 0, 0, 0)
#define TIMES(to, value) INSN(BPF_ALU64 | BPF_MUL | BPF_K, to, 0, 0, value)
#define SHIFT(to, value) INSN(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, value)
/* In 32 bits: device numbers are unsigned, an immediate is not. The upper half becomes 0. */
#define XOR32(to, value) INSN(BPF_ALU | BPF_XOR | BPF_K, to, 0, 0, value)
#define JUMP_EQ_OVER(reg, v, o) INSN(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, o, v)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static void emit_start(struct cgroup_devices *d)
{
	emit(d, LOAD(ASKED, access_type));
	emit(d, MOVE(KIND, ASKED));
	emit(d, AND(KIND, 0xffff));
	emit(d, SHIFT(ASKED, 16));
	emit(d, LOAD(MAJOR, major));
	emit(d, LOAD(MINOR, minor));
	emit(d, SET(REFUSED, 0));
}

/* Yes when nothing was refused; and, unless all else is allowed, nothing is left undecided. */
static void emit_end(struct cgroup_devices *d, bool allow_rest)
{
	if (!allow_rest)
		emit(d, OR_REG(REFUSED, ASKED));
	emit(d, SET(ANSWER, 1));
	emit(d, JUMP_EQ_OVER(REFUSED, 0, 1));
	emit(d, SET(ANSWER, 0));
	emit(d, EXIT);
}

static int access_bits(const struct spec_device_rule *r)
{
	return (r->read ? BPF_DEVCG_ACC_READ : 0) | (r->write ? BPF_DEVCG_ACC_WRITE : 0) |
	       (r->mknod ? BPF_DEVCG_ACC_MKNOD : 0);
}

static bool any_number(const struct opt_i64 *n)
{
	return !n->set || n->value == -1;
}

static bool matches_all(const struct spec_device_rule *r)
{
	return r->type == 'a' && any_number(&r->major) && any_number(&r->minor) &&
	       access_bits(r) == ACC_ALL;
}

/* MATCH becomes 0 where `field` has that value and more where not, or stays as it was. */
static void emit_term(struct cgroup_devices *d, int field, int64_t value)
{
	emit(d, MOVE(TERM, field));
	emit(d, XOR32(TERM, (int32_t)(uint32_t)value));
	emit(d, OR_REG(MATCH, TERM));
}

/*
 * One rule. Rules are emitted last one first, and each settles the bits it names: an allow crosses
 * them off what is asked; a deny refuses those that are still asked for. So "deny w" behind "allow
 * rwm" leaves reading allowed, and refuses O_RDWR.
 *
 * Without a jump: the kernel's verifier follows both ways of each, and took 0.5 ms for the usual
 * rules where it now takes a fraction. -x | x has its highest bit set unless x is 0. (A mask of ones
 * or zeros would look nicer than a product; newer kernels follow both ways of that too.)
 */
static void emit_rule(struct cgroup_devices *d, const struct spec_device_rule *r)
{
	emit(d, SET(MATCH, 0));
	if (r->type != 'a')
		emit_term(d, KIND, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (!any_number(&r->major))
		emit_term(d, MAJOR, r->major.value);
	if (!any_number(&r->minor))
		emit_term(d, MINOR, r->minor.value);
	emit(d, MOVE(TERM, MATCH));
	emit(d, MINUS(TERM));
	emit(d, OR_REG(MATCH, TERM));
	emit(d, SHIFT(MATCH, 63));
	emit(d, XOR(MATCH, 1));
	emit(d, TIMES(MATCH, access_bits(r)));
	if (r->allow) {
		emit(d, XOR(MATCH, -1));
		emit(d, AND_REG(ASKED, MATCH));
	} else {
		emit(d, AND_REG(MATCH, ASKED));
		emit(d, OR_REG(REFUSED, MATCH));
	}
}

static int check_rule(const struct spec_device_rule *r, size_t i, struct err *err)
{
	if (r->type != 'a' && r->type != 'b' && r->type != 'c')
		return err_set(err, EINVAL,
			       "linux.resources.devices[%zu].type: '%c' is not one of a, b and c",
			       i, r->type ? r->type : '?');
	if (!access_bits(r))
		return err_set(err, EINVAL,
			       "linux.resources.devices[%zu].access: names none of r, w and m", i);
	if (r->major.set && (r->major.value < -1 || r->major.value > UINT32_MAX))
		return err_set(err, ERANGE,
			       "linux.resources.devices[%zu].major: %" PRId64
			       ": has to be -1 (any) or a device number",
			       i, r->major.value);
	if (r->minor.set && (r->minor.value < -1 || r->minor.value > UINT32_MAX))
		return err_set(err, ERANGE,
			       "linux.resources.devices[%zu].minor: %" PRId64
			       ": has to be -1 (any) or a device number",
			       i, r->minor.value);
	return 0;
}

int cgroup_devices_make(const struct spec_device_rule *rules, size_t count,
			struct cgroup_devices *ret, struct err *err)
{
	bool restricted = false;
	size_t i;
	int r;

	for (i = 0; i < count; i++) {
		r = check_rule(&rules[i], i, err);
		if (r < 0)
			return r;
	}
	emit_start(ret);
	for (i = count; i-- > 0;) {
		const struct spec_device_rule *rule = &rules[i];

		if (matches_all(rule) && rule->allow && !restricted) {
			cgroup_devices_free(ret);
			ret->allow_all = true;
			return 0;
		}
		/* What is before a rule for everything was said for nothing. */
		if (matches_all(rule)) {
			emit_end(ret, rule->allow);
			return 0;
		}
		restricted |= !rule->allow;
		emit_rule(ret, rule);
	}
	emit_end(ret, false);
	return 0;
}

/* ---- the kernel's side ------------------------------------------------------------- */

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The last lines of the verifier's log are those that say why. */
static const char *log_end(const char *log)
{
	size_t len = strlen(log);

	return len > 400 ? log + len - 400 : log;
}

static int load(const struct cgroup_devices *d, struct err *err)
{
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE };
	CLEAN(free) char *log = NULL;
	int fd, code;

	attr.insns = (uintptr_t)d->insns;
	attr.insn_cnt = (uint32_t)d->count;
	attr.license = (uintptr_t) "none";
	memcpy(attr.prog_name, PROGRAM_NAME, sizeof(PROGRAM_NAME));
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		return fd;
	code = errno;
	if (code == EPERM)
		return err_set(
			err, EPERM,
			"linux.resources.devices: the kernel lets us load no eBPF program: it needs "
			"CAP_BPF or CAP_SYS_ADMIN in the initial user namespace, and on kernels "
			"before 5.11 a larger RLIMIT_MEMLOCK");
	/* Once more, for the reason. */
	log = xcalloc(1, LOG_ROOM);
	attr.log_level = 1;
	attr.log_buf = (uintptr_t)log;
	attr.log_size = LOG_ROOM;
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		return fd;
	return err_set(err, code,
		       "linux.resources.devices: the kernel refuses the program of %zu "
		       "instructions: %s%s%s",
		       d->count, strerror(code), *log ? ": " : "", log_end(log));
}

/* The program with that id when it is ours: an fd; -ENOENT for another's. */
static int open_if_ours(uint32_t id)
{
	union bpf_attr attr = { .prog_id = id };
	struct bpf_prog_info info = { 0 };
	CLEAN(fd) int fd = (int)bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		return -errno;
	return str_eq(info.name, PROGRAM_NAME) ? take_fd(&fd) : -ENOENT;
}

/* Our program on this very group: an fd, or -ENOENT. */
static int find_attached(int cgroup_fd, struct err *err)
{
	uint32_t ids[ATTACHED_MAX];
	union bpf_attr attr = { .query = { .target_fd = (uint32_t)cgroup_fd,
					   .attach_type = BPF_CGROUP_DEVICE,
					   .prog_ids = (uintptr_t)ids,
					   .prog_cnt = ATTACHED_MAX } };
	uint32_t i;

	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		return err_sys(err, "linux.resources.devices: ask which programs are on the group");
	for (i = 0; i < attr.query.prog_cnt; i++) {
		int fd = open_if_ours(ids[i]);

		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

int cgroup_devices_attach(int cgroup_fd, const struct cgroup_devices *d, bool update,
			  struct err *err)
{
	union bpf_attr attr = { .target_fd = (uint32_t)cgroup_fd,
				.attach_type = BPF_CGROUP_DEVICE };
	CLEAN(fd) int old = update ? find_attached(cgroup_fd, err) : -ENOENT, new = -1;

	if (old < 0 && old != -ENOENT)
		return old;
	if (d->allow_all) {
		attr.attach_bpf_fd = (uint32_t)old;
		if (old >= 0 && bpf(BPF_PROG_DETACH, &attr) < 0)
			return err_sys(
				err, "linux.resources.devices: take the old program off the group");
		return 0;
	}
	new = load(d, err);
	if (new < 0)
		return new;
	attr.attach_bpf_fd = (uint32_t) new;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)old;
	}
	if (bpf(BPF_PROG_ATTACH, &attr) == 0)
		return 0;
	return err_sys(err, "linux.resources.devices: put the program on the group%s",
		       errno == EPERM ? " (a group above may forbid programs below it)" : "");
}
