/* Which processes are there, each read once it is certain whose it is. */
#include "runtime/processes.h"

#include "runtime/vm_ask.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void procs_free(struct procs *p)
{
	for (size_t i = 0; i < p->count; i++)
		proc_free(&p->items[i]);
	free(p->items);
	*p = (struct procs){ 0 };
}

static bool listed(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Each goes by an fd of its folder, and a caller may have no more than a thousand. */
#define AT_ONCE 256

static void open_some(const pid_t *pids, size_t count, struct procs *all)
{
	for (size_t i = 0; i < count; i++) {
		struct proc *p = &all->items[all->count];
		char path[32];

		snprintf(path, sizeof(path), "/proc/%d", (int)pids[i]);
		p->pid = pids[i];
		p->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		all->count += p->dir >= 0;
	}
}

/*
 * A number that the container gave back may be a stranger's by the time we look. So each folder of /proc
 * is opened first, and then the container is asked once more: what it still names and can still be read
 * is the process that we opened.
 */
static int collect_some(struct container *c, const pid_t *pids, size_t count, struct procs *all,
			struct err *err)
{
	CLEAN(free) pid_t *again = NULL;
	size_t count_again = 0, kept = all->count, from = kept;
	int r;

	open_some(pids, count, all);
	r = container_pids(c, &again, &count_again, err);
	if (r < 0)
		return r;
	for (size_t i = from; i < all->count; i++) {
		struct proc p = all->items[i];

		if (listed(again, count_again, p.pid) && proc_read(&p) == 0) {
			drop_fd(&p.dir);
			all->items[kept++] = p;
		} else {
			proc_free(&p);
		}
	}
	all->count = kept;
	return 0;
}

static int collect(struct container *c, struct procs *all, struct err *err)
{
	CLEAN(free) pid_t *pids = NULL;
	size_t count = 0;
	int r = container_pids(c, &pids, &count, err);

	if (r < 0)
		return r;
	all->items = xcalloc(count + 1, sizeof(*all->items));
	for (size_t i = 0; i < count && r >= 0; i += AT_ONCE)
		r = collect_some(c, pids + i, count - i < AT_ONCE ? count - i : AT_ONCE, all, err);
	return r;
}

int container_processes(struct container *c, struct procs *ret, struct err *err)
{
	return c->state.vm ? vm_processes(c, ret, err) : collect(c, ret, err);
}
