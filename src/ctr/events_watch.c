#include "ctr/events_watch.h"

#include "base/process.h"
#include "runtime/container.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

/* Without inotify, and while an end is not told of by who waits for it. */
#define LOOK_MS 500
#define AGAIN_MS 20
#define AGAIN_TIMES 250

struct watched {
	struct container c;
	int memory; /* inotify's number for its memory.events; -1: none */
	bool ended, told;
	int looks; /* since it ended */
};

static void drop_all(struct events_watch *w)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->items[i].memory >= 0)
			(void)inotify_rm_watch(w->inotify, w->items[i].memory);
		container_close(&w->items[i].c);
	}
	free(take_ptr(w->items));
	w->count = 0;
}

void watch_close(struct events_watch *w)
{
	drop_all(w);
	if (w->inotify >= 0)
		close(take_fd(&w->inotify));
}

static int watch_fd(const struct events_watch *w, int fd, const char *file, uint32_t mask)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, file);
	return w->inotify < 0 ? -1 : inotify_add_watch(w->inotify, path, mask);
}

void watch_open(struct events_watch *w, int root)
{
	w->root = root;
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify >= 0 &&
	    watch_fd(w, root, ".", IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		close(take_fd(&w->inotify));
}

static void add(struct events_watch *w, const char *name)
{
	struct watched new = { .c = CONTAINER_INIT, .memory = -1 };
	struct err ignored;
	int group;

	if (container_open(w->root, name, &new.c, &ignored) < 0)
		return;
	container_note_end(&new.c);
	container_note_oom(&new.c);
	if (new.c.pidfd < 0 && !new.c.end_untold) {
		container_close(&new.c);
		return;
	}
	new.ended = new.c.pidfd < 0;
	w->again |= new.ended;
	group = container_cgroup(&new.c, &ignored);
	if (group >= 0)
		new.memory = watch_fd(w, group, "memory.events", IN_MODIFY);
	w->items = xrealloc(w->items, w->count + 1, sizeof(*w->items));
	w->items[w->count++] = new;
}

void watch_all(struct events_watch *w)
{
	CLEAN(strv) struct strv names = { 0 };
	struct err ignored;

	drop_all(w);
	w->again = false;
	if (state_list(w->root, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.count; i++)
		add(w, names.items[i]);
}

/* By its folder, which we hold: it may have another name by now, or be gone. */
static void look_at_end(struct events_watch *w, struct watched *it)
{
	struct err ignored;

	/* Who waits for it may never come to it: then the next who looks has more luck. */
	if (it->told || ++it->looks > AGAIN_TIMES)
		return;
	it->told = container_lock(&it->c, &ignored) < 0;
	container_unlock(&it->c);
	if (!it->told)
		container_note_end(&it->c);
	it->told |= !it->c.end_untold;
	w->again |= !it->told;
}

static bool drain(int fd)
{
	char buf[4096] __attribute__((aligned(8)));
	bool any = false;

	while (fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
		any = true;
	return any;
}

static int step_ms(const struct events_watch *w, int64_t timeout_ms)
{
	int64_t most = w->again ? AGAIN_MS : w->inotify < 0 ? LOOK_MS : timeout_ms;

	if (timeout_ms >= 0 && timeout_ms < most)
		most = timeout_ms;
	return most > 3600000 ? 3600000 : (int)most;
}

void watch_wait(struct events_watch *w, int64_t timeout_ms)
{
	CLEAN(free) struct pollfd *p = xcalloc(w->count + 1, sizeof(*p));

	p[0] = (struct pollfd){ .fd = w->inotify, .events = POLLIN };
	for (size_t i = 0; i < w->count; i++)
		p[i + 1] = (struct pollfd){ .fd = w->items[i].ended ? -1 : w->items[i].c.pidfd,
					    .events = POLLIN };
	(void)poll(p, w->count + 1, step_ms(w, timeout_ms));
	w->again = false;
	if (drain(w->inotify) || w->inotify < 0)
		for (size_t i = 0; i < w->count; i++)
			if (!w->items[i].ended)
				container_note_oom(&w->items[i].c);
	for (size_t i = 0; i < w->count; i++) {
		struct watched *it = &w->items[i];

		it->ended |= it->c.pidfd >= 0 && process_ended(it->c.pidfd, 0);
		if (it->ended)
			look_at_end(w, it);
	}
}
