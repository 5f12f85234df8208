/* A sysctl is set in the container's namespaces or not at all. */
#include "child.h"

#include "sandbox/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

int unshare(int flags);

static void test_each_key_belongs_to_one_namespace_or_none(void **state)
{
	static const struct {
		const char *key;
		uint64_t ns; /* 0: nobody's */
	} rows[] = {
		{ "net.core.somaxconn", CLONE_NEWNET },
		{ "net/ipv4/conf/eth0.100/forwarding", CLONE_NEWNET },
		{ "net.ipv4.conf.eth0/100.forwarding", CLONE_NEWNET },
		{ "kernel.msgmax", CLONE_NEWIPC },
		{ "kernel.shm_rmid_forced", CLONE_NEWIPC },
		{ "fs.mqueue.msg_max", CLONE_NEWIPC },
		{ "kernel.domainname", CLONE_NEWUTS },
		{ "user.max_user_namespaces", CLONE_NEWUSER },
		{ "kernel.core_pattern", 0 },
		{ "kernel.semaphore", 0 },
		{ "vm.overcommit_memory", 0 },
		{ "fs.file-max", 0 },
		{ "network.x", 0 },
		{ "net", 0 },
	};
	const uint64_t all = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };

		assert_int_equal(sandbox_sysctl_check(rows[i].key, all & ~rows[i].ns, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, rows[i].key));
		assert_non_null(
			strstr(err.text, rows[i].ns ? "namespace (--" : "belongs to no namespace"));
		if (rows[i].ns)
			assert_int_equal(sandbox_sysctl_check(rows[i].key, rows[i].ns, &err), 0);
	}
}

static void test_keys_that_lead_elsewhere_are_no_names(void **state)
{
	static const char *const keys[] = { "",
					    ".",
					    "net..x",
					    "net/../kernel/core_pattern",
					    "/net/core/x",
					    "net/core/../../x",
					    "net/./x",
					    "net." };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct err err = { 0 };

		if (sandbox_sysctl_check(keys[i], UINT64_MAX, &err) != -EINVAL)
			fail_msg("\"%s\" passed", keys[i]);
	}
}

static void test_a_list_is_refused_at_its_first_bad_key(void **state)
{
	struct strv list = { 0 };
	struct err err = { 0 };

	(void)state;
	strv_add(&list, "net.core.somaxconn=10");
	assert_int_equal(sandbox_sysctl_check_all(&list, CLONE_NEWNET, &err), 0);
	strv_add(&list, "kernel.panic=10");
	assert_int_equal(sandbox_sysctl_check_all(&list, CLONE_NEWNET, &err), -EINVAL);
	assert_non_null(strstr(err.text, "linux.sysctl.kernel.panic: it belongs to no namespace"));
	strv_free(&list);
}

static void read_text(const char *path, char *buf, size_t room)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, room - 1);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

static int written(struct err *err)
{
	struct strv list = { 0 };
	char text[64];

	EXPECT(unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS) == 0);
	strv_add(&list, "net.ipv4.ip_forward=1");
	strv_add(&list, "kernel/msgmax=4321");
	strv_add(&list, "kernel.domainname=a=b");
	EXPECT(sandbox_sysctl_write(AT_FDCWD, &list, err) == 0);
	read_text("/proc/sys/net/ipv4/ip_forward", text, sizeof(text));
	EXPECT(strcmp(text, "1\n") == 0);
	read_text("/proc/sys/kernel/msgmax", text, sizeof(text));
	EXPECT(strcmp(text, "4321\n") == 0);
	read_text("/proc/sys/kernel/domainname", text, sizeof(text));
	EXPECT(strcmp(text, "a=b\n") == 0);
	strv_free(&list);
	return 0;
}

static int refused_by_kernel(struct err *err)
{
	struct strv list = { 0 };

	EXPECT(unshare(CLONE_NEWNET | CLONE_NEWNS) == 0);
	EXPECT(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	strv_add(&list, "net.ipv4.ip_forward=many");
	EXPECT(sandbox_sysctl_write(AT_FDCWD, &list, err) == -EINVAL);
	EXPECT(strstr(err->text, "linux.sysctl.net.ipv4.ip_forward: the kernel refuses \"many\""));
	strv_free(&list);
	strv_add(&list, "net.no.such=1");
	EXPECT(sandbox_sysctl_write(AT_FDCWD, &list, err) == -ENOENT);
	EXPECT(strstr(err->text, "linux.sysctl.net.no.such: this kernel has no such sysctl"));
	strv_free(&list);
	strv_add(&list, "net.ipv4.ip_forward");
	EXPECT(sandbox_sysctl_write(AT_FDCWD, &list, err) == -EINVAL);
	EXPECT(strstr(err->text, "is not KEY=VALUE"));
	strv_free(&list);
	strv_add(&list, "net.ipv4.ip_forward=1");
	EXPECT(mount("/proc/sys/net", "/proc/sys/net", NULL, MS_BIND, NULL) == 0);
	EXPECT(sandbox_sysctl_write(AT_FDCWD, &list, err) == -EXDEV);
	EXPECT(strstr(
		err->text,
		"linux.sysctl.net.ipv4.ip_forward: /proc/sys/net/ipv4/ip_forward: something"));
	strv_free(&list);
	return 0;
}

static void test_values_arrive(void **state)
{
	(void)state;
	child_succeeds(written);
}

static void test_refusals_name_the_key_and_value(void **state)
{
	(void)state;
	child_succeeds(refused_by_kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_key_belongs_to_one_namespace_or_none),
		cmocka_unit_test(test_keys_that_lead_elsewhere_are_no_names),
		cmocka_unit_test(test_a_list_is_refused_at_its_first_bad_key),
		cmocka_unit_test(test_values_arrive),
		cmocka_unit_test(test_refusals_name_the_key_and_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
