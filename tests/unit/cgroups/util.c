#include "util.h"

#include "base/process.h"
#include "cgroups/leaf.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct cgroup_host util_host = { .fd = -1 };
char util_base[64];

int util_setup(void **state)
{
	struct err err;

	(void)state;
	cgroup_host_free(&util_host);
	assert_works(cgroup_host_find(&util_host, &err), &err);
	if (util_host.fd < 0)
		fail_msg("these tests need a cgroup2 tree");
	snprintf(util_base, sizeof(util_base), "/ctr-unit-%d", (int)getpid());
	return 0;
}

int util_teardown(void **state)
{
	struct err err = { 0 };
	int fd = cgroup_open(&util_host, util_base, &err);

	(void)state;
	if (fd >= 0) {
		if (cgroup_kill(fd, &err) < 0)
			print_message("# %s\n", err.text);
		close(fd);
	}
	if (cgroup_remove(&util_host, util_base, 0, 5000, &err) < 0)
		print_message("# left: %s\n", err.text);
	cgroup_host_free(&util_host);
	return 0;
}

const char *util_path(const char *name)
{
	static char paths[4][256];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", util_base, name);
	return path;
}

bool util_has(const char *controller)
{
	CLEAN(strv) struct strv all = { 0 };
	struct err err;

	if (util_host.fd < 0 && cgroup_host_find(&util_host, &err) < 0)
		return false;
	if (util_host.fd >= 0 && cgroup_controllers(&util_host, "/", &all, &err) == 0 &&
	    strv_has(&all, controller))
		return true;
	if (getenv("CTR_VM")) {
		fprintf(stderr, "the test VM has no controller %s\n", controller);
		exit(1);
	}
	return false;
}

pid_t util_child(int group, int *ret_pidfd)
{
	pid_t pid = process_clone(0, group, ret_pidfd);

	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

void util_end(int *pidfd)
{
	int status;

	if (*pidfd < 0)
		return;
	(void)!process_signal(*pidfd, SIGKILL);
	(void)!process_wait(*pidfd, &status);
	close(*pidfd);
	*pidfd = -1;
}
