/*
 * config.json's rules to tables of numbers, with the meaning that libseccomp and runc give them:
 *
 * - A rule whose action is the default one is left out, wherever it stands.
 * - For one number, a rule without arguments beats all that have some; the first such one counts.
 * - Among rules with arguments the first that matches counts. (libseccomp's order is its own where
 *   rules overlap, and when half of a rule holds it may not come back to try the next one.)
 * - Several tests in one rule must all hold, unless two of them look at the same argument: then each
 *   is a rule by itself.
 * - 32-bit architectures compare the low halves.
 * - Numbers above the largest that the profile names for an architecture are newer than the profile:
 *   with ERRNO as default action they give ENOSYS, so that a C library falls back to an older call.
 * - A name that this architecture doesn't have is skipped.
 *
 * Different on purpose: socketcall(2) and ipc(2) of i386 take their arguments from memory, where no
 * filter sees them. A rule without arguments for connect(2) also goes for socketcall's connect, as
 * with libseccomp. A rule with arguments goes for it only when it denies: libseccomp would have
 * "allow socket(2) for these families" allow every family by way of socketcall. A rule for
 * "socketcall" itself decides for whoever wants that. And libseccomp compares all bits of the number
 * of the call, of which the kernel reads 32, or 16: what stands above them would lead past the rule.
 */
#include "sandbox/seccomp_rules.h"

#include "spec/names.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#define X32_BIT 0x40000000u

/* One line of a table before it is sorted: number -> action, or number -> rule. */
#define NO_RULE SIZE_MAX

struct entry {
	uint32_t number, action;
	size_t rule, order;
};

struct build {
	const struct spec_seccomp *spec;
	struct seccomp_rules *out;
	/* For each rule of the spec: its action, and its place among out->rules. */
	struct range {
		uint32_t action;
		size_t first, count;
	} * ranges;
	SPEC_LIST(struct entry) entries; /* of the architecture at hand */
};

static int parse_action(const char *key, const char *name, const struct opt_u64 *errno_ret,
			uint32_t *ret, struct err *err)
{
	uint32_t max;

	if (!name)
		return err_set(err, EINVAL, "%s: missing", key);
	if (!seccomp_action_from_name(name, ret, &max))
		return err_set(err, EINVAL, "%s: there is no action \"%s\"", key, name);
	if (errno_ret->set && !max)
		return err_set(err, EINVAL, "%s: %s takes no errno; remove the errnoRet", key,
			       name);
	if (errno_ret->set && errno_ret->value > max)
		return err_set(err, ERANGE, "%s: errnoRet %llu is above %u", key,
			       (unsigned long long)errno_ret->value, max);
	if (max)
		*ret |= errno_ret->set ? (uint32_t)errno_ret->value : EPERM;
	return 0;
}

/* One test. Returns 1 when it can never hold, 2 when it always does. */
static int parse_test(const char *key, const struct spec_seccomp_arg *arg, struct seccomp_test *ret,
		      struct err *err)
{
	bool masked;

	if (!arg->op || !seccomp_op_from_name(arg->op, &ret->op, &ret->negate, &masked))
		return err_set(err, EINVAL, "%s.op: there is no operator \"%s\"", key,
			       arg->op ? arg->op : "");
	if (arg->index >= SECCOMP_ARGS)
		return err_set(err, EINVAL, "%s.index: %u: a system call has arguments 0 to %d",
			       key, arg->index, SECCOMP_ARGS - 1);
	ret->arg = arg->index;
	ret->mask = masked ? arg->value : UINT64_MAX;
	ret->value = masked ? arg->value_two & arg->value : arg->value;
	if ((ret->op == OP_GE && ret->value == 0) || ret->mask == 0)
		return ret->negate ? 1 : 2;
	return 0;
}

static int parse_tests(struct build *b, const struct spec_seccomp_rule *r, size_t index,
		       uint32_t action, struct err *err)
{
	unsigned int seen = 0;
	bool split = false, never = false;
	struct seccomp_rule *all;

	for (size_t i = 0; i < r->args.count; i++) {
		split = split || seen >> (r->args.items[i].index & 31) & 1;
		seen |= 1u << (r->args.items[i].index & 31);
	}
	all = split ? NULL : SPEC_ADD(&b->out->rules);
	if (all)
		all->action = action;
	for (size_t i = 0; i < r->args.count; i++) {
		struct seccomp_test test = { 0 };
		char key[80];
		int rc;

		snprintf(key, sizeof(key), "linux.seccomp.syscalls[%zu].args[%zu]", index, i);
		rc = parse_test(key, &r->args.items[i], &test, err);
		if (rc < 0)
			return rc;
		never = never || rc == 1;
		if (split && rc == 1)
			continue;
		if (split) {
			all = SPEC_ADD(&b->out->rules);
			all->action = action;
		}
		if (rc == 0)
			all->tests[all->count++] = test;
	}
	if (never && !split)
		b->out->rules.count--;
	return 0;
}

static int parse_rules(struct build *b, struct err *err)
{
	const struct spec_seccomp *spec = b->spec;
	int rc = parse_action("linux.seccomp.defaultAction", spec->default_action,
			      &spec->default_errno_ret, &b->out->default_action, err);

	b->out->notifies = b->out->default_action == SECCOMP_RET_USER_NOTIF;
	b->ranges = xcalloc(spec->rules.count, sizeof(*b->ranges));
	for (size_t i = 0; rc == 0 && i < spec->rules.count; i++) {
		const struct spec_seccomp_rule *r = &spec->rules.items[i];
		struct range *range = &b->ranges[i];
		char key[64];

		snprintf(key, sizeof(key), "linux.seccomp.syscalls[%zu].action", i);
		rc = parse_action(key, r->action, &r->errno_ret, &range->action, err);
		if (rc == 0 && range->action == SECCOMP_RET_USER_NOTIF)
			b->out->notifies = true;
		range->first = b->out->rules.count;
		if (rc == 0 && r->args.count > 0)
			rc = parse_tests(b, r, i, range->action, err);
		range->count = b->out->rules.count - range->first;
	}
	return rc;
}

static void add_entry(struct build *b, uint32_t number, uint32_t action, size_t rule)
{
	size_t order = b->entries.count;

	*SPEC_ADD(&b->entries) = (struct entry){ number, action, rule, order };
}

static bool permits(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

static void add_name(struct build *b, size_t index, const struct seccomp_number *n)
{
	const struct spec_seccomp_rule *r = &b->spec->rules.items[index];
	const struct range *range = &b->ranges[index];

	if (n->direct && r->args.count == 0)
		add_entry(b, n->number, range->action, NO_RULE);
	for (size_t i = 0; n->direct && i < range->count; i++)
		add_entry(b, n->number, range->action, range->first + i);
	if (n->muxed && (r->args.count == 0 || !permits(range->action))) {
		*SPEC_ADD(&b->out->rules) = (struct seccomp_rule){
			.action = range->action,
			.count = 1,
			.tests = { { 0, OP_EQ, false, n->subcall_mask, n->subcall } },
		};
		add_entry(b, n->mux, range->action, b->out->rules.count - 1);
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	/* What has no rule decides for the number: it comes first. */
	if ((x->rule == NO_RULE) != (y->rule == NO_RULE))
		return x->rule == NO_RULE ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void add_span(struct seccomp_table *t, struct seccomp_span span)
{
	const struct seccomp_span *s = t->spans.items;
	size_t n = t->spans.count;

	/* The last one came out empty. */
	if (n && s[n - 1].first == span.first)
		n = --t->spans.count;
	if (!n || s[n - 1].action != span.action || s[n - 1].chain_len || span.chain_len)
		*SPEC_ADD(&t->spans) = span;
}

/* Put the sorted entries into the table, from number `first` on; `above` is for what lies above them. */
static void add_spans(struct build *b, struct seccomp_table *t, const struct seccomp_arch *arch,
		      uint32_t first, uint32_t largest, uint32_t above)
{
	struct seccomp_span gap = { .first = first, .action = b->out->default_action };

	add_span(t, gap);
	for (size_t i = 0, next; i < b->entries.count; i = next) {
		const struct entry *e = &b->entries.items[i];
		struct seccomp_span span = {
			.first = e->number,
			.action = b->out->default_action,
			.wide = arch->wide,
			.chain = t->links.count,
		};

		for (next = i; next < b->entries.count && e[next - i].number == e->number; next++)
			if (e->rule != NO_RULE)
				*SPEC_ADD(&t->links) = e[next - i].rule;
		if (e->rule == NO_RULE)
			span.action = e->action;
		span.chain_len = t->links.count - span.chain;
		add_span(t, span);
		gap.first = e->number + 1;
		add_span(t, gap);
	}
	gap.first = largest + 1;
	gap.action = above;
	add_span(t, gap);
}

/* All numbers of one architecture, from `first` on: x32's begin at X32_BIT, else 0. */
static void add_arch(struct build *b, struct seccomp_table *t, const struct seccomp_arch *arch,
		     uint32_t first)
{
	uint32_t def = b->out->default_action, above = def, largest = first;
	struct seccomp_resolver resolver;
	bool any = false;

	b->entries.count = 0;
	seccomp_resolver_init(&resolver, arch);
	for (size_t i = 0; i < b->spec->rules.count; i++) {
		const struct strv *names = &b->spec->rules.items[i].names;

		for (size_t j = 0; j < names->count; j++) {
			struct seccomp_number n = seccomp_resolve(&resolver, names->items[j]);

			any = any || n.direct || n.muxed;
			if (n.direct && n.number > largest)
				largest = n.number;
			if (n.muxed && n.mux > largest)
				largest = n.mux;
			if (b->ranges[i].action != def)
				add_name(b, i, &n);
		}
	}
	if (any && (def & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		above = SECCOMP_RET_ERRNO | ENOSYS;
	/* s390 enters an unknown number as 0, the long gone setup(2). */
	if (above != def && (arch->audit == AUDIT_ARCH_S390 || arch->audit == AUDIT_ARCH_S390X))
		add_entry(b, 0, above, NO_RULE);
	if (b->entries.count)
		qsort(b->entries.items, b->entries.count, sizeof(struct entry), compare_entries);
	add_spans(b, t, arch, first, largest, above);
}

/*
 * x32 is x86_64 with a bit set in the number, so one table has both. Not asked for, its numbers are
 * a foreign architecture's; but -1 is what a tracer writes to have a call skipped.
 */
static void add_table(struct build *b, const struct seccomp_arch *arch,
		      const struct seccomp_arch *x32)
{
	struct seccomp_table *t = SPEC_ADD(&b->out->tables);
	uint32_t last;

	t->audit = arch->audit;
	add_arch(b, t, arch, 0);
	last = t->spans.items[t->spans.count - 1].action;
	if (x32) {
		add_arch(b, t, x32, X32_BIT);
	} else if (arch->audit == AUDIT_ARCH_X86_64) {
		add_span(t, (struct seccomp_span){ .first = X32_BIT, .action = SECCOMP_BAD_ARCH });
		add_span(t, (struct seccomp_span){ .first = UINT32_MAX, .action = last });
	}
}

static int build_tables(struct build *b, struct err *err)
{
	const struct seccomp_arch *list[32] = { seccomp_arch_of_this_machine() };
	const struct seccomp_arch *x32 = NULL;
	size_t count = 1;

	for (size_t i = 0; i < b->spec->architectures.count; i++) {
		const char *name = b->spec->architectures.items[i];
		const struct seccomp_arch *arch = seccomp_arch_find(name);
		size_t j = 0;

		/*
		 * libseccomp has no numbers for the youngest and the oldest. No kernel that we run on makes
		 * their calls, and what has no table is killed: nothing is to be done for them.
		 */
		if (!arch && spec_word_find(WORDS_SECCOMP_ARCH, name))
			continue;
		if (!arch)
			return err_set(
				err, EINVAL,
				"linux.seccomp.architectures[%zu]: \"%s\" is not an architecture that we "
				"know; leave it out, what is not listed is killed",
				i, name);
		if (str_eq(arch->name, "SCMP_ARCH_X32")) {
			x32 = arch;
			arch = seccomp_arch_find("SCMP_ARCH_X86_64");
		}
		while (j < count && list[j] != arch)
			j++;
		if (j == count && count < ARRAY_LEN(list))
			list[count++] = arch;
	}
	for (size_t i = 0; i < count; i++)
		add_table(b, list[i], list[i]->audit == AUDIT_ARCH_X86_64 ? x32 : NULL);
	return 0;
}

int seccomp_rules_build(const struct spec_seccomp *spec, struct seccomp_rules *ret, struct err *err)
{
	CLEAN(seccomp_rules) struct seccomp_rules rules = { 0 };
	struct build b = { .spec = spec, .out = &rules };
	int rc = parse_rules(&b, err);

	if (rc == 0)
		rc = build_tables(&b, err);
	free(b.ranges);
	free(b.entries.items);
	if (rc < 0)
		return rc;
	*ret = rules;
	rules = (struct seccomp_rules){ 0 };
	return 0;
}

void seccomp_rules_free(struct seccomp_rules *r)
{
	for (size_t i = 0; i < r->tables.count; i++) {
		free(r->tables.items[i].spans.items);
		free(r->tables.items[i].links.items);
	}
	free(r->tables.items);
	free(r->rules.items);
	*r = (struct seccomp_rules){ 0 };
}
