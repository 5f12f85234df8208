/* Each flag of run and the field of config.json that it fills. */
#include "ctr/made.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct row {
	const char *line, *format, *expected;
};

#define RES ".spec.linux.resources"

static void all(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		made_is(rows[i].line, rows[i].format, rows[i].expected);
}

#define ALL(rows) all(rows, ARRAY_LEN(rows))

static void test_container(void **state)
{
	static const struct row rows[] = {
		{ "--name n host", "{{.opt.Name}}", "n" },
		{ "host", "{{.spec.root.path}} {{index .spec.annotations \"dev.ctr.rootfs\"}}",
		  "/ host" },
		{ "host", "{{.opt.Source}} {{.opt.AutoRemove}}", "host false" },
		{ "--rm host", "{{.opt.AutoRemove}}", "true" },
		{ "--rootfs /usr/. ls", "{{.spec.root.path}} {{json .spec.process.args}}",
		  "/usr [\"ls\"]" },
		{ "--rootfs /usr --overlay", "{{index .spec.annotations \"dev.ctr.rootfs\"}}",
		  "overlay" },
		{ "--read-only host", "{{.spec.root.readonly}}", "true" },
		{ "--init host", "{{index .spec.annotations \"dev.ctr.init\"}}", "true" },
		{ "--init=small host", "{{index .spec.annotations \"dev.ctr.init\"}}", "true" },
		{ "--init=false host", "{{with index .spec.annotations \"dev.ctr.init\"}}x{{end}}",
		  "" },
		{ "--annotation a=b=c host", "{{.spec.annotations.a}}", "b=c" },
		{ "--stop-signal USR1 host",
		  "{{index .spec.annotations \"org.opencontainers.image.stopSignal\"}}",
		  "SIGUSR1" },
		{ "--stop-timeout 3 host", "{{index .spec.annotations \"dev.ctr.stop-timeout\"}}",
		  "3" },
		{ "--pidfile /tmp/p host", "{{.opt.PidFile}}", "/tmp/p" },
		{ "--cgroup-parent /a/b host", "{{.opt.CgroupParent}}", "/a/b" },
	};

	(void)state;
	ALL(rows);
}

#define SYSTEM "--init=systemd host -- /boot"
#define MOUNTS "{{range .spec.mounts}}{{if eq .type \"tmpfs\"}}{{.destination}} {{end}}{{end}}"

/* What systemd asks of who starts it; and what the user says counts more. */
static void test_system(void **state)
{
	static const struct row rows[] = {
		{ SYSTEM, "{{index .spec.annotations \"dev.ctr.init\"}}", "systemd" },
		{ SYSTEM, "{{.spec.process.terminal}} {{json .spec.process.args}}",
		  "true [\"/boot\"]" },
		{ SYSTEM, "{{index .spec.annotations \"org.opencontainers.image.stopSignal\"}}",
		  "SIGRTMIN+3" },
		{ SYSTEM, "{{index .spec.annotations \"dev.ctr.stop-timeout\"}}", "60" },
		{ "--stop-signal PWR --stop-timeout 5 " SYSTEM,
		  "{{index .spec.annotations \"org.opencontainers.image.stopSignal\"}} "
		  "{{index .spec.annotations \"dev.ctr.stop-timeout\"}}",
		  "SIGPWR 5" },
		{ SYSTEM, MOUNTS, "/dev /dev/shm /run /run/lock /tmp /var/log/journal " },
		{ "-v /etc:/run -v /etc:/var/log/journal " SYSTEM, MOUNTS,
		  "/dev /dev/shm /run/lock /tmp " },
		{ SYSTEM, "{{json (index .spec.mounts 4).options}}",
		  "[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"rw\"]" },
		{ "host", "{{json (index .spec.mounts 4).options}}",
		  "[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]" },
		{ "-h x -e container=other -e container_uuid=x " SYSTEM,
		  "{{json .spec.process.env}}",
		  "[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\","
		  "\"HOME=/root\",\"container=other\",\"container_uuid=x\",\"HOSTNAME=x\",\"TERM=xterm\"]" },
	};

	(void)state;
	ALL(rows);
}

static void test_process(void **state)
{
	static const struct row rows[] = {
		{ "host", "{{json .spec.process.args}}", "[\"sh\"]" },
		{ "host -- ls -l", "{{json .spec.process.args}}", "[\"ls\",\"-l\"]" },
		{ "--entrypoint /x host a b", "{{json .spec.process.args}}",
		  "[\"/x\",\"a\",\"b\"]" },
		{ "--entrypoint [\"a\",\"b\"] host c", "{{json .spec.process.args}}",
		  "[\"a\",\"b\",\"c\"]" },
		{ "-w /tmp host", "{{.spec.process.cwd}}", "/tmp" },
		{ "-t host", "{{.spec.process.terminal}}", "true" },
		{ "--umask 027 host", "{{.spec.process.user.umask}}", "23" },
		{ "--ulimit nofile=10:20 host", "{{json .spec.process.rlimits}}",
		  "[{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":20}]" },
		{ "--ulimit core=-1 host", "{{json .spec.process.rlimits}}",
		  "[{\"type\":\"RLIMIT_CORE\",\"soft\":18446744073709551615,"
		  "\"hard\":18446744073709551615}]" },
		{ "--oom-score-adj -5 host", "{{.spec.process.oomScoreAdj}}", "-5" },
		{ "--personality LINUX32 host", "{{.spec.linux.personality.domain}}", "LINUX32" },
	};

	(void)state;
	ALL(rows);
	made_fails("-w tmp host", "--workdir tmp: must be an absolute path");
	made_fails("--umask 9 host", "--umask: \"9\" is not octal");
	made_fails("--ulimit nofile host", "--ulimit: \"nofile\" is not NAME=SOFT[:HARD]");
	made_fails("--ulimit nofile=2:1 host", "the soft limit is above the hard one");
	made_fails("--ulimit what=1 host", "--ulimit: no limit \"what\"");
	made_fails("--entrypoint [1 host", "--entrypoint");
}

static void test_environment(void **state)
{
	(void)state;
	setenv("CTR_TEST", "from here", 1);
	made_is("--hostname h -e A=1 -e CTR_TEST -e CTR_TEST_ABSENT -e PATH=/x host",
		"{{json .spec.process.env}}",
		"[\"PATH=/x\",\"HOME=/root\",\"HOSTNAME=h\",\"A=1\",\"CTR_TEST=from here\"]");
	made_is("--hostname h -t host", "{{json .spec.process.env}}",
		"[\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\",\"HOME=/root\","
		"\"HOSTNAME=h\",\"TERM=xterm\"]");
	made_fails("-e =x host", "--env: \"=x\" has no name");
	made_fails("--env-file /nonexistent host", "--env-file");
}

static void test_environment_file(void **state)
{
	char path[] = "/tmp/ctr-env-XXXXXX";
	static const char text[] = "# a comment\n\n  A=one two \nB\nCTR_TEST\n";
	CLEAN(fd) int fd = mkstemp(path);
	CLEAN(free) char *line = NULL;

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	setenv("CTR_TEST", "t", 1);
	unsetenv("B");
	line = xasprintf("--env-file %s -e A=2 -h h host", path);
	made_is(line,
		"{{index .spec.process.env 3}} {{index .spec.process.env 4}} {{len .spec.process.env}}",
		"A=2 CTR_TEST=t 5");
	unlink(path);
}

static void test_namespaces(void **state)
{
	static const char ns[] = "{{json .spec.linux.namespaces}}";
	static const struct row rows[] = {
		{ "host", ns,
		  "[{\"type\":\"mount\"},{\"type\":\"pid\"},{\"type\":\"network\"},{\"type\":\"ipc\"},"
		  "{\"type\":\"uts\"},{\"type\":\"cgroup\"}]" },
		{ "--network host --pid host --ipc host --uts host --cgroupns host host", ns,
		  "[{\"type\":\"mount\"}]" },
		{ "--network ns:/a --pid /b --ipc ns:/c --uts /d --cgroupns /e --userns /f --time /g host",
		  ns,
		  "[{\"type\":\"mount\"},{\"type\":\"pid\",\"path\":\"/b\"},"
		  "{\"type\":\"network\",\"path\":\"/a\"},{\"type\":\"ipc\",\"path\":\"/c\"},"
		  "{\"type\":\"uts\",\"path\":\"/d\"},{\"type\":\"user\",\"path\":\"/f\"},"
		  "{\"type\":\"cgroup\",\"path\":\"/e\"},{\"type\":\"time\",\"path\":\"/g\"}]" },
		{ "--uidmap 0:100000:65536 host",
		  "{{json .spec.linux.uidMappings}}{{json .spec.linux.gidMappings}}",
		  "[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]"
		  "[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]" },
		{ "--uidmap 0:1000:1 --gidmap 0:2000:3 --gidmap 5:9:1 host",
		  "{{len .spec.linux.uidMappings}}{{json .spec.linux.gidMappings}}",
		  "1[{\"containerID\":0,\"hostID\":2000,\"size\":3},{\"containerID\":5,\"hostID\":9,"
		  "\"size\":1}]" },
		{ "--userns auto host", "{{len .spec.linux.uidMappings}}", "1" },
		{ "--hostname h --domainname d host", "{{.spec.hostname}} {{.spec.domainname}}",
		  "h d" },
		{ "--boottime 100 --monotonic -3 host", "{{json .spec.linux.timeOffsets}}",
		  "{\"boottime\":{\"secs\":100},\"monotonic\":{\"secs\":-3}}" },
		{ "--sysctl net.core.somaxconn=5 host", "{{json .spec.linux.sysctl}}",
		  "{\"net.core.somaxconn\":\"5\"}" },
	};

	(void)state;
	ALL(rows);
	made_fails("--network bridge host", "--network bridge is not there yet; use none");
	made_fails("--network nat host", "--network: \"nat\" is none of none, host");
	made_fails("--uts host --hostname h host", "--hostname: not with that --uts");
	made_fails("--userns host --uidmap 0:1:1 host", "not for --userns host");
	made_fails("--uidmap 0:1 --uidmap 0:1:0 host", "--uidmap 0:1:0: \"0\" is no id or count");
	made_fails("--sysctl x host", "--sysctl: \"x\" is not KEY=VALUE");
}

static void test_limits(void **state)
{
	static const struct row rows[] = {
		{ "-m 64m host", "{{json " RES ".memory}}",
		  "{\"limit\":67108864,\"swap\":134217728}" },
		{ "-m 64m --memory-swap 64m host", "{{json " RES ".memory}}",
		  "{\"limit\":67108864,\"swap\":67108864}" },
		{ "-m 64m --memory-swap -1 --memory-reservation 1m host", "{{json " RES ".memory}}",
		  "{\"limit\":67108864,\"reservation\":1048576,\"swap\":-1}" },
		{ "--cpus 0.5 host", "{{json " RES ".cpu}}",
		  "{\"quota\":50000,\"period\":100000}" },
		{ "--cpus 1.25 --cpu-shares 512 --cpuset-cpus 0-1 --cpuset-mems 0 host",
		  "{{json " RES ".cpu}}",
		  "{\"shares\":512,\"quota\":125000,\"period\":100000,\"cpus\":\"0-1\",\"mems\":\"0\"}" },
		{ "--cpu-period 50000 --cpu-quota 10000 host", "{{json " RES ".cpu}}",
		  "{\"quota\":10000,\"period\":50000}" },
		{ "--pids-limit 9 host", "{{json " RES ".pids}}", "{\"limit\":9}" },
		{ "--blkio-weight 300 host", "{{json " RES ".blockIO}}", "{\"weight\":300}" },
		{ "--cgroup-conf memory.high=1g --cgroup-conf memory.high=2g host",
		  "{{json " RES ".unified}}", "{\"memory.high\":\"2g\"}" },
	};

	(void)state;
	ALL(rows);
	made_fails("--memory-swap 1g host", "--memory-swap: needs --memory");
	made_fails("-m 2g --memory-swap 1g host", "can't be below --memory");
	made_fails("-m 1m --memory-reservation 2m host", "--memory-reservation: is above --memory");
	made_fails("--cpus x host", "--cpus: \"x\" is no number");
	made_fails("--cpus 0.001 host", "the least is 0.01");
	made_fails("--cpus 1 --cpu-quota 5 host", "--cpus: can't go with --cpu-quota");
	made_fails("--blkio-weight 5 host", "--blkio-weight: from 10 to 1000");
	made_fails("--device-read-bps /dev/null:1m host",
		   "--device-read-bps: /dev/null is not a disk");
	made_fails("--device-read-bps /dev/null host", "is not DEVICE:VALUE");
	made_fails("--cgroup-parent nosuchpool host", "--cgroup-parent");
	made_fails("--device-cgroup-rule c~1:1 host", "--device-cgroup-rule");
}

static void test_sources(void **state)
{
	(void)state;
	made_fails("", "no SOURCE");
	made_fails("busybx", "no source \"busybx\"; did you mean busybox?");
	made_fails("alpine", "no source \"alpine\": host and busybox are built in");
	made_fails("/usr", "for the folder use --rootfs /usr");
	made_fails("--rootfs /nonexistent sh", "--rootfs /nonexistent");
	made_fails("--rootfs /dev/null sh", "neither a folder nor an image");
	made_fails("--bundle /nonexistent", "--bundle /nonexistent");
	made_fails("--rootfs / --bundle / sh", "give one of them");
	made_is("-d host", "{{.opt.Source}}", "host");
	made_fails("--restart always --rm host", "--restart and --rm");
	made_fails("--isolation magic host", "--isolation magic");
	made_fails("--name -x host", "--name: ");
	made_fails("--stop-signal NONE host", "--stop-signal: no signal \"NONE\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container),        cmocka_unit_test(test_process),
		cmocka_unit_test(test_system),           cmocka_unit_test(test_environment),
		cmocka_unit_test(test_environment_file), cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_limits),           cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
