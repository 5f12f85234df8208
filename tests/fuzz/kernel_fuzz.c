/*
 * What the kernel shows as text: control files of a group, and the mount table.
 *
 * max: 1024
 * words: src/cgroups/stats.c src/cgroups/events.c src/cgroups/host.c
 */
#include "fuzz.h"

#include "cgroups/host.h"
#include "cgroups/leaf.h"
#include "cgroups/stats.h"

#include <fcntl.h>
#include <string.h>

static const char *const files[] = {
	"memory.current", "pids.max",        "cpu.stat",     "memory.stat",   "memory.events",
	"io.stat",        "memory.pressure", "cgroup.procs", "cgroup.events",
};

static void read_group(int group)
{
	struct cgroup_stats stats;
	struct err err = { 0 };
	pid_t *pids = NULL;
	size_t count = 0;
	uint64_t kills;

	fuzz_check(cgroup_stats_read(group, &stats, &err), &err);
	fuzz_check(cgroup_pids(group, false, &pids, &count, &err), &err);
	/* They are signalled: 0 and less would be other people's. */
	for (size_t i = 0; i < count; i++)
		if (pids[i] <= 0)
			fuzz_broken("process %d", (int)pids[i]);
	free(pids);
	(void)!cgroup_frozen(group);
	(void)!cgroup_populated(group);
	(void)!cgroup_oom_kills(group, &kills);
}

static void read_mounts(char *text)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;

	cgroup_host_from_mountinfo(text, &host);
	if ((host.fd >= 0) != (host.mount != NULL))
		fuzz_broken("a tree without a place");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(fd) int group = open(fuzz_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *texts[ARRAY_LEN(files) + 1];

	fuzz_texts(data, size, texts, ARRAY_LEN(texts));
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		fuzz_file(files[i], texts[i], strlen(texts[i]));
	read_group(group);
	read_mounts(texts[ARRAY_LEN(files)]);
	fuzz_texts_free(texts, ARRAY_LEN(texts));
	return 0;
}
