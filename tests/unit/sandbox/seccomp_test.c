/* Filters do what the rules say, on every number, and what libseccomp's would. */
#include "bpf.h"

#include "sandbox/seccomp_rules.h"
#include "spec/load.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- numbers that differ from run to run would help nobody ------------------------- */

static uint64_t random_state = 1;

static uint64_t random_next(uint64_t below)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % below;
}

static const char *const archs[] = {
	"SCMP_ARCH_X86",    "SCMP_ARCH_X32",         "SCMP_ARCH_ARM",     "SCMP_ARCH_AARCH64",
	"SCMP_ARCH_MIPSEL", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64",
};

static const uint32_t audits[] = {
	AUDIT_ARCH_X86_64,  AUDIT_ARCH_I386,    AUDIT_ARCH_ARM,
	AUDIT_ARCH_AARCH64, AUDIT_ARCH_MIPSEL,  AUDIT_ARCH_MIPSEL64N32,
	AUDIT_ARCH_PPC64LE, AUDIT_ARCH_RISCV64, AUDIT_ARCH_SPARC64,
};

/* Where each architecture's numbers begin, and what lies at the edges. */
static const uint32_t bases[] = { 0,          4000,       6000,       0x3fffff00, 0x40000000,
				  0x7fffff00, 0x80000000, 0xfffffe80, 0xf0000 };

static void compile(const struct spec_seccomp *spec, struct seccomp_filter *ret)
{
	struct strv warnings = { 0 };
	struct err err = { 0 };

	bpf_forget();
	if (seccomp_compile(spec, ret, &warnings, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(warnings.count, 0);
}

static uint32_t run(const struct seccomp_filter *f, uint32_t audit, uint32_t nr, uint64_t arg0)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = audit, .args = { arg0 } };

	return bpf_run(f, &data, NULL);
}

static void differ(const char *what, const struct seccomp_data *d, uint32_t got, uint32_t want)
{
	fail_msg(
		"%s: arch %#x nr %#x args %llx %llx %llx %llx %llx %llx: the filter says %#x, not %#x",
		what, d->arch, (unsigned int)d->nr, (unsigned long long)d->args[0],
		(unsigned long long)d->args[1], (unsigned long long)d->args[2],
		(unsigned long long)d->args[3], (unsigned long long)d->args[4],
		(unsigned long long)d->args[5], got, want);
}

/* Values next to those that the rules test, in either half, and some that have nothing to do with them. */
static uint64_t sample(const struct spec_seccomp *spec, unsigned int index)
{
	for (int tries = 0; tries < 8 && spec->rules.count; tries++) {
		const struct spec_seccomp_rule *r =
			&spec->rules.items[random_next(spec->rules.count)];
		uint64_t v;

		if (r->args.count == 0)
			continue;
		v = r->args.items[random_next(r->args.count)].value;
		if (random_next(4) == 0)
			v = r->args.items[0].value_two | random_next(16);
		switch (random_next(8)) {
		case 0:
			return v + 1;
		case 1:
			return v - 1;
		case 2:
			return v ^ 1ull << 32;
		case 3:
			return v | random_next(UINT32_MAX) << 32;
		case 4:
			return v + index;
		default:
			return v;
		}
	}
	return random_next(64);
}

static void compare_at(const struct spec_seccomp *spec, const struct seccomp_filter *f,
		       uint32_t audit, uint32_t nr, int samples)
{
	for (int i = 0; i < samples; i++) {
		struct seccomp_data d = { .nr = (int)nr, .arch = audit };
		uint32_t got, want;

		for (unsigned int a = 0; a < SECCOMP_ARGS; a++)
			d.args[a] = sample(spec, a);
		got = bpf_run(f, &d, NULL);
		want = bpf_expect(spec, &d);
		if (got != want)
			differ("rules", &d, got, want);
	}
}

static void compare_everywhere(const struct spec_seccomp *spec, const struct seccomp_filter *f,
			       int samples)
{
	for (size_t a = 0; a < ARRAY_LEN(audits); a++)
		for (size_t b = 0; b < ARRAY_LEN(bases); b++)
			for (uint32_t n = 0; n < 480 && n <= UINT32_MAX - bases[b]; n++)
				compare_at(spec, f, audits[a], bases[b] + n, samples);
}

/* ---- specs of every shape ---------------------------------------------------------- */

static const char *const names[] = {
	"read",       "write",        "open",       "close",   "stat",         "socket",
	"socketpair", "connect",      "bind",       "shmat",   "semop",        "semget",
	"msgctl",     "clone",        "clone3",     "openat2", "ptrace",       "personality",
	"ioctl",      "prctl",        "mmap",       "mmap2",   "getpid",       "ipc",
	"socketcall", "umount",       "umount2",    "futex",   "futex_time64", "mseal",
	"uretprobe",  "nosuchcall",   "breakpoint", "set_tls", "accept",       "accept4",
	"send",       "rt_sigreturn", "execveat",   "bpf",
};
static const char *const op_names[] = { "SCMP_CMP_EQ",       "SCMP_CMP_NE", "SCMP_CMP_LT",
					"SCMP_CMP_LE",       "SCMP_CMP_GT", "SCMP_CMP_GE",
					"SCMP_CMP_MASKED_EQ" };
static const char *const action_names[] = {
	"SCMP_ACT_ALLOW",        "SCMP_ACT_ERRNO",       "SCMP_ACT_ERRNO",
	"SCMP_ACT_KILL",         "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRACE",
	"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP",        "SCMP_ACT_LOG",
};

static uint64_t random_value(void)
{
	static const uint64_t values[] = { 0,          1,          2,
					   8,          40,         0x7e020000,
					   UINT32_MAX, 1ull << 32, (1ull << 32) + 40,
					   1ull << 63, UINT64_MAX, UINT32_MAX - 1 };

	return random_next(5) ? values[random_next(ARRAY_LEN(values))] :
				random_next(UINT32_MAX) << random_next(33);
}

/* The action of a rule with its errno, as text and number. */
static struct spec_seccomp_rule *random_rule(struct spec_seccomp *spec, const char *name)
{
	const char *action = action_names[random_next(ARRAY_LEN(action_names))];
	bool takes = str_eq(action, "SCMP_ACT_ERRNO") || str_eq(action, "SCMP_ACT_TRACE");
	struct spec_seccomp_rule *r =
		bpf_rule(spec, action, takes ? (int)random_next(5) - 1 : -1, name);

	for (uint64_t i = random_next(3) ? random_next(4) : 0; i > 0; i--)
		bpf_arg(r, (unsigned int)random_next(SECCOMP_ARGS),
			op_names[random_next(ARRAY_LEN(op_names))], random_value(), random_value());
	return r;
}

static void random_spec(struct spec_seccomp *spec)
{
	*spec = (struct spec_seccomp){ .set = true };
	spec->default_action = xstrdup(action_names[random_next(ARRAY_LEN(action_names))]);
	for (size_t i = 0; i < ARRAY_LEN(archs); i++)
		if (random_next(2))
			strv_add(&spec->architectures, archs[i]);
	for (uint64_t i = random_next(30); i > 0; i--) {
		struct spec_seccomp_rule *r =
			random_rule(spec, names[random_next(ARRAY_LEN(names))]);

		for (uint64_t j = random_next(4); j > 0; j--)
			strv_add(&r->names, names[random_next(ARRAY_LEN(names))]);
	}
}

static void test_program_says_what_the_rules_say_on_every_number(void **state)
{
	(void)state;
	for (int round = 0; round < 12; round++) {
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
		struct spec_seccomp spec;

		random_spec(&spec);
		compile(&spec, &f);
		compare_everywhere(&spec, &f, 2);
		spec_seccomp_free(&spec);
	}
}

static void test_program_says_what_the_rules_say_for_every_argument(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
		struct spec_seccomp spec;

		random_spec(&spec);
		compile(&spec, &f);
		for (size_t n = 0; n < ARRAY_LEN(names); n++)
			for (size_t a = 0; a < 4; a++) {
				static const uint32_t tokens[] = { SCMP_ARCH_X86_64, SCMP_ARCH_X86,
								   SCMP_ARCH_X32,
								   SCMP_ARCH_AARCH64 };
				int nr = seccomp_syscall_resolve_name_rewrite(tokens[a], names[n]);

				if (nr >= 0)
					compare_at(&spec, &f,
						   tokens[a] == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 :
										tokens[a],
						   (uint32_t)nr, 6);
			}
		spec_seccomp_free(&spec);
	}
}

/*
 * Where libseccomp's meaning and ours are the same: rules for one call have one action and either one
 * of them has tests of several arguments or all have one test (its tree doesn't come back from a rule
 * of which half holds to try the next); no multiplexed call has arguments; no ENOSYS for newer calls.
 */
static void comparable_spec(struct spec_seccomp *spec)
{
	static const char *const plain[] = { "read",        "write", "open",    "clone", "ptrace",
					     "personality", "ioctl", "prctl",   "mmap",  "futex",
					     "getpid",      "kill",  "openat2", "dup" };

	*spec = (struct spec_seccomp){ .set = true };
	spec->default_action = xstrdup(random_next(2) ? "SCMP_ACT_KILL_PROCESS" : "SCMP_ACT_ALLOW");
	strv_add(&spec->architectures, "SCMP_ARCH_X86_64");
	if (random_next(2))
		strv_add(&spec->architectures, "SCMP_ARCH_X86");
	if (random_next(2))
		strv_add(&spec->architectures, "SCMP_ARCH_X32");
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		for (uint64_t count = random_next(4), k = count; k > 0; k--) {
			struct spec_seccomp_rule *r =
				bpf_rule(spec, "SCMP_ACT_ERRNO", (int)i + 1, plain[i]);

			for (uint64_t j = count > 1 ? 1 : random_next(4); j > 0; j--)
				bpf_arg(r, (unsigned int)j,
					op_names[random_next(ARRAY_LEN(op_names))], random_next(64),
					random_next(64));
		}
	if (random_next(2))
		bpf_rule(spec, "SCMP_ACT_TRAP", -1, "connect bind shmat semop accept4");
}

static void test_program_does_what_libseccomps_does(void **state)
{
	(void)state;
	for (int round = 0; round < 60; round++) {
		CLEAN(seccomp_filter) struct seccomp_filter ours = { 0 };
		CLEAN(seccomp_filter) struct seccomp_filter theirs = { 0 };
		struct spec_seccomp spec;

		comparable_spec(&spec);
		compile(&spec, &ours);
		bpf_libseccomp(&spec, 1, &theirs);
		for (int i = 0; i < 6000; i++) {
			struct seccomp_data d = {
				.nr = (int)(random_next(450) +
					    (random_next(3) ? 0 : bases[random_next(9)])),
				.arch = audits[random_next(3) ? 0 : random_next(3)],
			};
			uint32_t got, want;

			for (int a = 0; a < SECCOMP_ARGS; a++)
				d.args[a] = random_next(64) |
					    (random_next(8) ? 0 : random_next(4) << 32);
			got = bpf_run(&ours, &d, NULL);
			want = bpf_run(&theirs, &d, NULL);
			if (got != want)
				differ("libseccomp", &d, got, want);
		}
		spec_seccomp_free(&spec);
	}
}

/* ---- one behaviour each ------------------------------------------------------------- */

static void start(struct spec_seccomp *spec, const char *default_action, const char *arch_list)
{
	*spec = (struct spec_seccomp){ .set = true, .default_action = xstrdup(default_action) };
	if (arch_list)
		strv_split(&spec->architectures, arch_list, ' ');
}

#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))

static void test_errno_is_eperm_when_not_given(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ALLOW", NULL);
	bpf_rule(&spec, "SCMP_ACT_ERRNO", -1, "getpid");
	bpf_rule(&spec, "SCMP_ACT_TRACE", -1, "getuid");
	bpf_rule(&spec, "SCMP_ACT_ERRNO", 0, "getgid");
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 39, 0), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 102, 0), SECCOMP_RET_TRACE | EPERM);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 104, 0), ERRNO(0));
	spec_seccomp_free(&spec);
}

static void test_calls_newer_than_the_profile_get_enosys_not_eperm(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32");
	bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "read openat2");
	bpf_rule(&spec, "SCMP_ACT_ERRNO", -1,
		 "cachestat"); /* denied as all else: but it was known */
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 437, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 438, 0), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 451, 0), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 452, 0), ERRNO(ENOSYS));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0x3fffffff, 0), ERRNO(ENOSYS));
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 452, 0), ERRNO(ENOSYS));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0x40000000 + 437, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0x40000000 + 438, 0), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0x40000000 + 452, 0), ERRNO(ENOSYS));
	spec_seccomp_free(&spec);
}

static void test_architectures_not_listed_are_killed_and_x32_is_one(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ALLOW", NULL);
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0x3fffffff, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0x40000000, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0xfffffffe, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 0xffffffff, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 0, 0), SECCOMP_RET_KILL_PROCESS);
	spec_seccomp_free(&spec);
}

static void test_conditions_on_one_argument_are_alternatives(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp_rule *r;
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", NULL);
	r = bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "personality");
	bpf_arg(r, 0, "SCMP_CMP_EQ", 0, 0);
	bpf_arg(r, 0, "SCMP_CMP_EQ", 8, 0);
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 135, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 135, 8), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 135, 1), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 135, 8 | 1ull << 32), ERRNO(EPERM));
	spec_seccomp_free(&spec);
}

static void test_a_rule_without_arguments_beats_those_with_some(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", NULL);
	bpf_arg(bpf_rule(&spec, "SCMP_ACT_TRAP", -1, "clone"), 0, "SCMP_CMP_EQ", 17, 0);
	bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "clone");
	bpf_rule(&spec, "SCMP_ACT_KILL", -1, "clone");
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_X86_64, 56, 17), SECCOMP_RET_ALLOW);
	spec_seccomp_free(&spec);
}

static void test_an_argument_rule_does_not_open_socketcall(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", "SCMP_ARCH_X86");
	bpf_arg(bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "socket"), 0, "SCMP_CMP_EQ", 2, 0);
	bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "connect");
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 359, 2), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 359, 38), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 362, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 102, 3), SECCOMP_RET_ALLOW); /* connect */
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 102, 1), ERRNO(EPERM));      /* socket */
	spec_seccomp_free(&spec);
}

static void test_an_argument_rule_that_denies_shuts_socketcall(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ALLOW", "SCMP_ARCH_X86");
	bpf_arg(bpf_rule(&spec, "SCMP_ACT_ERRNO", 97, "socket"), 0, "SCMP_CMP_EQ", 38, 0);
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 359, 38), ERRNO(97));
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 359, 2), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 102, 1), ERRNO(97));
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 102, 2), SECCOMP_RET_ALLOW);
	spec_seccomp_free(&spec);
}

/*
 * The kernel reads 32 bits of socketcall's number and 16 of ipc's (above them stands a version): what a
 * caller puts above those must not lead past a rule.
 */
static void test_a_multiplexed_call_is_known_whatever_stands_above_its_number(void **state)
{
	static const struct {
		const char *arch;
		uint32_t audit;
	} on[] = { { "SCMP_ARCH_X86", AUDIT_ARCH_I386 },
		   { "SCMP_ARCH_S390X", AUDIT_ARCH_S390X },
		   { "SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(on); i++) {
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
		struct spec_seccomp spec;

		start(&spec, "SCMP_ACT_ALLOW", on[i].arch);
		bpf_rule(&spec, "SCMP_ACT_ERRNO", 1, "connect semop shmget");
		compile(&spec, &f);
		assert_int_equal(run(&f, on[i].audit, 102, 3), ERRNO(1)); /* connect */
		assert_int_equal(run(&f, on[i].audit, 102, 3 | 1ull << 32), ERRNO(1));
		assert_int_equal(run(&f, on[i].audit, 102, 3 | 1 << 16), SECCOMP_RET_ALLOW);
		assert_int_equal(run(&f, on[i].audit, 102, 2), SECCOMP_RET_ALLOW);
		assert_int_equal(run(&f, on[i].audit, 117, 1), ERRNO(1)); /* semop */
		assert_int_equal(run(&f, on[i].audit, 117, 1 | 1 << 16), ERRNO(1));
		assert_int_equal(run(&f, on[i].audit, 117, 23 | 1ull << 40), ERRNO(1));
		assert_int_equal(run(&f, on[i].audit, 117, 2), SECCOMP_RET_ALLOW);
		spec_seccomp_free(&spec);
	}
}

/* send(2) has no number of its own on i386: the largest that this profile names is socketcall's. */
static void test_a_multiplexer_above_all_numbers_that_are_named(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", "SCMP_ARCH_X86");
	bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "read send");
	compile(&spec, &f);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 3, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 4, 0), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 102, 9), SECCOMP_RET_ALLOW); /* send */
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 102, 1), ERRNO(EPERM));
	assert_int_equal(run(&f, AUDIT_ARCH_I386, 103, 0), ERRNO(ENOSYS));
	spec_seccomp_free(&spec);
}

static void test_names_newer_than_libseccomp_have_their_number(void **state)
{
	static const struct {
		const char *arch, *name;
		bool direct;
		uint32_t number;
	} rows[] = {
		{ "SCMP_ARCH_X86_64", "mseal", true, 462 },
		{ "SCMP_ARCH_X86", "mseal", true, 462 },
		{ "SCMP_ARCH_X32", "mseal", true, 0x400001ce },
		{ "SCMP_ARCH_MIPS", "mseal", true, 4462 },
		{ "SCMP_ARCH_X86_64", "uretprobe", true, 335 },
		{ "SCMP_ARCH_AARCH64", "uretprobe", false, 0 },
		{ "SCMP_ARCH_X86_64", "nosuch", false, 0 },
		{ "SCMP_ARCH_X86_64", "umount", false, 0 },
		{ "SCMP_ARCH_X86", "socket", true, 359 },
		{ "SCMP_ARCH_X86", "send", false, 0 },
		{ "SCMP_ARCH_S390X", "socket", true, 359 },
		{ "SCMP_ARCH_PPC64LE", "socket", true, 326 },
		{ "SCMP_ARCH_MIPS", "socket", true, 4183 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seccomp_resolver r;
		struct seccomp_number n;

		seccomp_resolver_init(&r, seccomp_arch_find(rows[i].arch));
		n = seccomp_resolve(&r, rows[i].name);
		if (n.direct != rows[i].direct || n.number != rows[i].number)
			fail_msg("%s on %s: %d %u", rows[i].name, rows[i].arch, n.direct, n.number);
	}
}

/* libseccomp names each number; that name must lead back to it, also where it hides the number behind
 * socketcall or ipc. */
static void test_every_number_is_found_by_its_name(void **state)
{
	static const struct {
		const char *arch;
		int first;
	} rows[] = {
		{ "SCMP_ARCH_X86_64", 0 },       { "SCMP_ARCH_X86", 0 },
		{ "SCMP_ARCH_X32", 0x40000000 }, { "SCMP_ARCH_AARCH64", 0 },
		{ "SCMP_ARCH_ARM", 0 },          { "SCMP_ARCH_MIPS", 4000 },
		{ "SCMP_ARCH_MIPSEL64", 5000 },  { "SCMP_ARCH_MIPS64N32", 6000 },
		{ "SCMP_ARCH_PPC", 0 },          { "SCMP_ARCH_PPC64LE", 0 },
		{ "SCMP_ARCH_S390", 0 },         { "SCMP_ARCH_S390X", 0 },
		{ "SCMP_ARCH_RISCV64", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct seccomp_arch *arch = seccomp_arch_find(rows[i].arch);
		struct seccomp_resolver r;
		size_t found = 0;

		seccomp_resolver_init(&r, arch);
		for (int n = rows[i].first; n < rows[i].first + 470; n++) {
			CLEAN(free) char *name = seccomp_syscall_resolve_num_arch(arch->token, n);
			struct seccomp_number back = { 0 };

			if (!name)
				continue;
			found++;
			back = seccomp_resolve(&r, name);
			if (!back.direct || back.number != (uint32_t)n)
				fail_msg("%s %d is %s, which is %u", arch->name, n, name,
					 back.number);
		}
		assert_true(found > 250);
	}
}

static void test_neighbours_of_one_fate_become_one_interval(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_KILL", NULL);
	bpf_rule(&spec, "SCMP_ACT_ALLOW", -1,
		 "read write open close stat fstat lstat poll lseek mmap");
	compile(&spec, &f);
	/* load and test the architecture, load the number, 3 tests (10, x32, -1), 3 returns */
	assert_in_range(f.count, 7, 10);
	spec_seccomp_free(&spec);
}

static void test_a_jump_over_more_than_255_instructions_arrives(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	struct spec_seccomp_rule *r;
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", "SCMP_ARCH_X86_64 SCMP_ARCH_X86");
	bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "read write openat2");
	/* 80 rules of 12 instructions for one call in the middle, each with an action of its own. */
	for (int i = 0; i < 80; i++) {
		r = bpf_rule(&spec, "SCMP_ACT_ERRNO", 200 + i, "ioctl");
		bpf_arg(r, 0, "SCMP_CMP_GT", (uint64_t)i, 0);
		bpf_arg(r, 1, "SCMP_CMP_EQ", (uint64_t)i * 3, 0);
		bpf_arg(r, 2, "SCMP_CMP_MASKED_EQ", 0xff0000000f, (uint64_t)i & 15);
	}
	compile(&spec, &f);
	assert_true(f.count > 1000);
	compare_everywhere(&spec, &f, 1);
	for (int i = 0; i < 3000; i++)
		compare_at(&spec, &f, i & 1 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_I386, i & 1 ? 16 : 54,
			   4);
	spec_seccomp_free(&spec);
}

static void test_a_program_over_the_kernels_limit_is_refused(void **state)
{
	struct seccomp_filter f = { 0 };
	struct err err = { 0 };
	struct spec_seccomp spec;

	(void)state;
	start(&spec, "SCMP_ACT_ERRNO", NULL);
	for (int i = 0; i < 1500; i++)
		bpf_arg(bpf_rule(&spec, "SCMP_ACT_ALLOW", -1, "ioctl"), 1, "SCMP_CMP_GT",
			(uint64_t)i << 33 | 5, 0);
	assert_int_equal(seccomp_compile(&spec, &f, NULL, &err), -E2BIG);
	assert_non_null(strstr(err.text, "the kernel takes 4096"));
	assert_null(f.insns);
	spec_seccomp_free(&spec);
}

static void test_no_profile_is_an_empty_filter(void **state)
{
	struct seccomp_filter f = { .count = 5 };
	struct spec_seccomp spec = { 0 };
	struct err err = { 0 };
	int fd = 5;

	(void)state;
	assert_int_equal(seccomp_compile(&spec, &f, NULL, &err), 0);
	assert_int_equal(f.count, 0);
	assert_int_equal(seccomp_filter_load(&f, &fd, &err), 0);
	assert_int_equal(fd, -1);
}

static void test_wait_killable_without_notify_is_a_warning(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	CLEAN(strv) struct strv warnings = { 0 };
	struct spec_seccomp spec;
	struct err err = { 0 };

	(void)state;
	start(&spec, "SCMP_ACT_ALLOW", NULL);
	strv_split(&spec.flags, "SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
		   ' ');
	assert_int_equal(seccomp_compile(&spec, &f, &warnings, &err), 0);
	assert_int_equal(f.flags, SECCOMP_FILTER_FLAG_LOG);
	assert_int_equal(warnings.count, 1);
	assert_non_null(strstr(warnings.items[0], "WAIT_KILLABLE_RECV"));
	spec_seccomp_free(&spec);
}

/* Whoever loads the filter calls nothing before the agent has its fd: no call is ours alone. */
static void test_any_call_can_be_notified_and_the_default_too(void **state)
{
	const char *const defaults[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_NOTIFY" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
		struct spec_seccomp spec;
		struct err err = { 0 };

		start(&spec, defaults[i], NULL);
		if (i == 0)
			bpf_rule(&spec, "SCMP_ACT_NOTIFY", -1, "write sendmsg execve exit_group");
		assert_int_equal(seccomp_compile(&spec, &f, NULL, &err), 0);
		assert_true(f.wants_listener);
		spec_seccomp_free(&spec);
	}
}

/* ---- what is refused, and in which words ---------------------------------------------- */

struct refusal {
	const char *action, *names, *op, *flag, *arch, *default_action, *want;
	int errno_ret;
	unsigned int index;
};

static void test_refusals_name_the_key(void **state)
{
	static const struct refusal rows[] = {
		{ .action = "ALLOW",
		  .want = "linux.seccomp.syscalls[0].action: there is no action \"ALLOW\"" },
		{ .default_action = "SCMP_ACT_NONE",
		  .want = "linux.seccomp.defaultAction: there is no action" },
		{ .op = "SCMP_CMP_XX",
		  .want = "linux.seccomp.syscalls[0].args[0].op: there is no operator" },
		{ .index = 6,
		  .want = "linux.seccomp.syscalls[0].args[0].index: 6: a system call has" },
		{ .action = "SCMP_ACT_KILL",
		  .errno_ret = 3,
		  .want = "syscalls[0].action: SCMP_ACT_KILL takes no errno" },
		{ .action = "SCMP_ACT_ERRNO",
		  .errno_ret = 4096,
		  .want = "errnoRet 4096 is above 4095" },
		{ .flag = "SECCOMP_FILTER_FLAG_X",
		  .want = "linux.seccomp.flags[0]: there is no flag" },
		{ .arch = "SCMP_ARCH_VAX",
		  .want = "linux.seccomp.architectures[0]: \"SCMP_ARCH_VAX\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct refusal *t = &rows[i];
		struct seccomp_filter f = { 0 };
		struct spec_seccomp_rule *r;
		struct spec_seccomp spec;
		struct err err = { 0 };

		start(&spec, t->default_action ? t->default_action : "SCMP_ACT_ALLOW", t->arch);
		if (t->flag)
			strv_add(&spec.flags, t->flag);
		r = bpf_rule(&spec, t->action ? t->action : "SCMP_ACT_TRAP",
			     t->errno_ret ? t->errno_ret : -1, t->names ? t->names : "read");
		bpf_arg(r, t->index, t->op ? t->op : "SCMP_CMP_EQ", 1, 0);
		assert_true(seccomp_compile(&spec, &f, NULL, &err) < 0);
		if (!strstr(err.text, t->want))
			fail_msg("row %zu says: %s", i, err.text);
		assert_null(f.insns);
		spec_seccomp_free(&spec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_says_what_the_rules_say_on_every_number),
		cmocka_unit_test(test_program_says_what_the_rules_say_for_every_argument),
		cmocka_unit_test(test_program_does_what_libseccomps_does),
		cmocka_unit_test(test_errno_is_eperm_when_not_given),
		cmocka_unit_test(test_calls_newer_than_the_profile_get_enosys_not_eperm),
		cmocka_unit_test(test_architectures_not_listed_are_killed_and_x32_is_one),
		cmocka_unit_test(test_conditions_on_one_argument_are_alternatives),
		cmocka_unit_test(test_a_rule_without_arguments_beats_those_with_some),
		cmocka_unit_test(test_an_argument_rule_does_not_open_socketcall),
		cmocka_unit_test(test_an_argument_rule_that_denies_shuts_socketcall),
		cmocka_unit_test(test_a_multiplexed_call_is_known_whatever_stands_above_its_number),
		cmocka_unit_test(test_a_multiplexer_above_all_numbers_that_are_named),
		cmocka_unit_test(test_names_newer_than_libseccomp_have_their_number),
		cmocka_unit_test(test_every_number_is_found_by_its_name),
		cmocka_unit_test(test_neighbours_of_one_fate_become_one_interval),
		cmocka_unit_test(test_a_jump_over_more_than_255_instructions_arrives),
		cmocka_unit_test(test_a_program_over_the_kernels_limit_is_refused),
		cmocka_unit_test(test_no_profile_is_an_empty_filter),
		cmocka_unit_test(test_wait_killable_without_notify_is_a_warning),
		cmocka_unit_test(test_any_call_can_be_notified_and_the_default_too),
		cmocka_unit_test(test_refusals_name_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
