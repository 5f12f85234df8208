#include "rootfs/world.h"

#include "base/file.h"
#include "base/process.h"
#include "rootfs/source.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int report = -1; /* where a child writes what is wrong */

_Noreturn void world_wrong(const char *file, int line, const char *what)
{
	dprintf(report, "%s:%d: not so: %s (%s)\n", file, line, what, strerror(errno));
	_exit(9);
}

/* A child that failed by cmocka's longjmp would go on as a second test runner. */
__attribute__((format(printf, 1, 2))) static void world_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (report >= 0) {
		vdprintf(report, fmt, args);
		_exit(9);
	}
	vprint_error(fmt, args);
	va_end(args);
	fail();
}

bool world_skip(void)
{
	if (geteuid() == 0)
		return false;
	if (getenv("CTR_STRICT"))
		fail_msg("this test needs root");
	print_message("skipped: needs root\n");
	return true;
}

static void command(const char *fmt, const char *a, const char *b)
{
	CLEAN(str) struct str line = { 0 };

	str_printf(&line, fmt, a, b);
	assert_int_equal(system(line.text), 0);
}

/* One for a program's tests: it is made with care for power failures, which takes its time. */
static char cache[] = "/var/tmp/ctr-unit-busybox-XXXXXX";
static char *busybox;

int world_group_make(void **state)
{
	struct err err;

	(void)state;
	if (geteuid() != 0)
		return 0;
	if (!mkdtemp(cache))
		return -1;
	if (source_busybox(cache, &busybox, &err) == 0)
		return 0;
	print_error("%s\n", err.text);
	return -1;
}

int world_group_remove(void **state)
{
	struct err err;

	(void)state;
	return busybox ? file_remove_tree(AT_FDCWD, cache, &err) : 0;
}

int world_make(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	/* /var/tmp and not /tmp: id maps want a real filesystem. */
	strcpy(w->dir, "/var/tmp/ctr-unit-XXXXXX");
	*state = w;
	if (geteuid() != 0)
		return 0;
	if (!mkdtemp(w->dir) || chmod(w->dir, 0711) < 0)
		return -1;
	w->staging = xasprintf("%s/staging", w->dir);
	command("mkdir -p -m 711 %s/rootfs %s/rootfs", w->staging, w->dir);
	/* Not the four hundred links. */
	command("cd %s && cp -a --parents bin/busybox bin/cat dev etc home mnt proc root run sys tmp var "
		"%s/rootfs",
		busybox, w->dir);

	spec_default(&w->spec);
	w->master = -1;
	return 0;
}

int world_remove(void **state)
{
	struct world *w = *state;
	struct err err;
	int rc = 0;

	if (w->staging)
		rc = file_remove_tree(AT_FDCWD, w->dir, &err);
	if (rc < 0)
		print_error("%s\n", err.text);
	free(w->staging);
	spec_free(&w->spec);
	strv_free(&w->warnings);
	free(w);
	return rc;
}

void world_put(struct world *w, const char *path, const char *text, mode_t mode)
{
	CLEAN(free) char *full = xasprintf("%s/%s", w->dir, path);
	CLEAN(free) char *parent = xstrndup(full, (size_t)(strrchr(full, '/') - full));
	struct err err;

	assert_int_equal(file_mkdir_p(text ? parent : full, 0755, &err), 0);
	if (text) {
		CLEAN(fd) int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	}
	assert_int_equal(chmod(full, mode), 0);
}

void world_link(struct world *w, const char *target, const char *path)
{
	CLEAN(free) char *full = xasprintf("%s/%s", w->dir, path);

	command("rm -rf '%s'%s", full, "");
	assert_int_equal(symlink(target, full), 0);
}

void world_userns(struct world *w)
{
	const struct spec_id_map map = { .container_id = 0, .host_id = 100000, .size = 65536 };

	w->spec.lin.namespaces[NS_USER].wanted = true;
	*SPEC_ADD(&w->spec.lin.uid_maps) = map;
	*SPEC_ADD(&w->spec.lin.gid_maps) = map;
}

void world_mounts_keep(struct world *w, size_t n)
{
	while (w->spec.mounts.count > n) {
		struct spec_mount *m = &w->spec.mounts.items[--w->spec.mounts.count];

		free(m->destination);
		free(m->type);
		free(m->source);
		strv_free(&m->options);
		free(m->uid_maps.items);
		free(m->gid_maps.items);
	}
}

int world_plan(struct world *w, struct rootfs_plan *plan)
{
	const struct rootfs_choices choices = {
		.bundle = w->dir,
		.staging = w->staging,
		.cgroup_mount = "/sys/fs/cgroup/unified",
		.no_pivot = w->no_pivot,
	};

	strv_free(&w->warnings);
	w->err = (struct err){ 0 };
	return rootfs_plan_make(&w->spec, &choices, plan, &w->warnings, &w->err);
}

static int stages(struct world *w, struct rootfs_plan *plan, struct err *err)
{
	int slave, rc = rootfs_root_mount(plan, err);

	if (rc == 0)
		rc = rootfs_mounts_do(plan, err);
	if (rc == 0)
		rc = rootfs_devices_make(plan, err);
	if (rc == 0 && plan->terminal)
		rc = rootfs_console_make(plan, w->rows, w->columns, &w->master, &slave, err);
	if (rc == 0)
		rc = rootfs_protect(plan, err);
	return rc == 0 ? rootfs_pivot(plan, err) : rc;
}

static _Noreturn void child(struct world *w, struct rootfs_plan *plan, int go, int result,
			    void (*look)(struct world *))
{
	struct err err = { 0 };
	char byte;

	alarm(30); /* nobody waits for ever for somebody who failed */
	if (read(go, &byte, 1) != 1)
		_exit(8);
	if (plan->userns && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		_exit(7);
	if (unshare(CLONE_NEWCGROUP) < 0)
		_exit(6);
	if (stages(w, plan, &err) < 0) {
		if (write(result, &err, sizeof(err)) != sizeof(err))
			_exit(5);
		_exit(0);
	}
	umask(022);
	look(w);
	_exit(0);
}

/* An ordinary user maps itself alone, and gives up setgroups for that. */
static void own_id_map(pid_t pid)
{
	CLEAN(free) char *uid = xasprintf("/proc/%d/uid_map", (int)pid);
	CLEAN(free) char *gid = xasprintf("/proc/%d/gid_map", (int)pid);
	CLEAN(free) char *groups = xasprintf("/proc/%d/setgroups", (int)pid);
	CLEAN(free) char *uids = xasprintf("0 %u 1", geteuid());
	CLEAN(free) char *gids = xasprintf("0 %u 1", getegid());

	assert_int_equal(file_poke(AT_FDCWD, uid, uids), 0);
	assert_int_equal(file_poke(AT_FDCWD, groups, "deny"), 0);
	assert_int_equal(file_poke(AT_FDCWD, gid, gids), 0);
}

static void ids_map(pid_t pid)
{
	CLEAN(free) char *uid = xasprintf("/proc/%d/uid_map", (int)pid);
	CLEAN(free) char *gid = xasprintf("/proc/%d/gid_map", (int)pid);

	assert_int_equal(file_poke(AT_FDCWD, uid, "0 100000 65536"), 0);
	assert_int_equal(file_poke(AT_FDCWD, gid, "0 100000 65536"), 0);
}

static void child_end(int pidfd, int words)
{
	char text[4096];
	ssize_t len = read(words, text, sizeof(text) - 1);
	int status;

	text[len > 0 ? len : 0] = '\0';
	assert_int_equal(process_wait(pidfd, &status), 0);
	if (status)
		world_fail("in the child (status %x): %s\n", status, text);
}

int world_run(struct world *w, void (*look)(struct world *))
{
	const uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			       CLONE_NEWUTS;
	CLEAN(rootfs_plan) struct rootfs_plan plan = { 0 };
	CLEAN(fd) int pidfd = -1;
	int go[2], words[2], result[2], rc;
	pid_t pid;

	rc = world_plan(w, &plan);
	if (rc == 0)
		rc = rootfs_sources_open(&plan, &w->err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < plan.warnings.count; i++)
		strv_add(&w->warnings, plan.warnings.items[i]);
	assert_int_equal(pipe2(go, O_CLOEXEC) | pipe2(words, O_CLOEXEC) | pipe2(result, O_CLOEXEC),
			 0);
	pid = process_clone(flags | (plan.userns ? CLONE_NEWUSER : 0), -1, &pidfd);
	assert_true(pid >= 0);
	if (pid == 0) {
		report = words[1];
		child(w, &plan, go[0], result[1], look);
	}
	close(words[1]);
	close(result[1]);
	if (plan.userns)
		geteuid() == 0 ? ids_map(pid) : own_id_map(pid);
	assert_int_equal(write(go[1], "x", 1), 1);
	if (read(result[0], &w->err, sizeof(w->err)) != sizeof(w->err))
		w->err = (struct err){ 0 };
	child_end(pidfd, words[0]);
	close(go[0]), close(go[1]), close(words[0]), close(result[0]);
	return -w->err.code;
}

void world_ok(struct world *w, void (*look)(struct world *))
{
	if (world_run(w, look) < 0)
		world_fail("%s\n", w->err.text);
}

void world_apart(struct world *w, void (*work)(struct world *))
{
	CLEAN(fd) int pidfd = -1;
	int words[2];
	pid_t pid;

	assert_int_equal(pipe2(words, O_CLOEXEC), 0);
	pid = process_clone(CLONE_NEWNS, -1, &pidfd);
	assert_true(pid >= 0);
	if (pid == 0) {
		report = words[1];
		alarm(60);
		LOOK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
		work(w);
		_exit(0);
	}
	close(words[1]);
	child_end(pidfd, words[0]);
	close(words[0]);
}

const char *text_of(const char *path)
{
	static char text[65536];
	CLEAN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : 0;
	size_t at = 0;

	while (fd >= 0 && (len = read(fd, text + at, sizeof(text) - 1 - at)) > 0)
		at += (size_t)len;
	if (len < 0)
		return NULL;
	text[at] = '\0';
	return text;
}

const char *mount_flags_of(const char *path)
{
	static char flags[256];
	char *text = (char *)text_of("/proc/self/mountinfo");
	const char *found = NULL;
	char *rest = NULL;
	char where[256];

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char seen[256];

		if (sscanf(line, "%*s %*s %*s %*s %255s %255s", where, seen) == 2 &&
		    str_eq(where, path)) {
			strcpy(flags, seen);
			found = flags;
		}
	}
	return found;
}

bool write_to(const char *path, const char *text)
{
	CLEAN(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}
