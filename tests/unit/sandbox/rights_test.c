/* Each right is set as asked; each refusal names the key and the rule. */
#include "child.h"

#include "sandbox/caps.h"
#include "sandbox/proc.h"
#include "sandbox/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static int drop(cap_value_t cap)
{
	cap_t caps = cap_get_proc();

	cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR);
	cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR);
	return cap_set_proc(caps);
}

/* ---- limits, scores, flags -------------------------------------------------------------- */

static int rlimits(struct err *err)
{
	struct spec_rlimit r = { RLIMIT_NOFILE, 100, 200 };
	struct rlimit now;

	EXPECT(rights_rlimit(&r, err) == 0);
	EXPECT(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 100 && now.rlim_max == 200);
	r = (struct spec_rlimit){ RLIMIT_CORE, UINT64_MAX, UINT64_MAX };
	EXPECT(rights_rlimit(&r, err) == 0);
	r = (struct spec_rlimit){ RLIMIT_NOFILE, 300, 200 };
	EXPECT(rights_rlimit(&r, err) == -EINVAL);
	EXPECT(strstr(err->text, "process.rlimits: RLIMIT_NOFILE: soft 300 is above hard 200"));
	r = (struct spec_rlimit){ RLIMIT_NOFILE, 5, 2000000000 };
	/* Some machines' root has not even that capability. */
	if (caps_available() >> CAP_SYS_RESOURCE & 1) {
		EXPECT(rights_rlimit(&r, err) == -ERANGE);
		EXPECT(strstr(err->text, "hard 2000000000 is above sysctl fs.nr_open"));
	}
	EXPECT(drop(CAP_SYS_RESOURCE) == 0);
	r = (struct spec_rlimit){ RLIMIT_NOFILE, 100, 201 };
	EXPECT(rights_rlimit(&r, err) == -EPERM);
	EXPECT(strstr(err->text,
		      "hard 201 is above our own 200; raising it needs CAP_SYS_RESOURCE"));
	return 0;
}

static int oom_score(struct err *err)
{
	char text[16] = "";
	int fd;

	EXPECT(rights_oom_score_adj(AT_FDCWD, 500, err) == 0);
	fd = open("/proc/self/oom_score_adj", O_RDONLY);
	EXPECT(read(fd, text, sizeof(text) - 1) > 0 && strcmp(text, "500\n") == 0);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	EXPECT(rights_oom_score_adj(fd, 501, err) == 0);
	EXPECT(rights_oom_score_adj(fd, 1001, err) == -EINVAL);
	EXPECT(strstr(err->text, "process.oomScoreAdj: the kernel refuses 1001"));
	EXPECT(drop(CAP_SYS_RESOURCE) == 0);
	EXPECT(rights_oom_score_adj(AT_FDCWD, -5, err) == -EACCES);
	EXPECT(strstr(err->text, "lowering it needs CAP_SYS_RESOURCE"));
	return 0;
}

static int simple_flags(struct err *err)
{
	struct spec_process p = { .umask = { true, 027 } };

	EXPECT(rights_no_new_privs(err) == 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	rights_umask(&p, 077);
	EXPECT(umask(0) == 027);
	p.umask.set = false;
	rights_umask(&p, 077);
	EXPECT(umask(0) == 077);
	EXPECT(rights_personality(NULL, err) == 0 && personality(0xffffffff) == PER_LINUX);
	EXPECT(rights_personality("LINUX32", err) == 0 && personality(0xffffffff) == PER_LINUX32);
	EXPECT(rights_personality("BSD", err) == -EINVAL);
	EXPECT(strstr(err->text, "linux.personality.domain: \"BSD\""));
	return 0;
}

static void test_rlimits(void **state)
{
	(void)state;
	child_succeeds(rlimits);
}

static void test_oom_score(void **state)
{
	(void)state;
	child_succeeds(oom_score);
}

static void test_no_new_privs_umask_personality(void **state)
{
	(void)state;
	child_succeeds(simple_flags);
}

/* ---- the user ----------------------------------------------------------------------------- */

static int user(struct err *err)
{
	uint32_t gids[] = { 5, 7 };
	struct spec_process p = { .uid = 1000, .gid = 100 };
	gid_t now[4];
	uid_t r, e, s;

	p.additional_gids.items = gids;
	p.additional_gids.count = 2;
	EXPECT(rights_user(&p, err) == 0);
	EXPECT(getgroups(4, now) == 2 && now[0] == 5 && now[1] == 7);
	EXPECT(getresuid(&r, &e, &s) == 0 && r == 1000 && e == 1000 && s == 1000);
	EXPECT(getresgid(&r, &e, &s) == 0 && r == 100 && e == 100 && s == 100);
	return 0;
}

static int groups_of_ours_are_gone(struct err *err)
{
	struct spec_process p = { 0 };
	gid_t some[] = { 4, 27 };

	EXPECT(setgroups(2, some) == 0);
	EXPECT(rights_user(&p, err) == 0);
	EXPECT(getgroups(0, NULL) == 0);
	return 0;
}

static int poke(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = write(fd, text, strlen(text));

	close(fd);
	return n < 0 ? -errno : 0;
}

static int user_in_userns(struct err *err)
{
	uint32_t gids[] = { 5 };
	struct spec_process p = { 0 };

	EXPECT(unshare(CLONE_NEWUSER) == 0);
	EXPECT(poke("/proc/self/setgroups", "deny") == 0);
	EXPECT(poke("/proc/self/uid_map", "0 0 1") == 0 &&
	       poke("/proc/self/gid_map", "0 0 1") == 0);
	EXPECT(rights_user(&p, err) == 0);
	p.additional_gids.items = gids;
	p.additional_gids.count = 1;
	EXPECT(rights_user(&p, err) == -EPERM);
	EXPECT(strstr(err->text,
		      "process.user.additionalGids: setgroups is denied in this user namespace"));
	p.additional_gids.count = 0;
	p.uid = 7;
	EXPECT(rights_user(&p, err) == -EINVAL);
	EXPECT(strstr(err->text, "process.user.uid: 7 is not in linux.uidMappings"));
	p.gid = 8;
	EXPECT(rights_user(&p, err) == -EINVAL);
	EXPECT(strstr(err->text, "process.user.gid: 8 is not in linux.gidMappings"));
	return 0;
}

static void test_user_and_groups_are_switched(void **state)
{
	(void)state;
	child_succeeds(user);
	child_succeeds(groups_of_ours_are_gone);
}

static void test_user_in_a_user_namespace(void **state)
{
	(void)state;
	child_succeeds(user_in_userns);
}

/* ---- keyring, scheduler, processors, memory -------------------------------------------------- */

static int keyring(struct err *err)
{
	long before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	char text[128] = "";
	long after;

	EXPECT(rights_session_keyring("ctr-test-keyring", err) == 0);
	after = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
	EXPECT(after > 0 && after != before);
	EXPECT(syscall(SYS_keyctl, KEYCTL_DESCRIBE, after, text, sizeof(text) - 1) > 0);
	EXPECT(strstr(text, ";ctr-test-keyring"));
	return 0;
}

static int scheduler(struct err *err)
{
	struct spec_scheduler s = { .set = true, .policy = SCHED_BATCH, .nice = 5 };
	struct spec_scheduler none = { 0 };
	struct rlimit zero = { 0 };

	EXPECT(rights_scheduler(&none, err) == 0 && sched_getscheduler(0) == SCHED_OTHER);
	EXPECT(rights_scheduler(&s, err) == 0);
	EXPECT(sched_getscheduler(0) == SCHED_BATCH && getpriority(PRIO_PROCESS, 0) == 5);
	EXPECT(setrlimit(RLIMIT_NICE, &zero) == 0 && setrlimit(RLIMIT_RTPRIO, &zero) == 0);
	EXPECT(drop(CAP_SYS_NICE) == 0);
	s.nice = -3;
	EXPECT(rights_scheduler(&s, err) == -EPERM);
	EXPECT(strstr(err->text,
		      "process.scheduler.nice: -3 needs CAP_SYS_NICE; RLIMIT_NICE allows 20"));
	s = (struct spec_scheduler){ .set = true, .policy = SCHED_RR, .priority = 10 };
	EXPECT(rights_scheduler(&s, err) == -EPERM);
	EXPECT(strstr(err->text,
		      "process.scheduler.priority: 10 needs CAP_SYS_NICE; RLIMIT_RTPRIO allows 0"));
	s = (struct spec_scheduler){
		.set = true, .policy = 6, .runtime = 1000000, .deadline = 2000000, .period = 3000000
	};
	EXPECT(rights_scheduler(&s, err) == -EPERM);
	EXPECT(strstr(err->text, "SCHED_DEADLINE needs CAP_SYS_NICE"));
	return 0;
}

static int io_priority(struct err *err)
{
	struct spec_process p = { .io_priority_class = { true, 2 }, .io_priority = 6 };

	EXPECT(rights_io_priority(&p, err) == 0);
	EXPECT(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 6));
	p.io_priority_class.value = 1;
	EXPECT(drop(CAP_SYS_NICE) == 0 && drop(CAP_SYS_ADMIN) == 0);
	EXPECT(rights_io_priority(&p, err) == -EPERM);
	EXPECT(strstr(err->text, "process.ioPriority.class: IOPRIO_CLASS_RT needs"));
	p.io_priority_class.set = false;
	EXPECT(rights_io_priority(&p, err) == 0);
	return 0;
}

static int affinity(struct err *err)
{
	cpu_set_t set;

	EXPECT(rights_cpu_affinity(NULL, "final", err) == 0);
	EXPECT(rights_cpu_affinity(" 0 , 4000-4010", "final", err) == 0);
	EXPECT(sched_getaffinity(0, sizeof(set), &set) == 0);
	EXPECT(CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
	EXPECT(rights_cpu_affinity("4000", "initial", err) == -EINVAL);
	EXPECT(strstr(err->text,
		      "process.execCPUAffinity.initial: none of the CPUs 4000 is online"));
	return 0;
}

static int memory_policy(struct err *err)
{
	struct spec_linux lin = { 0 };
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	EXPECT(rights_memory_policy(&lin, err) == 0);
	lin.memory_policy.set = true;
	lin.memory_policy.mode = (char *)"MPOL_BIND";
	lin.memory_policy.nodes = (char *)"0";
	strv_add(&lin.memory_policy.flags, "MPOL_F_STATIC_NODES");
	EXPECT(rights_memory_policy(&lin, err) == 0);
	EXPECT(syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0) == 0);
	EXPECT(mode == (MPOL_BIND | MPOL_F_STATIC_NODES) && nodes[0] == 1);
	lin.memory_policy.nodes = (char *)"77";
	EXPECT(rights_memory_policy(&lin, err) == -EINVAL);
	EXPECT(strstr(err->text,
		      "linux.memoryPolicy: the kernel refuses MPOL_BIND for the nodes \"77\""));
	return 0;
}

static void test_session_keyring_is_new_and_named(void **state)
{
	(void)state;
	child_succeeds(keyring);
}

static void test_scheduler_and_the_rule_that_was_broken(void **state)
{
	(void)state;
	child_succeeds(scheduler);
}

static void test_io_priority(void **state)
{
	(void)state;
	child_succeeds(io_priority);
}

static void test_cpu_affinity(void **state)
{
	(void)state;
	child_succeeds(affinity);
}

static void test_memory_policy(void **state)
{
	(void)state;
	child_succeeds(memory_policy);
}

/* ---- refused before anything is changed --------------------------------------------------------- */

static void refused(const struct spec *spec, const char *words)
{
	struct err err = { 0 };

	assert_true(rights_check(spec, &err) < 0);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_check_names_the_broken_rule_of_the_scheduler(void **state)
{
	static const struct {
		struct spec_scheduler s;
		const char *words;
	} rows[] = {
		{ { true, SCHED_FIFO, 0, 0 },
		  "process.scheduler.priority: SCHED_FIFO wants 1 to 99, not 0" },
		{ { true, SCHED_RR, 0, 100 }, "SCHED_RR wants 1 to 99, not 100" },
		{ { true, SCHED_OTHER, 0, 1 }, "process.scheduler.priority: SCHED_OTHER has none" },
		{ { true, SCHED_OTHER, 20, 0 },
		  "process.scheduler.nice: 20 is not within -20 to 19" },
		{ { true, 4 }, "SCHED_ISO" },
		{ { true, 6, .runtime = 5, .deadline = 9000 },
		  "process.scheduler.runtime: 5 ns is below" },
		{ { true, 6, .runtime = 5000, .deadline = 4000 },
		  "wants runtime <= deadline <= period" },
		{ { true, 6, .runtime = 5000, .deadline = 6000, .period = 5500 },
		  "are 5000, 6000, 5500" },
		{ { true, SCHED_OTHER, .period = 5 }, "are for SCHED_DEADLINE, not SCHED_OTHER" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec spec = { .process.scheduler = rows[i].s };

		refused(&spec, rows[i].words);
	}
}

static void test_check_reads_lists_and_words(void **state)
{
	static const char *const lists[] = { " ",   "a",  "1-",   "3-1",   "0,,1",
					     "0;1", "-1", "9999", "0-3 4", "99999999999999999999" };
	struct spec spec = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(rights_check(&spec, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		spec.process.exec_cpu_affinity_final = (char *)lists[i];
		refused(&spec, "process.execCPUAffinity.final");
	}
	spec.process.exec_cpu_affinity_final = (char *)"";
	assert_int_equal(rights_check(&spec, &err), 0);
	spec.process.exec_cpu_affinity_final = (char *)"0-3, 7";
	assert_int_equal(rights_check(&spec, &err), 0);
	spec.process.io_priority_class.set = true;
	spec.process.io_priority = 8;
	refused(&spec, "process.ioPriority.priority: 8 is not within 0 to 7");
	spec.process.io_priority = 7;
	spec.lin.personality_domain = (char *)"linux";
	refused(&spec, "linux.personality.domain");
}

static void test_check_knows_what_memory_policies_want(void **state)
{
	static const struct {
		const char *mode, *nodes, *flag, *second, *words;
	} rows[] = {
		{ "BIND", "0", NULL, NULL, "linux.memoryPolicy.mode: there is no policy \"BIND\"" },
		{ "MPOL_BIND", NULL, NULL, NULL,
		  "linux.memoryPolicy.nodes: MPOL_BIND needs at least one" },
		{ "MPOL_LOCAL", "0", NULL, NULL,
		  "linux.memoryPolicy.nodes: MPOL_LOCAL takes none" },
		{ "MPOL_BIND", "0", "X", NULL,
		  "linux.memoryPolicy.flags[0]: there is no flag \"X\"" },
		{ "MPOL_BIND", "0", "MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES",
		  "exclude each other" },
		{ "MPOL_BIND", "x", NULL, NULL, "linux.memoryPolicy.nodes: \"x\" is not a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec spec = { 0 };

		spec.lin.memory_policy.set = true;
		spec.lin.memory_policy.mode = (char *)rows[i].mode;
		spec.lin.memory_policy.nodes = (char *)rows[i].nodes;
		if (rows[i].flag)
			strv_add(&spec.lin.memory_policy.flags, rows[i].flag);
		if (rows[i].second)
			strv_add(&spec.lin.memory_policy.flags, rows[i].second);
		refused(&spec, rows[i].words);
		strv_free(&spec.lin.memory_policy.flags);
	}
}

/* ---- labels ---------------------------------------------------------------------------------------- */

static int labels_without_modules(struct err *err)
{
	EXPECT(rights_apparmor(AT_FDCWD, NULL, err) == 0 &&
	       rights_apparmor(AT_FDCWD, "", err) == 0);
	EXPECT(rights_selinux(AT_FDCWD, NULL, err) == 0);
	EXPECT(rights_apparmor(AT_FDCWD, "unconfined", err) == 0);
	if (!rights_have_apparmor()) {
		EXPECT(rights_apparmor(AT_FDCWD, "docker-default", err) < 0);
		EXPECT(strstr(
			err->text,
			"process.apparmorProfile: \"docker-default\": this kernel runs without"));
	} else {
		EXPECT(rights_apparmor(AT_FDCWD, "no-such-profile", err) == -ENOENT);
		EXPECT(strstr(err->text, "apparmor_parser"));
	}
	EXPECT(rights_selinux(AT_FDCWD, "no_such:label", err) < 0);
	EXPECT(strstr(err->text, "process.selinuxLabel: \"no_such:label\""));
	return 0;
}

static void test_labels_say_when_there_is_no_module(void **state)
{
	struct spec spec = { 0 };

	(void)state;
	child_succeeds(labels_without_modules);
	spec.process.apparmor_profile = (char *)"unconfined";
	assert_int_equal(rights_check(&spec, &(struct err){ 0 }), 0);
	spec.process.apparmor_profile = (char *)"docker-default";
	if (!rights_have_apparmor())
		refused(&spec,
			"process.apparmorProfile: \"docker-default\": this kernel runs without AppArmor");
	spec.process.apparmor_profile = NULL;
	spec.process.selinux_label = (char *)"a:b:c";
	if (!rights_have_selinux())
		refused(&spec, "process.selinuxLabel: \"a:b:c\": this kernel runs without SELinux");
}

/* ---- whose /proc -------------------------------------------------------------------------------------- */

static int proc_is_checked(struct err *err)
{
	EXPECT(unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	/* A bind mount of one file of proc over another: the right filesystem, the wrong file. */
	EXPECT(mount("/proc/self/loginuid", "/proc/self/oom_score_adj", NULL, MS_BIND, NULL) == 0 ||
	       mount("/proc/uptime", "/proc/self/oom_score_adj", NULL, MS_BIND, NULL) == 0);
	EXPECT(rights_oom_score_adj(AT_FDCWD, 0, err) == -EXDEV);
	EXPECT(strstr(err->text, "something is mounted over it"));
	EXPECT(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	EXPECT(rights_oom_score_adj(AT_FDCWD, 0, err) == -ENODEV);
	EXPECT(strstr(err->text,
		      "process.oomScoreAdj: /proc is not the root of a proc filesystem"));
	return 0;
}

static void test_a_false_proc_is_not_written_to(void **state)
{
	(void)state;
	child_succeeds(proc_is_checked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rlimits),
		cmocka_unit_test(test_oom_score),
		cmocka_unit_test(test_no_new_privs_umask_personality),
		cmocka_unit_test(test_user_and_groups_are_switched),
		cmocka_unit_test(test_user_in_a_user_namespace),
		cmocka_unit_test(test_session_keyring_is_new_and_named),
		cmocka_unit_test(test_scheduler_and_the_rule_that_was_broken),
		cmocka_unit_test(test_io_priority),
		cmocka_unit_test(test_cpu_affinity),
		cmocka_unit_test(test_memory_policy),
		cmocka_unit_test(test_check_names_the_broken_rule_of_the_scheduler),
		cmocka_unit_test(test_check_reads_lists_and_words),
		cmocka_unit_test(test_check_knows_what_memory_policies_want),
		cmocka_unit_test(test_labels_say_when_there_is_no_module),
		cmocka_unit_test(test_a_false_proc_is_not_written_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
