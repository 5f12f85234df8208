/* Somebody on the host swaps what a name stands for while a guest uses it: no request gets out by that. */
#include "base/str.h"
#include "microvm/fuse_client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ROOT FUSE_ROOT_ID
#define ROUNDS 8000

struct swapper {
	pthread_t thread;
	int share;
	atomic_bool end;
	unsigned long swaps;
};

static const char *const others[] = { "link", "fifo", "dir", "up" };

static void *swap(void *arg)
{
	struct swapper *s = arg;

	while (!atomic_load(&s->end)) {
		const char *other = others[s->swaps / 2 % ARRAY_LEN(others)];

		if (renameat2(s->share, "x", s->share, other, RENAME_EXCHANGE) == 0)
			s->swaps++;
	}
	return NULL;
}

static void write_to(struct client *c, uint64_t node, uint64_t fh)
{
	struct fuse_write_in in = { .fh = fh, .size = 5 };
	struct fuse_release_in release = { .fh = fh };

	assert_true(client_send(c, FUSE_WRITE, node, &in, sizeof(in), "guest", 5) > 0);
	assert_int_equal(ask(c, FUSE_RELEASE, node, &release, sizeof(release), NULL, NULL), 0);
}

static bool create(struct client *c)
{
	struct fuse_create_in in = { .flags = O_WRONLY | O_TRUNC, .mode = 0666 };
	const struct fuse_entry_out *entry = NULL;
	uint64_t node;

	if (ask(c, FUSE_CREATE, ROOT, &in, sizeof(in), "x", NULL) < 0)
		return false;
	entry = c->out;
	node = entry->nodeid;
	write_to(c, node, ((const struct fuse_open_out *)(entry + 1))->fh);
	forget(c, node, 1);
	return true;
}

/* What it was told of once, it uses as whatever it likes. */
static bool use(struct client *c)
{
	struct fuse_open_in open_in = { .flags = O_RDWR | O_TRUNC };
	struct fuse_setattr_in set = { .valid = FATTR_MODE | FATTR_SIZE, .mode = 0777 };
	uint64_t node = look(c, ROOT, "x");
	bool opened;

	if (!node)
		return false;
	opened = ask(c, FUSE_OPEN, node, &open_in, sizeof(open_in), NULL, NULL) > 0;
	if (opened)
		write_to(c, node, ((const struct fuse_open_out *)c->out)->fh);
	(void)ask(c, FUSE_SETATTR, node, &set, sizeof(set), NULL, NULL);
	/* `up` is a link to the folder above, with this in it. */
	assert_int_equal(look(c, node, "secret"), 0);
	forget(c, node, 1);
	return opened;
}

static void test_names_that_change_lead_nowhere(void **state)
{
	CLEAN(client) struct client c;
	struct swapper s = { 0 };
	struct stat before, after;
	int created = 0, opened = 0;

	(void)state;
	client_init(&c, false, 64);
	s.share = c.share;
	host_file(&c, "x", "");
	assert_int_equal(symlinkat("../secret", c.share, "link"), 0);
	assert_int_equal(symlinkat("..", c.share, "up"), 0);
	assert_int_equal(mkfifoat(c.share, "fifo", 0666), 0);
	assert_int_equal(mkdirat(c.share, "dir", 0777), 0);
	assert_int_equal(fstatat(c.folder, "secret", &before, 0), 0);
	assert_int_equal(pthread_create(&s.thread, NULL, swap, &s), 0);
	for (int i = 0; i < ROUNDS; i++) {
		created += create(&c);
		opened += use(&c);
	}
	atomic_store(&s.end, true);
	pthread_join(s.thread, NULL);
	assert_int_equal(fstatat(c.folder, "secret", &after, 0), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	assert_host_file(c.folder, "secret", "secret");
	/* It was a race: both happened, and often. */
	assert_in_range(created, 1, ROUNDS - 1);
	assert_in_range(opened, 1, ROUNDS - 1);
	assert_true(s.swaps > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_that_change_lead_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
