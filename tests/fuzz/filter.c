#include "filter.h"

#include "fuzz.h"
#include "tests/unit/sandbox/bpf.h"

#include "sandbox/seccomp_rules.h"
#include "spec/load.h"

#include <linux/audit.h>

#define NAMES_MAX 48 /* more make it slow, and show no more */
#define SAMPLES 3

/* The same calls each time for the same rules. */
static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 33;
}

/* A value that a test of some rule asks about, or one beside it. */
static uint64_t near_value(const struct spec_seccomp *spec)
{
	const struct spec_seccomp_rule *r = &spec->rules.items[random_next() % spec->rules.count];
	const struct spec_seccomp_arg *a;
	uint64_t v;

	if (!r->args.count)
		return random_next() % 64;
	a = &r->args.items[random_next() % r->args.count];
	v = random_next() % 3 ? a->value : a->value_two;
	switch (random_next() % 8) {
	case 0:
		return v + 1;
	case 1:
		return v - 1;
	case 2:
		return v ^ 1ull << 32;
	case 3:
		return v | random_next() << 32;
	case 4:
		return v ^ 1ull << random_next() % 64;
	default:
		return v;
	}
}

static void show(const struct spec_seccomp *seccomp)
{
	struct spec spec = { .lin.seccomp = *seccomp };
	CLEAN(json) struct json_object *o = spec_to_json(&spec);

	fprintf(stderr, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

static void ask(const struct spec_seccomp *spec, const struct seccomp_filter *f, uint32_t audit,
		uint32_t nr)
{
	for (int i = 0; i < SAMPLES; i++) {
		struct seccomp_data d = { .nr = (int)nr, .arch = audit };
		uint32_t got, want;

		for (unsigned int a = 0; spec->rules.count && a < SECCOMP_ARGS; a++)
			d.args[a] = near_value(spec);
		got = bpf_run(f, &d, NULL);
		want = bpf_expect(spec, &d);
		if (got == want)
			continue;
		show(spec);
		fuzz_broken("arch %#x nr %#x args %#llx %#llx %#llx %#llx %#llx %#llx: the "
			    "filter says %#x, the rules say %#x",
			    audit, nr, (unsigned long long)d.args[0], (unsigned long long)d.args[1],
			    (unsigned long long)d.args[2], (unsigned long long)d.args[3],
			    (unsigned long long)d.args[4], (unsigned long long)d.args[5], got,
			    want);
	}
}

/* The numbers of all that is named, and their neighbours; and the ends of what a number can be. */
static void ask_arch(const struct spec_seccomp *spec, const struct seccomp_filter *f,
		     const struct seccomp_arch *arch)
{
	static const uint32_t ends[] = { 0,          1,          0x3fffffff, 0x40000000,
					 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };
	struct seccomp_resolver resolver;

	seccomp_resolver_init(&resolver, arch);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		ask(spec, f, arch->audit, ends[i]);
	for (size_t i = 0; i < spec->rules.count; i++) {
		const struct strv *names = &spec->rules.items[i].names;

		for (size_t j = 0; j < names->count; j++) {
			struct seccomp_number n = seccomp_resolve(&resolver, names->items[j]);

			for (uint32_t k = 0; n.direct && k < 3; k++)
				ask(spec, f, arch->audit, n.number + k - 1);
			if (n.muxed)
				ask(spec, f, arch->audit, n.mux);
		}
	}
}

static size_t names_count(const struct spec_seccomp *spec)
{
	size_t count = 0;

	for (size_t i = 0; i < spec->rules.count; i++)
		count += spec->rules.items[i].names.count;
	return count;
}

/* What the kernel's checker asks beside what bpf_run() aborts at: no way out but a return. */
static void is_sound(const struct seccomp_filter *f)
{
	if (!f->count || f->count > BPF_MAXINSNS)
		fuzz_broken("%zu instructions", f->count);
	for (size_t i = 0; i < f->count; i++) {
		const struct sock_filter *s = &f->insns[i];
		bool jumps = BPF_CLASS(s->code) == BPF_JMP;
		uint64_t reach = BPF_OP(s->code) == BPF_JA ? s->k : s->jt > s->jf ? s->jt : s->jf;

		if (jumps && i + 1 + reach >= f->count)
			fuzz_broken("instruction %zu jumps out of %zu", i, f->count);
	}
	if (BPF_CLASS(f->insns[f->count - 1].code) != BPF_RET)
		fuzz_broken("the last instruction is no return");
}

void filter_judge(const struct spec_seccomp *spec)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	CLEAN(strv) struct strv warnings = { 0 };
	struct err err = { 0 };
	int rc = seccomp_compile(spec, &f, &warnings, &err);

	fuzz_check(rc, &err);
	if (rc < 0 || !spec->set)
		return;
	is_sound(&f);
	if (names_count(spec) > NAMES_MAX)
		return;
	random_state = f.count;
	bpf_forget();
	ask_arch(spec, &f, seccomp_arch_of_this_machine());
	for (size_t i = 0; i < spec->architectures.count; i++)
		if (seccomp_arch_find(spec->architectures.items[i]))
			ask_arch(spec, &f, seccomp_arch_find(spec->architectures.items[i]));
	ask(spec, &f, AUDIT_ARCH_SPARC64, 1);
	bpf_forget();
}
