#include "bpf.h"

#include "sandbox/seccomp_rules.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint32_t bpf_run(const struct seccomp_filter *f, const struct seccomp_data *data,
		 unsigned int *ret_steps)
{
	unsigned int steps = 0;
	uint32_t a = 0;

	for (size_t pc = 0;; pc++) {
		const struct sock_filter *i = &f->insns[pc];
		bool yes;

		assert(pc < f->count);
		steps++;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert(i->k % 4 == 0 && i->k < sizeof(*data));
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_RET | BPF_K:
			if (ret_steps)
				*ret_steps = steps;
			return i->k;
		default:
			abort();
		}
		pc += yes ? i->jt : i->jf;
	}
}

static uint32_t action_of(const char *name, const struct opt_u64 *errno_ret)
{
	uint32_t action, max;

	if (!seccomp_action_from_name(name, &action, &max))
		abort();
	return max ? action | (errno_ret->set ? (uint32_t)errno_ret->value : EPERM) : action;
}

static bool holds(const struct spec_seccomp_arg *arg, const struct seccomp_data *data, bool wide)
{
	uint64_t width = wide ? UINT64_MAX : UINT32_MAX;
	uint64_t a = data->args[arg->index] & width, v = arg->value & width;

	if (str_eq(arg->op, "SCMP_CMP_EQ"))
		return a == v;
	if (str_eq(arg->op, "SCMP_CMP_NE"))
		return a != v;
	if (str_eq(arg->op, "SCMP_CMP_LT"))
		return a < v;
	if (str_eq(arg->op, "SCMP_CMP_LE"))
		return a <= v;
	if (str_eq(arg->op, "SCMP_CMP_GT"))
		return a > v;
	if (str_eq(arg->op, "SCMP_CMP_GE"))
		return a >= v;
	if (str_eq(arg->op, "SCMP_CMP_MASKED_EQ"))
		return (a & v) == (arg->value_two & v);
	abort();
}

static bool rule_holds(const struct spec_seccomp_rule *r, const struct seccomp_data *data,
		       bool wide)
{
	unsigned int seen = 0;
	size_t held = 0;
	bool split = false;

	for (size_t i = 0; i < r->args.count; i++) {
		split = split || seen & 1u << r->args.items[i].index;
		seen |= 1u << r->args.items[i].index;
		held += holds(&r->args.items[i], data, wide);
	}
	return split ? held > 0 : held == r->args.count;
}

static const struct seccomp_arch *arch_of(const struct spec_seccomp *spec,
					  const struct seccomp_data *data)
{
	const struct seccomp_arch *arch = seccomp_arch_of_this_machine();
	bool x32 = data->arch == AUDIT_ARCH_X86_64 && data->nr & 0x40000000;

	/* -1 is x86_64's own where there is no x32; numbers with the top bit only belong to none. */
	if (data->arch == AUDIT_ARCH_X86_64 && (uint32_t)data->nr >= 0x40000000)
		x32 = (uint32_t)data->nr != UINT32_MAX ||
		      strv_has(&spec->architectures, "SCMP_ARCH_X32");
	if (!x32 && arch->audit == data->arch)
		return arch;
	for (size_t i = 0; i < spec->architectures.count; i++) {
		arch = seccomp_arch_find(spec->architectures.items[i]);
		/* One that this libseccomp doesn't know is left out. */
		if (arch && arch->audit == data->arch && x32 == str_eq(arch->name, "SCMP_ARCH_X32"))
			return arch;
	}
	return NULL;
}

/* One resolver's numbers for all names of a spec. */
struct numbers {
	const struct seccomp_arch *arch;
	struct seccomp_number *items;
	size_t count;
};

static struct numbers cache[32];

void bpf_forget(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cache); i++) {
		free(cache[i].items);
		cache[i] = (struct numbers){ 0 };
	}
}

static struct numbers *numbers_of(const struct spec_seccomp *spec, const struct seccomp_arch *arch)
{
	struct seccomp_resolver resolver;
	struct numbers *c = cache;

	while (c->arch && c->arch != arch)
		c++;
	if (c->arch)
		return c;
	c->arch = arch;
	seccomp_resolver_init(&resolver, arch);
	for (size_t i = 0; i < spec->rules.count; i++)
		for (size_t j = 0; j < spec->rules.items[i].names.count; j++) {
			c->items = xrealloc(c->items, c->count + 1, sizeof(*c->items));
			c->items[c->count++] =
				seccomp_resolve(&resolver, spec->rules.items[i].names.items[j]);
		}
	return c;
}

uint32_t bpf_expect(const struct spec_seccomp *spec, const struct seccomp_data *data)
{
	const struct seccomp_arch *arch = arch_of(spec, data);
	uint32_t def = action_of(spec->default_action, &spec->default_errno_ret), found = def,
		 largest = 0;
	/* There an unknown number arrives as 0. */
	bool s390 = data->arch == AUDIT_ARCH_S390 || data->arch == AUDIT_ARCH_S390X;
	bool any = false, matched = false;
	const struct seccomp_number *n;

	if (!arch)
		return SECCOMP_RET_KILL_PROCESS;
	n = numbers_of(spec, arch)->items;
	for (size_t i = 0; i < spec->rules.count; i++) {
		const struct spec_seccomp_rule *r = &spec->rules.items[i];
		uint32_t action = action_of(r->action, &r->errno_ret);

		for (size_t j = 0; j < r->names.count; j++, n++) {
			bool mine = n->direct && n->number == (uint32_t)data->nr;
			bool mux = n->muxed && n->mux == (uint32_t)data->nr;

			any = any || n->direct || n->muxed;
			largest = n->direct && n->number > largest ? n->number : largest;
			largest = n->muxed && n->mux > largest ? n->mux : largest;
			if (action == def)
				continue;
			if (mine && r->args.count == 0)
				return action; /* the first without arguments beats all others */
			if (matched)
				continue;
			if (mine && rule_holds(r, data, arch->wide)) {
				matched = true;
				found = action;
			}
			if (mux && n->subcall == ((uint32_t)data->args[0] & n->subcall_mask) &&
			    (r->args.count == 0 ||
			     (action != SECCOMP_RET_ALLOW && action != SECCOMP_RET_LOG))) {
				matched = true;
				found = action;
			}
		}
	}
	if (!matched && any && ((uint32_t)data->nr > largest || (s390 && data->nr == 0)) &&
	    (def & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		return SECCOMP_RET_ERRNO | ENOSYS;
	return found;
}

static enum scmp_compare compare_of(const char *op)
{
	static const char *const names[] = {
		[SCMP_CMP_NE] = "SCMP_CMP_NE",
		[SCMP_CMP_LT] = "SCMP_CMP_LT",
		[SCMP_CMP_LE] = "SCMP_CMP_LE",
		[SCMP_CMP_EQ] = "SCMP_CMP_EQ",
		[SCMP_CMP_GE] = "SCMP_CMP_GE",
		[SCMP_CMP_GT] = "SCMP_CMP_GT",
		[SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], op))
			return (enum scmp_compare)i;
	abort();
}

static void add_rule(scmp_filter_ctx ctx, const struct spec_seccomp_rule *r, uint32_t action,
		     int nr)
{
	struct scmp_arg_cmp args[SECCOMP_ARGS];
	unsigned int seen = 0;
	bool split = false;
	int rc = 0;

	for (size_t i = 0; i < r->args.count; i++) {
		const struct spec_seccomp_arg *a = &r->args.items[i];

		split = split || seen & 1u << a->index;
		seen |= 1u << a->index;
		args[i] = (struct scmp_arg_cmp){ a->index, compare_of(a->op), a->value,
						 a->value_two };
	}
	if (!split)
		rc = seccomp_rule_add_array(ctx, action, nr, (unsigned int)r->args.count, args);
	for (size_t i = 0; split && rc == 0 && i < r->args.count; i++)
		rc = seccomp_rule_add_array(ctx, action, nr, 1, &args[i]);
	assert(rc == 0 || rc == -EEXIST);
}

void bpf_libseccomp(const struct spec_seccomp *spec, int optimize, struct seccomp_filter *ret)
{
	uint32_t def = action_of(spec->default_action, &spec->default_errno_ret);
	scmp_filter_ctx ctx = seccomp_init(def);
	CLEAN(fd) int fd = memfd_create("bpf", MFD_CLOEXEC);
	off_t size;

	assert(ctx && fd >= 0);
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, (uint32_t)optimize);
	for (size_t i = 0; i < spec->architectures.count; i++) {
		int rc = seccomp_arch_add(ctx,
					  seccomp_arch_find(spec->architectures.items[i])->token);

		assert(rc == 0 || rc == -EEXIST);
	}
	for (size_t i = 0; i < spec->rules.count; i++) {
		const struct spec_seccomp_rule *r = &spec->rules.items[i];
		uint32_t action = action_of(r->action, &r->errno_ret);

		for (size_t j = 0; action != def && j < r->names.count; j++) {
			int nr = seccomp_syscall_resolve_name(r->names.items[j]);

			if (nr != __NR_SCMP_ERROR)
				add_rule(ctx, r, action, nr);
		}
	}
	assert(seccomp_export_bpf(ctx, fd) == 0);
	seccomp_release(ctx);
	size = lseek(fd, 0, SEEK_END);
	*ret = (struct seccomp_filter){
		.insns = xcalloc(1, (size_t)size),
		.count = (size_t)size / sizeof(struct sock_filter),
	};
	assert(pread(fd, ret->insns, (size_t)size, 0) == size);
}

struct spec_seccomp_rule *bpf_rule(struct spec_seccomp *spec, const char *action, int errno_ret,
				   const char *names)
{
	struct spec_seccomp_rule *r = SPEC_ADD(&spec->rules);

	r->action = xstrdup(action);
	r->errno_ret = (struct opt_u64){ errno_ret >= 0, errno_ret >= 0 ? (uint64_t)errno_ret : 0 };
	strv_split(&r->names, names, ' ');
	return r;
}

void bpf_arg(struct spec_seccomp_rule *r, unsigned int index, const char *op, uint64_t value,
	     uint64_t value_two)
{
	struct spec_seccomp_arg *a = SPEC_ADD(&r->args);

	*a = (struct spec_seccomp_arg){ index, value, value_two, xstrdup(op) };
}
