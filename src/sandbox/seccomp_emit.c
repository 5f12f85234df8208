/*
 * Tables to a BPF program. It is written from its end to its beginning: jumps go forwards only, so
 * whatever an instruction jumps to is there already and its distance is known. A jump reaches 255
 * instructions; what lies further gets a stepping stone (for a return a second copy of it, else a
 * BPF_JA, which reaches anything).
 *
 * The shape, for each architecture:   ld arch; jeq ARCH -> (ld nr; binary search; ...)
 * A leaf of the search is a return, or for numbers whose arguments matter a chain of tests.
 */
#include "sandbox/seccomp_rules.h"

#include "base/str.h"

#include <endian.h>
#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <stddef.h>

#define REACH 254 /* of a jump, less one for the stepping stone of its other branch */

/* Where an instruction goes on: at a return, or at an instruction counted from the program's end. */
struct target {
	bool is_return;
	uint32_t action;
	size_t at;
};

struct emitter {
	struct sock_filter *insns; /* last one first */
	size_t count, room;
	struct {
		uint32_t action;
		size_t at;
	} returns[64]; /* the copy of each that is nearest to the beginning */
	size_t return_count;
};

static struct target emit(struct emitter *e, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (e->count == e->room) {
		e->room = e->room ? e->room * 2 : 512;
		e->insns = xrealloc(e->insns, e->room, sizeof(*e->insns));
	}
	e->insns[e->count] = (struct sock_filter){ code, jt, jf, k };
	return (struct target){ .at = e->count++ };
}

static struct target act(uint32_t action)
{
	return (struct target){ .is_return = true, .action = action };
}

/* How many instructions the next one to be written would skip. */
static size_t distance(const struct emitter *e, struct target t)
{
	return e->count - 1 - t.at;
}

static struct target place_return(struct emitter *e, uint32_t action)
{
	size_t i = 0;

	while (i < e->return_count && e->returns[i].action != action)
		i++;
	if (i < e->return_count && distance(e, (struct target){ .at = e->returns[i].at }) <= REACH)
		return (struct target){ .at = e->returns[i].at };
	/* A 65th action gets a copy of its own each time. */
	if (i < ARRAY_LEN(e->returns)) {
		e->returns[i].action = action;
		e->returns[i].at = e->count;
		e->return_count = i < e->return_count ? e->return_count : i + 1;
	}
	return emit(e, BPF_RET | BPF_K, action, 0, 0);
}

/* Make a target reachable for a conditional jump that is written next, or next but one. */
static struct target place(struct emitter *e, struct target t)
{
	if (t.is_return)
		return place_return(e, t.action);
	if (distance(e, t) <= REACH)
		return t;
	return emit(e, BPF_JMP | BPF_JA, (uint32_t)distance(e, t), 0, 0);
}

/* Make a target the very next instruction, for one that doesn't jump. */
static void place_next(struct emitter *e, struct target t)
{
	if (t.is_return)
		emit(e, BPF_RET | BPF_K, t.action, 0, 0);
	else if (distance(e, t) > 0)
		emit(e, BPF_JMP | BPF_JA, (uint32_t)distance(e, t), 0, 0);
}

static bool same(struct target a, struct target b)
{
	return a.is_return == b.is_return && (a.is_return ? a.action == b.action : a.at == b.at);
}

static struct target jump(struct emitter *e, uint16_t op, uint32_t k, struct target yes,
			  struct target no)
{
	if (same(yes, no))
		return yes;
	/* The second to be placed may push the first one step away: REACH allows for that. */
	yes = place(e, yes);
	no = place(e, no);
	return emit(e, (uint16_t)(BPF_JMP | BPF_K | op), k, (uint8_t)distance(e, yes),
		    (uint8_t)distance(e, no));
}

static struct target load(struct emitter *e, size_t offset, struct target then)
{
	place_next(e, then);
	return emit(e, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The half of an argument, in the byte order of this machine, which is the kernel's. */
static size_t arg_offset(unsigned int arg, bool high)
{
	bool second = (BYTE_ORDER == LITTLE_ENDIAN) == high;

	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) + (second ? 4 : 0);
}

static struct target load_masked(struct emitter *e, const struct seccomp_test *t, bool high,
				 struct target then)
{
	uint32_t mask = (uint32_t)(high ? t->mask >> 32 : t->mask);

	if (mask != UINT32_MAX) {
		place_next(e, then);
		then = emit(e, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	}
	return load(e, arg_offset(t->arg, high), then);
}

static struct target emit_masked_half(struct emitter *e, const struct seccomp_test *t, bool high,
				      struct target yes, struct target no)
{
	uint32_t mask = (uint32_t)(high ? t->mask >> 32 : t->mask);
	uint32_t value = (uint32_t)(high ? t->value >> 32 : t->value);

	return mask == 0 ? yes : load_masked(e, t, high, jump(e, BPF_JEQ, value, yes, no));
}

static struct target emit_test(struct emitter *e, const struct seccomp_test *t, bool wide,
			       struct target pass, struct target fail)
{
	struct target yes = t->negate ? fail : pass, no = t->negate ? pass : fail, at;
	uint32_t high = (uint32_t)(t->value >> 32);

	if (t->op == OP_EQ) {
		at = emit_masked_half(e, t, false, yes, no);
		return wide ? emit_masked_half(e, t, true, at, no) : at;
	}
	at = jump(e, t->op == OP_GT ? BPF_JGT : BPF_JGE, (uint32_t)t->value, yes, no);
	at = load(e, arg_offset(t->arg, false), at);
	if (!wide)
		return at;
	/* Above in the high half decides; equal leaves it to the low half. */
	if (high > 0)
		at = jump(e, BPF_JEQ, high, at, no);
	at = jump(e, BPF_JGT, high, yes, at);
	return load(e, arg_offset(t->arg, true), at);
}

/* Is the whole rule "these bits of argument N are this value", some of the low half among them? */
static bool is_plain(const struct seccomp_rule *r)
{
	return r->count == 1 && r->tests[0].op == OP_EQ && !r->tests[0].negate &&
	       (uint32_t)r->tests[0].mask;
}

/* Rules that one load of the high half and one of the low half serve: "one of these values". */
static bool alike(const struct seccomp_rule *a, const struct seccomp_rule *b)
{
	return is_plain(a) && is_plain(b) && a->tests[0].arg == b->tests[0].arg &&
	       a->tests[0].mask == b->tests[0].mask &&
	       a->tests[0].value >> 32 == b->tests[0].value >> 32;
}

static struct target emit_values(struct emitter *e, const struct seccomp_rules *rules,
				 const size_t *links, size_t count, bool wide, struct target next)
{
	const struct seccomp_test *t = &rules->rules.items[links[0]].tests[0];
	struct target at = next;

	for (size_t i = count; i-- > 0;) {
		const struct seccomp_rule *r = &rules->rules.items[links[i]];

		at = jump(e, BPF_JEQ, (uint32_t)r->tests[0].value, act(r->action), at);
	}
	at = load_masked(e, t, false, at);
	return wide ? emit_masked_half(e, t, true, at, next) : at;
}

static struct target emit_rule(struct emitter *e, const struct seccomp_rule *r, bool wide,
			       struct target fail)
{
	struct target pass = act(r->action);

	for (unsigned int i = r->count; i-- > 0;)
		pass = emit_test(e, &r->tests[i], wide, pass, fail);
	return pass;
}

static struct target emit_chain(struct emitter *e, const struct seccomp_rules *rules,
				const struct seccomp_table *table, const struct seccomp_span *span)
{
	const size_t *links = table->links.items + span->chain;
	struct target at = act(span->action);

	for (size_t end = span->chain_len, first; end > 0; end = first) {
		const struct seccomp_rule *r = &rules->rules.items[links[end - 1]];

		first = end - 1;
		while (first > 0 && alike(&rules->rules.items[links[first - 1]], r))
			first--;
		if (is_plain(r))
			at = emit_values(e, rules, links + first, end - first, span->wide, at);
		else
			at = emit_rule(e, r, span->wide, at);
	}
	return at;
}

static struct target emit_search(struct emitter *e, const struct seccomp_rules *rules,
				 const struct seccomp_table *t, size_t lo, size_t hi)
{
	const struct seccomp_span *s = t->spans.items;
	size_t mid = lo + (hi - lo + 1) / 2;
	struct target above, below;

	if (lo == hi)
		return s[lo].chain_len ? emit_chain(e, rules, t, &s[lo]) : act(s[lo].action);
	/* One number that differs from both its sides is one test, not two. */
	if (hi - lo == 2 && s[hi].first == s[lo + 1].first + 1 && !s[lo].chain_len &&
	    !s[hi].chain_len && s[lo].action == s[hi].action)
		return jump(e, BPF_JEQ, s[lo + 1].first, emit_search(e, rules, t, lo + 1, lo + 1),
			    act(s[lo].action));
	above = emit_search(e, rules, t, mid, hi);
	below = emit_search(e, rules, t, lo, mid - 1);
	return jump(e, BPF_JGE, s[mid].first, above, below);
}

int seccomp_emit(const struct seccomp_rules *rules, struct seccomp_filter *ret, struct err *err)
{
	struct emitter e = { 0 };
	struct target at = act(SECCOMP_BAD_ARCH);

	for (size_t i = rules->tables.count; i-- > 0;) {
		const struct seccomp_table *t = &rules->tables.items[i];
		struct target search = emit_search(&e, rules, t, 0, t->spans.count - 1);

		search = load(&e, offsetof(struct seccomp_data, nr), search);
		at = jump(&e, BPF_JEQ, t->audit, search, at);
	}
	load(&e, offsetof(struct seccomp_data, arch), at);
	if (e.count > BPF_MAXINSNS) {
		free(e.insns);
		return err_set(
			err, E2BIG,
			"linux.seccomp: the rules make %zu instructions, the kernel takes %d; name fewer "
			"architectures or argument tests",
			e.count, BPF_MAXINSNS);
	}
	for (size_t i = 0; i < e.count / 2; i++) {
		struct sock_filter swapped = e.insns[i];

		e.insns[i] = e.insns[e.count - 1 - i];
		e.insns[e.count - 1 - i] = swapped;
	}
	ret->insns = e.insns;
	ret->count = e.count;
	return 0;
}
