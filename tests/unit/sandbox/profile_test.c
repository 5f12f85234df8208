/* The default profile denies what it says and gives back what it is asked to; other profiles are read. */
#include "bpf.h"
#include "child.h"

#include "sandbox/caps.h"
#include "sandbox/profile.h"
#include "sandbox/rights.h"
#include "sandbox/seccomp_rules.h"
#include "spec/load.h"
#include "spec/names.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CAP(n) (1ull << (n))

/* The filter of our own profile for these capabilities and words. */
static void filter_of(uint64_t caps, const char *words, struct seccomp_filter *ret)
{
	struct strv allow = { 0 };
	struct err err = { 0 };

	if (words)
		strv_split(&allow, words, ',');
	if (seccomp_filter_get_default(NULL, caps, &allow, ret, NULL, &err) < 0)
		fail_msg("%s", err.text);
	strv_free(&allow);
}

/* ---- what it denies and gives back, one row each, as the kernel sees it ----------------------- */

enum { ALLOWED = 0, KILLED = -1 };

struct row {
	const char *what;
	uint32_t arch;
	int nr;
	uint64_t arg0;
	int denied;       /* errno without anything given back */
	const char *word; /* gives it back */
	int cap;          /* does so as well; 0: none */
};

#define NATIVE AUDIT_ARCH_X86_64
#define I386 AUDIT_ARCH_I386

static const struct row rows[] = {
	{ "open a file", NATIVE, SYS_openat, 0, ALLOWED },
	{ "exec", NATIVE, SYS_execve, 0, ALLOWED },
	{ "a thread", NATIVE, SYS_clone, 0x3d0f00, ALLOWED },
	{ "clone3, so that clone is used", NATIVE, SYS_clone3, 0, ENOSYS, "userns", 21 },
	{ "clone a user namespace", NATIVE, SYS_clone, CLONE_NEWUSER | SIGCHLD, EPERM, "userns",
	  21 },
	{ "clone a mount namespace", NATIVE, SYS_clone, CLONE_NEWNS | SIGCHLD, EPERM, "userns",
	  21 },
	{ "clone a cgroup namespace", NATIVE, SYS_clone, CLONE_NEWCGROUP, EPERM, "userns", 21 },
	{ "unshare files", NATIVE, SYS_unshare, CLONE_FILES, ALLOWED },
	{ "unshare a user namespace", NATIVE, SYS_unshare, CLONE_NEWUSER, EPERM, "userns", 21 },
	{ "unshare a time namespace", NATIVE, SYS_unshare, 0x80, EPERM, "userns", 21 },
	{ "setns", NATIVE, SYS_setns, 3, EPERM, "userns", 21 },
	{ "mount", NATIVE, SYS_mount, 0, EPERM, "mount", 21 },
	{ "the new mount calls", NATIVE, SYS_open_tree, 0, EPERM, "mount", 21 },
	{ "pivot_root", NATIVE, SYS_pivot_root, 0, EPERM, "mount", 21 },
	{ "bpf", NATIVE, SYS_bpf, 0, EPERM, "bpf", 39 },
	{ "bpf for an administrator", NATIVE, SYS_bpf, 0, EPERM, "bpf", 21 },
	{ "perf", NATIVE, SYS_perf_event_open, 0, EPERM, "perf", 38 },
	{ "io_uring_setup", NATIVE, SYS_io_uring_setup, 8, EPERM, "io_uring" },
	{ "io_uring_enter", NATIVE, SYS_io_uring_enter, 8, EPERM, "io_uring" },
	{ "add_key", NATIVE, SYS_add_key, 0, EPERM, "keyring" },
	{ "keyctl", NATIVE, SYS_keyctl, 0, EPERM, "keyring" },
	{ "request_key", NATIVE, SYS_request_key, 0, EPERM, "keyring" },
	{ "userfaultfd", NATIVE, SYS_userfaultfd, 0, EPERM, "userfaultfd" },
	{ "socket unix", NATIVE, SYS_socket, AF_UNIX, ALLOWED },
	{ "socket inet", NATIVE, SYS_socket, AF_INET, ALLOWED },
	{ "socket inet6", NATIVE, SYS_socket, AF_INET6, ALLOWED },
	{ "socket netlink", NATIVE, SYS_socket, AF_NETLINK, ALLOWED },
	{ "socket packet", NATIVE, SYS_socket, AF_PACKET, ALLOWED },
	{ "socketpair unix", NATIVE, SYS_socketpair, AF_UNIX, ALLOWED },
	{ "socket alg", NATIVE, SYS_socket, AF_ALG, EAFNOSUPPORT, "af-alg" },
	{ "socketpair alg", NATIVE, SYS_socketpair, AF_ALG, EAFNOSUPPORT, "af-alg" },
	{ "socket vsock", NATIVE, SYS_socket, AF_VSOCK, EAFNOSUPPORT, "af-vsock" },
	{ "socket can", NATIVE, SYS_socket, AF_CAN, EAFNOSUPPORT, "af-rare" },
	{ "socket bluetooth", NATIVE, SYS_socket, AF_BLUETOOTH, EAFNOSUPPORT, "af-rare" },
	{ "socket tipc", NATIVE, SYS_socket, AF_TIPC, EAFNOSUPPORT, "af-rare" },
	{ "socket key", NATIVE, SYS_socket, AF_KEY, EAFNOSUPPORT, "af-rare" },
	{ "socket alg, disguised by its high half", NATIVE, SYS_socket, 1ull << 32 | AF_ALG,
	  EAFNOSUPPORT },
	{ "personality linux32", NATIVE, SYS_personality, PER_LINUX32, ALLOWED },
	{ "personality read", NATIVE, SYS_personality, 0xffffffff, ALLOWED },
	{ "no address randomization", NATIVE, SYS_personality, ADDR_NO_RANDOMIZE, EPERM },
	{ "ptrace", NATIVE, SYS_ptrace, 0, ALLOWED },
	{ "kernel log", NATIVE, SYS_syslog, 0, EPERM, NULL, 34 },
	{ "set the time", NATIVE, SYS_settimeofday, 0, EPERM, NULL, 25 },
	{ "load a module", NATIVE, SYS_finit_module, 0, EPERM, NULL, 16 },
	{ "reboot", NATIVE, SYS_reboot, 0, EPERM, NULL, 22 },
	{ "kexec", NATIVE, SYS_kexec_load, 0, EPERM },
	{ "swap", NATIVE, SYS_swapon, 0, EPERM },
	{ "ports", NATIVE, SYS_iopl, 0, EPERM, NULL, 17 },
	{ "file handles", NATIVE, SYS_open_by_handle_at, 0, EPERM, NULL, 2 },
	{ "chroot", NATIVE, SYS_chroot, 0, EPERM, NULL, 18 },
	{ "hostname", NATIVE, SYS_sethostname, 0, EPERM, NULL, 21 },
	{ "take fds of others", NATIVE, SYS_pidfd_getfd, 0, EPERM, NULL, 19 },
	{ "memory policy", NATIVE, SYS_mbind, 0, EPERM, NULL, 23 },
	{ "newer than we know", NATIVE, 500, 0, ENOSYS },
	{ "mseal, newer than libseccomp", NATIVE, 462, 0, ALLOWED },
	{ "lsm_set_self_attr", NATIVE, 460, 0, EPERM },
	{ "skipped by a tracer", NATIVE, -1, 0, ENOSYS },
	{ "x32", NATIVE, 0x40000000, 0, KILLED },
	{ "i386 read", I386, 3, 0, ALLOWED },
	{ "i386 socket inet", I386, 359, AF_INET, ALLOWED },
	{ "i386 socket alg", I386, 359, AF_ALG, EAFNOSUPPORT, "af-alg" },
	{ "i386 socketcall connect", I386, 102, 3, ALLOWED },
	{ "i386 socketcall socket", I386, 102, 1, EAFNOSUPPORT, "socketcall" },
	{ "i386 socketcall socketpair", I386, 102, 8, EAFNOSUPPORT, "socketcall" },
	{ "i386 socketcall no such", I386, 102, 99, EPERM, "socketcall" },
	{ "i386 recvmmsg", I386, 337, 0, ALLOWED },
	{ "i386 sendmmsg", I386, 345, 0, ALLOWED },
	{ "i386 clone a user namespace", I386, 120, CLONE_NEWUSER, EPERM, "userns", 21 },
	{ "i386 mount", I386, 21, 0, EPERM, "mount", 21 },
	{ "i386 umount", I386, 22, 0, EPERM, "mount", 21 },
	{ "i386 vm86", I386, 113, 0, EPERM },
	{ "arm", AUDIT_ARCH_ARM, 0, 0, KILLED },
};

static void expect(const struct row *r, const struct seccomp_filter *f, int want, const char *when)
{
	struct seccomp_data data = { .nr = r->nr, .arch = r->arch, .args = { r->arg0 } };
	uint32_t got = bpf_run(f, &data, NULL);
	uint32_t action = want == ALLOWED ? SECCOMP_RET_ALLOW :
			  want == KILLED  ? SECCOMP_RET_KILL_PROCESS :
					    SECCOMP_RET_ERRNO | (uint32_t)want;

	if (got != action)
		fail_msg("%s, %s: %#x instead of %#x", r->what, when, got, action);
}

static void test_what_is_denied_and_what_gives_it_back(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter bare = { 0 };

	(void)state;
	filter_of(0, NULL, &bare);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		expect(r, &bare, r->denied, "bare");
		if (r->word) {
			CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };

			filter_of(0, r->word, &f);
			expect(r, &f, ALLOWED, r->word);
		}
		if (r->cap) {
			CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };

			filter_of(CAP(r->cap), NULL, &f);
			expect(r, &f, ALLOWED, spec_cap_name(r->cap));
		}
	}
}

/* A word gives back its own group and nothing else; so does a capability of the default 14. */
static void test_a_word_gives_back_no_more_than_its_own(void **state)
{
	(void)state;
	for (const struct profile_group *g = profile_groups; *g->name; g++) {
		CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };

		filter_of(0, g->name, &f);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (!rows[i].word || strcmp(rows[i].word, g->name) != 0)
				expect(&rows[i], &f, rows[i].denied, g->name);
	}
}

static void test_all_words_together(void **state)
{
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	CLEAN(str) struct str words = { 0 };

	(void)state;
	for (const struct profile_group *g = profile_groups; *g->name; g++)
		str_printf(&words, "%s%s", words.len ? "," : "", g->name);
	filter_of(0, words.text, &f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(&rows[i], &f, rows[i].word ? ALLOWED : rows[i].denied, "all words");
}

static void test_an_unknown_word_lists_those_there_are(void **state)
{
	struct strv allow = { 0 };
	struct seccomp_filter f;
	struct err err = { 0 };

	(void)state;
	strv_split(&allow, "bpf,usernamespaces", ',');
	assert_int_equal(seccomp_profile_allow_check(&allow, &err), -EINVAL);
	assert_non_null(
		strstr(err.text,
		       "there is no group \"usernamespaces\"; there are userns, mount, bpf"));
	assert_int_equal(seccomp_filter_get_default(NULL, 0, &allow, &f, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "annotations.dev.ctr.allow: there is no group"));
	strv_free(&allow);
}

/* Every name in the profile means something to libseccomp or to us, on some architecture. */
static void test_no_name_in_the_profile_is_misspelt(void **state)
{
	static const char *const arches[] = { "SCMP_ARCH_X86_64",  "SCMP_ARCH_X86",
					      "SCMP_ARCH_ARM",     "SCMP_ARCH_S390X",
					      "SCMP_ARCH_PPC64LE", "SCMP_ARCH_RISCV64" };
	CLEAN(spec_seccomp) struct spec_seccomp spec = { 0 };
	struct strv all = { 0 };
	struct err err = { 0 };

	(void)state;
	for (const struct profile_group *g = profile_groups; *g->name; g++)
		strv_add(&all, g->name);
	assert_int_equal(seccomp_profile_default(UINT64_MAX, &all, &spec, &err), 0);
	for (size_t i = 0; i < spec.rules.count; i++)
		for (size_t j = 0; j < spec.rules.items[i].names.count; j++) {
			const char *name = spec.rules.items[i].names.items[j];
			bool known = strcmp(name, "riscv_hwprobe") == 0; /* newer than libseccomp */

			for (size_t a = 0; a < ARRAY_LEN(arches); a++) {
				struct seccomp_resolver r;
				struct seccomp_number n;

				seccomp_resolver_init(&r, seccomp_arch_find(arches[a]));
				n = seccomp_resolve(&r, name);
				known = known || n.direct || n.muxed;
			}
			if (!known)
				fail_msg("there is no system call %s", name);
		}
	strv_free(&all);
}

/* The whole default filter, every number, against the plain evaluation. */
static void test_the_program_is_what_the_profile_says(void **state)
{
	CLEAN(spec_seccomp) struct spec_seccomp spec = { 0 };
	CLEAN(seccomp_filter) struct seccomp_filter f = { 0 };
	static const uint64_t args[] = { 0,          1,         8,  16,      38,
					 40,         63,        64, 0x20000, CLONE_NEWUSER,
					 1ull << 32, UINT64_MAX };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(seccomp_profile_default(spec_default_caps, NULL, &spec, &err), 0);
	assert_int_equal(seccomp_compile(&spec, &f, NULL, &err), 0);
	bpf_forget();
	for (int nr = -1; nr < 512; nr++)
		for (size_t i = 0; i < 2 * ARRAY_LEN(args); i++) {
			struct seccomp_data d = { .nr = nr,
						  .arch = i & 1 ? NATIVE : I386,
						  .args = { args[i / 2] } };

			assert_int_equal(bpf_run(&f, &d, NULL), bpf_expect(&spec, &d));
		}
	bpf_forget();
}

/* ---- the same with a real kernel ------------------------------------------------------------------ */

static int load_default(const char *words, struct err *err)
{
	struct seccomp_filter f = { 0 };
	struct strv allow = { 0 };

	if (words)
		strv_split(&allow, words, ',');
	if (rights_no_new_privs(err) < 0 ||
	    seccomp_filter_get_default(NULL, spec_default_caps, &allow, &f, NULL, err) < 0)
		return -1;
	return seccomp_filter_load(&f, NULL, err);
}

static int failed_with(long rc)
{
	return rc < 0 ? errno : 0;
}

/* i386's entry, from a 64-bit process: int 0x80 takes number and first argument in eax and ebx. */
static long i386_call(long nr, long arg0)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(arg0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

/* Some machines' kernels have no such entry: whoever uses it dies, and there is nothing to be denied. */
static bool has_i386(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(i386_call(20, 0) == getpid() ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool i386;

static int live_denials(struct err *err)
{
	struct perf_event_attr attr = { .size = sizeof(attr) };

	EXPECT(load_default(NULL, err) == 0);
	EXPECT(failed_with(socket(AF_ALG, SOCK_SEQPACKET, 0)) == EAFNOSUPPORT);
	EXPECT(failed_with(socket(AF_VSOCK, SOCK_STREAM, 0)) == EAFNOSUPPORT);
	EXPECT(failed_with(socket(AF_CAN, SOCK_RAW, 1)) == EAFNOSUPPORT);
	EXPECT(!i386 || i386_call(102, 1) == -EAFNOSUPPORT);
	EXPECT(!i386 || i386_call(359, AF_ALG) == -EAFNOSUPPORT);
	EXPECT(!i386 || i386_call(20, 0) == getpid());
	EXPECT(failed_with(unshare(CLONE_NEWUSER)) == EPERM);
	EXPECT(failed_with(unshare(CLONE_NEWNET)) == EPERM);
	EXPECT(failed_with(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)) == EPERM);
	EXPECT(failed_with(syscall(SYS_clone3, NULL, 0)) == ENOSYS);
	EXPECT(failed_with(syscall(SYS_bpf, 0, NULL, 0)) == EPERM);
	EXPECT(failed_with(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0)) == EPERM);
	EXPECT(failed_with(syscall(SYS_io_uring_setup, 1, NULL)) == EPERM);
	EXPECT(failed_with(syscall(SYS_keyctl, 0, -3, 0)) == EPERM);
	EXPECT(failed_with(syscall(SYS_userfaultfd, 0)) == EPERM);
	EXPECT(failed_with(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL)) == EPERM);
	EXPECT(failed_with(syscall(SYS_reboot, 0, 0, 0, NULL)) == EPERM);
	EXPECT(failed_with(syscall(500)) == ENOSYS);
	return 0;
}

static int live_permissions(struct err *err)
{
	int pair[2], status;
	pid_t pid;

	EXPECT(load_default(NULL, err) == 0);
	EXPECT(socket(AF_INET, SOCK_STREAM, 0) >= 0 && socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	EXPECT(unshare(CLONE_FILES) == 0);
	EXPECT(personality(0xffffffff) == PER_LINUX);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "test $(ls / | wc -l) -gt 3 && exit 7", NULL);
		_exit(1);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	return 0;
}

static int live_words(struct err *err)
{
	EXPECT(load_default(
		       "userns,bpf,keyring,userfaultfd,af-alg,af-vsock,af-rare,socketcall,io_uring",
		       err) == 0);
	/* What the kernel itself says of it, but not what the filter does. */
	EXPECT(failed_with(syscall(SYS_bpf, 9999, NULL, 0)) != EPERM);
	EXPECT(failed_with(syscall(SYS_io_uring_setup, 0, NULL)) != EPERM);
	EXPECT(failed_with(syscall(SYS_keyctl, 9999, 0, 0)) == EOPNOTSUPP);
	EXPECT(failed_with(syscall(SYS_userfaultfd, 0x7fffffff)) == EINVAL);
	EXPECT(failed_with(syscall(SYS_clone3, NULL, 0)) == EINVAL);
	EXPECT(!i386 || i386_call(102, 1) == -EFAULT);
	EXPECT(unshare(CLONE_NEWUSER) == 0);
	return 0;
}

static int live_x32(struct err *err)
{
	EXPECT(load_default(NULL, err) == 0);
	syscall(0x40000000 + SYS_getpid);
	return 0;
}

static void test_the_kernel_denies_it(void **state)
{
	(void)state;
	child_succeeds(live_denials);
}

static void test_the_kernel_lets_the_usual_through(void **state)
{
	(void)state;
	child_succeeds(live_permissions);
}

static void test_the_kernel_gives_it_back(void **state)
{
	(void)state;
	child_succeeds(live_words);
}

static void test_x32_kills(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(child_run(live_x32, &err), 128 + SIGSYS);
}

/* ---- loading ------------------------------------------------------------------------------------------ */

static int needs_no_new_privs(struct err *err)
{
	struct spec_caps none = { .set = true };
	struct seccomp_filter f = { 0 };

	EXPECT(seccomp_filter_get_default(NULL, 0, NULL, &f, NULL, err) == 0);
	EXPECT(caps_apply(&none, err) == 0);
	EXPECT(seccomp_filter_load(&f, NULL, err) == -EACCES);
	EXPECT(strstr(err->text, "process.noNewPrivileges"));
	f.flags = 1u << 20;
	EXPECT(rights_no_new_privs(err) == 0);
	EXPECT(seccomp_filter_load(&f, NULL, err) < 0);
	f.flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
		  SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	EXPECT(seccomp_filter_load(&f, NULL, err) == 0);
	return 0;
}

static int hands_out_a_listener(struct err *err)
{
	struct seccomp_filter f = { 0 };
	struct spec_seccomp spec = { .set = true, .default_action = (char *)"SCMP_ACT_ALLOW" };
	int fd = -1;

	strv_add(&spec.flags, "SECCOMP_FILTER_FLAG_TSYNC");
	bpf_rule(&spec, "SCMP_ACT_NOTIFY", -1, "getppid");
	EXPECT(seccomp_compile(&spec, &f, NULL, err) == 0 && f.wants_listener);
	EXPECT(rights_no_new_privs(err) == 0);
	EXPECT(seccomp_filter_load(&f, NULL, err) == -EINVAL);
	EXPECT(seccomp_filter_load(&f, &fd, err) == 0 && fd >= 0);
	EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	EXPECT(seccomp_filter_load(&f, &fd, err) == -EBUSY);
	EXPECT(strstr(err->text, "has a listener already"));
	return 0;
}

static void test_a_refusal_to_load_says_what_is_missing(void **state)
{
	(void)state;
	child_succeeds(needs_no_new_privs);
}

static void test_a_filter_that_notifies_hands_out_a_listener(void **state)
{
	(void)state;
	child_succeeds(hands_out_a_listener);
}

/* ---- reading profiles ----------------------------------------------------------------------------------- */

static int resolve(const char *json, uint64_t caps, const char *word, struct spec_seccomp *ret,
		   struct err *err)
{
	struct strv allow = { 0 };
	int rc;

	if (word)
		strv_add(&allow, word);
	*ret = (struct spec_seccomp){ 0 };
	rc = seccomp_profile_resolve(json, strlen(json), "p.json", caps, &allow, ret, err);
	strv_free(&allow);
	return rc;
}

#define HEAD \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\","
#define TAIL "}]}"

static void test_conditions_are_read_as_docker_reads_them(void **state)
{
	static const struct {
		const char *json, *word;
		uint64_t caps;
		size_t rules;
	} cases[] = {
		{ HEAD "\"args\":null,\"includes\":{},\"excludes\":{}" TAIL, NULL, 0, 1 },
		{ HEAD "\"includes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}" TAIL, NULL, CAP(5),
		  0 },
		{ HEAD "\"includes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}" TAIL, NULL,
		  CAP(5) | CAP(0), 1 },
		{ HEAD "\"excludes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}" TAIL, NULL, CAP(5),
		  0 },
		{ HEAD "\"excludes\":{\"caps\":[\"CAP_KILL\",\"CAP_CHOWN\"]}" TAIL, NULL, CAP(6),
		  1 },
		{ HEAD "\"includes\":{\"arches\":[\"arm64\",\"amd64\"]}" TAIL, NULL, 0, 1 },
		{ HEAD "\"includes\":{\"arches\":[\"arm64\"]}" TAIL, NULL, 0, 0 },
		{ HEAD "\"excludes\":{\"arches\":[\"amd64\"]}" TAIL, NULL, 0, 0 },
		{ HEAD "\"includes\":{\"minKernel\":\"4.8\"}" TAIL, NULL, 0, 1 },
		{ HEAD "\"includes\":{\"minKernel\":\"99.0\"}" TAIL, NULL, 0, 0 },
		{ HEAD "\"excludes\":{\"minKernel\":\"4.8\"}" TAIL, NULL, 0, 0 },
		{ HEAD "\"includes\":{\"allow\":[\"bpf\"]}" TAIL, NULL, 0, 0 },
		{ HEAD "\"includes\":{\"allow\":[\"bpf\"]}" TAIL, "bpf", 0, 1 },
		{ HEAD "\"excludes\":{\"allow\":[\"bpf\"]}" TAIL, "bpf", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec_seccomp spec;
		struct err err = { 0 };

		if (resolve(cases[i].json, cases[i].caps, cases[i].word, &spec, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		if (spec.rules.count != cases[i].rules)
			fail_msg("case %zu: %zu rules", i, spec.rules.count);
		spec_seccomp_free(&spec);
	}
}

static void test_both_forms_of_a_profile_are_read(void **state)
{
	const char *docker =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrno\":\"ENOSYS\",\"archMap\":["
		"{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]},"
		"{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":null}],"
		"\"syscalls\":[{\"name\":\"read\",\"action\":\"SCMP_ACT_ERRNO\",\"errno\":\"EPERM\","
		"\"args\":[{\"index\":1,\"value\":18446744073709551615,\"valueTwo\":7,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}";
	const char *plain =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X32\"],"
		"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"listenerPath\":\"/a\",\"listenerMetadata\":\"m\"}";
	struct spec_seccomp spec;
	struct err err = { 0 };

	(void)state;
	if (resolve(docker, 0, NULL, &spec, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(spec.set && spec.default_errno_ret.set);
	assert_int_equal(spec.default_errno_ret.value, ENOSYS);
	assert_int_equal(spec.architectures.count, 2);
	assert_string_equal(spec.architectures.items[1], "SCMP_ARCH_X86");
	assert_string_equal(spec.rules.items[0].names.items[0], "read");
	assert_int_equal(spec.rules.items[0].errno_ret.value, EPERM);
	assert_true(spec.rules.items[0].args.items[0].value == UINT64_MAX);
	assert_int_equal(spec.rules.items[0].args.items[0].value_two, 7);
	spec_seccomp_free(&spec);
	if (resolve(plain, 0, NULL, &spec, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(spec.architectures.items[0], "SCMP_ARCH_X32");
	assert_string_equal(spec.listener_path, "/a");
	assert_int_equal(spec.flags.count, 1);
	spec_seccomp_free(&spec);
}

static void test_mistakes_in_a_profile_are_named(void **state)
{
	static const struct {
		const char *json, *words;
	} cases[] = {
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\"", "p.json" },
		{ "[]", "expected an object" },
		{ "{}", "defaultAction: missing" },
		{ "{\"defaultAction\":\"ALLOW\"}", "defaultAction: there is no action \"ALLOW\"" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"sysCalls\":[]}",
		  "\"sysCalls\" is not a key" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"a\"],\"archMap\":[{}]}",
		  "not both" },
		{ HEAD "\"include\":{}" TAIL, "syscalls[0]: \"include\" is not a key" },
		{ HEAD "\"includes\":{\"cap\":[]}" TAIL,
		  "syscalls[0].includes: \"cap\" is not a key" },
		{ HEAD "\"includes\":{\"caps\":[\"CAP_X\"]}" TAIL,
		  "includes.caps: there is no capability \"CAP_X\"" },
		{ HEAD "\"excludes\":{\"allow\":[\"x\"]}" TAIL,
		  "excludes.allow: there is no group \"x\"" },
		{ HEAD "\"includes\":{\"minKernel\":\"new\"}" TAIL,
		  "includes.minKernel: \"new\" is not a kernel's version" },
		{ HEAD "\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]" TAIL,
		  "args[0].index" },
		{ HEAD "\"args\":[{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}]" TAIL,
		  "args[0].value" },
		{ HEAD "\"args\":[{\"index\":0,\"value\":0,\"op\":\"==\"}]" TAIL,
		  "args[0].op: there is no operator \"==\"" },
		{ HEAD
		  "\"args\":[{\"index\":0,\"values\":[1,2],\"op\":\"SCMP_CMP_EQ\"},{\"index\":1,\"op\":\"SCMP_CMP_EQ\"}]" TAIL,
		  "args[0].values: \"values\" must be the only test" },
		{ HEAD "\"errno\":\"ENOTHING\"" TAIL, "errno: there is no error \"ENOTHING\"" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"action\":\"SCMP_ACT_KILL\"}]}",
		  "syscalls[0]: it names no system call" },
		/* also where it doesn't apply here */
		{ HEAD
		  "\"includes\":{\"arches\":[\"vax\"]},\"args\":[{\"index\":0,\"op\":\"?\"}]" TAIL,
		  "no operator \"?\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spec_seccomp spec;
		struct err err = { 0 };

		assert_true(resolve(cases[i].json, 0, NULL, &spec, &err) < 0);
		if (!strstr(err.text, cases[i].words) || !strstr(err.text, "p.json"))
			fail_msg("case %zu says: %s", i, err.text);
		assert_null(spec.default_action);
	}
}

static void test_a_file_that_is_not_there_is_named(void **state)
{
	struct spec_seccomp spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(seccomp_profile_load("/no/such.json", 0, NULL, &spec, &err), -ENOENT);
	assert_non_null(strstr(err.text, "seccomp profile: open /no/such.json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_denied_and_what_gives_it_back),
		cmocka_unit_test(test_a_word_gives_back_no_more_than_its_own),
		cmocka_unit_test(test_all_words_together),
		cmocka_unit_test(test_an_unknown_word_lists_those_there_are),
		cmocka_unit_test(test_no_name_in_the_profile_is_misspelt),
		cmocka_unit_test(test_the_program_is_what_the_profile_says),
		cmocka_unit_test(test_the_kernel_denies_it),
		cmocka_unit_test(test_the_kernel_lets_the_usual_through),
		cmocka_unit_test(test_the_kernel_gives_it_back),
		cmocka_unit_test(test_x32_kills),
		cmocka_unit_test(test_a_refusal_to_load_says_what_is_missing),
		cmocka_unit_test(test_a_filter_that_notifies_hands_out_a_listener),
		cmocka_unit_test(test_conditions_are_read_as_docker_reads_them),
		cmocka_unit_test(test_both_forms_of_a_profile_are_read),
		cmocka_unit_test(test_mistakes_in_a_profile_are_named),
		cmocka_unit_test(test_a_file_that_is_not_there_is_named),
	};

	i386 = has_i386();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
