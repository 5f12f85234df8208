#include "runtime/usage.h"

#include "base/file.h"
#include "base/process.h"
#include "runtime/vm_ask.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (1u << 20)

/* Nothing in its own namespace is nothing of the container's. */
static bool shares_our_net(pid_t pid)
{
	char path[48];
	struct stat ours, its;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	return stat("/proc/self/ns/net", &ours) < 0 || stat(path, &its) < 0 ||
	       (ours.st_ino == its.st_ino && ours.st_dev == its.st_dev);
}

/*
 * Lines "  eth0: RX-BYTES PACKETS ERRS DROP FIFO FRAME COMPRESSED MULTICAST TX-BYTES ..." behind two of
 * headings. The kernel allows no colon in a name.
 */
int usage_interfaces(const char *path, struct usage *ret)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;
	char *save = NULL;
	int rc = file_read(AT_FDCWD, path, FILE_MAX, &text, NULL, &ignored);

	if (rc < 0)
		return rc;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strchr(line, ':'), *end;

		line += strspn(line, " ");
		if (!colon || str_starts(line, "lo:"))
			continue;
		ret->rx_bytes += strtoull(colon + 1, &end, 10);
		for (int i = 0; i < 7; i++)
			(void)strtoull(end, &end, 10);
		ret->tx_bytes += strtoull(end, &end, 10);
	}
	ret->has_net = true;
	return 0;
}

/* The number is its init's for as long as that, which we hold, hasn't ended: looked at afterwards. */
static void read_net(const struct container *c, struct usage *ret)
{
	struct usage net = { 0 };
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)c->state.pid);
	if (shares_our_net(c->state.pid) || usage_interfaces(path, &net) < 0 ||
	    process_ended(c->pidfd, 0))
		return;
	ret->has_net = true;
	ret->rx_bytes = net.rx_bytes;
	ret->tx_bytes = net.tx_bytes;
}

/* Where no group has a limit the machine is one. */
static uint64_t machine_bytes(void)
{
	CLEAN(free) char *text = NULL;
	struct err ignored;

	if (file_read(AT_FDCWD, "/proc/meminfo", FILE_MAX, &text, NULL, &ignored) < 0 ||
	    !str_starts(text, "MemTotal:"))
		return CGROUP_UNLIMITED;
	return strtoull(text + strlen("MemTotal:"), NULL, 10) * 1024;
}

void usage_own(struct container *c, struct usage *ret)
{
	struct err ignored;
	int fd;

	*ret = (struct usage){ .source = USAGE_NONE };
	if (c->pidfd < 0)
		return;
	ret->source = c->state.vm ? USAGE_LAUNCHER : USAGE_CONTAINER;
	/* What a launcher forwards passes its namespace twice: by the interface, and by the guest's. */
	if (!c->state.vm)
		read_net(c, ret);
	fd = container_cgroup(c, &ignored);
	if (fd < 0)
		return;
	if (cgroup_stats_read(fd, &ret->used, &ignored) < 0)
		ret->used = (struct cgroup_stats){ 0 };
	if (cgroup_memory_bound(fd, &ret->memory_bound_bytes) < 0 ||
	    ret->memory_bound_bytes == CGROUP_UNLIMITED)
		ret->memory_bound_bytes = machine_bytes();
}

void container_usage(struct container *c, struct usage *ret)
{
	struct usage guest;
	struct err ignored;

	usage_own(c, ret);
	if (ret->source != USAGE_LAUNCHER || vm_usage(c, &guest, &ignored) < 0)
		return;
	/* Its files are the host's: it has no disks, and knows nothing of them. */
	guest.used.io = ret->used.io;
	*ret = guest;
}
