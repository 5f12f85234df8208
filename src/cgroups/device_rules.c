/* Device rules as an eBPF program: how it decides, and the making of it. */
#include "cgroups/devices.h"

#include "base/str.h"

#include <inttypes.h>
#include <limits.h>
#include <stdint.h>

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
#define SHIFT_REG(to, from) INSN(BPF_ALU64 | BPF_RSH | BPF_X, to, from, 0, 0)
#define XOR(to, value) INSN(BPF_ALU64 | BPF_XOR | BPF_K, to, 0, 0, value)
#define MINUS(to) INSN(BPF_ALU64 | BPF_NEG, to, 0, 0, 0)
#define TIMES(to, value) INSN(BPF_ALU64 | BPF_MUL | BPF_K, to, 0, 0, value)
#define SHIFT(to, value) INSN(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, value)
/* In 32 bits: device numbers are unsigned, an immediate is not. The upper half becomes 0. */
#define XOR32(to, value) INSN(BPF_ALU | BPF_XOR | BPF_K, to, 0, 0, value)
#define JUMP_EQ_OVER(reg, v, o) INSN(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, o, v)
/* A number of 64 bits takes two instructions. */
#define SET_LOW(to, value) INSN(BPF_LD | BPF_IMM | BPF_DW, to, 0, 0, (int32_t)(uint32_t)(value))
#define SET_HIGH(value) INSN(0, 0, 0, 0, (int32_t)(uint32_t)((value) >> 32))
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

/* ---- rules that are the same but for small minor numbers, as one -------------------- */

#define SMALL 64

struct group {
	const struct spec_device_rule *rule; /* one of them */
	uint64_t minors;                     /* a bit for each minor number; 0: the rule's own */
};

struct groups {
	struct group *items;
	size_t count;
};

static void groups_free(struct groups *g)
{
	free(g->items);
	*g = (struct groups){ 0 };
}
CLEAN_DEFINE(groups, struct groups, groups_free)

static bool same_number(const struct opt_i64 *a, const struct opt_i64 *b)
{
	return any_number(a) ? any_number(b) : !any_number(b) && a->value == b->value;
}

static uint64_t small_minor(const struct spec_device_rule *r)
{
	return any_number(&r->minor) || r->minor.value >= SMALL ? 0 : 1ull << r->minor.value;
}

static bool joins(const struct group *g, const struct spec_device_rule *r)
{
	return r->type == g->rule->type && same_number(&r->major, &g->rule->major) &&
	       access_bits(r) == access_bits(g->rule) &&
	       (small_minor(r) ? g->minors != 0 : same_number(&r->minor, &g->rule->minor));
}

/* The usual list names /dev/null and its like one by one, and the standard's own list does it again. */
static void groups_add(struct groups *g, const struct spec_device_rule *r)
{
	size_t i = 0;

	while (i < g->count && !joins(&g->items[i], r))
		i++;
	if (i == g->count) {
		g->items = xrealloc(g->items, g->count + 1, sizeof(*g->items));
		g->items[g->count++] = (struct group){ r, 0 };
	}
	g->items[i].minors |= small_minor(r);
}

/* ---- one group ----------------------------------------------------------------------- */

/* MATCH becomes 0 where `field` has that value and more where not, or stays as it was. */
static void emit_term(struct cgroup_devices *d, int field, int64_t value)
{
	emit(d, MOVE(TERM, field));
	emit(d, XOR32(TERM, (int32_t)(uint32_t)value));
	emit(d, OR_REG(MATCH, TERM));
}

/* The same for a minor number that is in the set. */
static void emit_minors(struct cgroup_devices *d, uint64_t set)
{
	emit(d, MOVE(TERM, MINOR));
	emit(d, SHIFT(TERM, 6));
	emit(d, OR_REG(MATCH, TERM));
	emit(d, SET_LOW(TERM, set));
	emit(d, SET_HIGH(set));
	emit(d, SHIFT_REG(TERM, MINOR));
	emit(d, AND(TERM, 1));
	emit(d, XOR(TERM, 1));
	emit(d, OR_REG(MATCH, TERM));
}

static void emit_condition(struct cgroup_devices *d, const struct group *g)
{
	const struct spec_device_rule *r = g->rule;

	emit(d, SET(MATCH, 0));
	if (r->type != 'a')
		emit_term(d, KIND, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (!any_number(&r->major))
		emit_term(d, MAJOR, r->major.value);
	if (g->minors & (g->minors - 1))
		emit_minors(d, g->minors);
	else if (!any_number(&r->minor))
		emit_term(d, MINOR, r->minor.value);
}

/*
 * Rules are emitted last one first, and each settles the bits it names: an allow crosses them off
 * what is asked; a deny refuses those that are still asked for. So "deny w" behind "allow rwm" leaves
 * reading allowed, and refuses O_RDWR. Among neighbours that all allow, or all deny, the order says
 * nothing: those are what groups are made of.
 *
 * Without a jump: the kernel's verifier follows both ways of each, and took 0.5 ms for the usual
 * rules where it now takes a fraction. -x | x has its highest bit set unless x is 0. (A mask of ones
 * or zeros would look nicer than a product; newer kernels follow both ways of that too.)
 */
static void emit_group(struct cgroup_devices *d, const struct group *g)
{
	emit_condition(d, g);
	emit(d, MOVE(TERM, MATCH));
	emit(d, MINUS(TERM));
	emit(d, OR_REG(MATCH, TERM));
	emit(d, SHIFT(MATCH, 63));
	emit(d, XOR(MATCH, 1));
	emit(d, TIMES(MATCH, access_bits(g->rule)));
	if (g->rule->allow) {
		emit(d, XOR(MATCH, -1));
		emit(d, AND_REG(ASKED, MATCH));
	} else {
		emit(d, AND_REG(MATCH, ASKED));
		emit(d, OR_REG(REFUSED, MATCH));
	}
}

static void emit_groups(struct cgroup_devices *d, struct groups *g)
{
	for (size_t i = 0; i < g->count; i++)
		emit_group(d, &g->items[i]);
	groups_free(g);
}

/* ---- the list -------------------------------------------------------------------------- */

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
	CLEAN(groups) struct groups side = { 0 };
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
		if (side.count && side.items[0].rule->allow != rule->allow)
			emit_groups(ret, &side);
		/* What is before a rule for everything was said for nothing. */
		if (matches_all(rule)) {
			emit_groups(ret, &side);
			emit_end(ret, rule->allow);
			return 0;
		}
		restricted |= !rule->allow;
		groups_add(&side, rule);
	}
	emit_groups(ret, &side);
	emit_end(ret, false);
	return 0;
}
