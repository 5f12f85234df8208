#include "limits.h"

#include "base/process.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int group = -1;

int limits_end(void **state)
{
	made_end(state);
	if (group >= 0)
		close(group);
	group = -1;
	return cgroup_remove(&util_host, util_path("limit/leaf"), 2, 5000, &err);
}

int apply_new(void)
{
	int r = make();

	if (r == 0)
		r = cgroup_check(&util_host, util_path("limit/leaf"), &made, &warnings, &err);
	if (r == 0 && group < 0)
		r = cgroup_make(&util_host, util_path("limit/leaf"), &made, &group, NULL, &err);
	return r == 0 ? cgroup_apply(group, &made, &err) : r;
}

int apply_update(void)
{
	int r = make();

	made.update = true;
	return r == 0 ? cgroup_apply(group, &made, &err) : r;
}

const char *now(const char *file)
{
	static char text[512];
	int r = cgroup_read(group, file, text, sizeof(text));

	if (r < 0)
		fail_msg("%s: %s", file, strerror(-r));
	return text;
}

void unified(const char *entry)
{
	strv_free(&res.unified);
	strv_add(&res.unified, entry);
}

pid_t hog(size_t bytes, int *ret_pidfd)
{
	pid_t pid = process_clone(0, group, ret_pidfd);

	if (pid == 0) {
		char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		size_t i;

		for (i = 0; i < bytes; i += 4096)
			p[i] = 1;
		for (;;)
			pause();
	}
	return pid;
}
