/* A guest's answers: as they are meant, cut, out of range, too many; and one that says nothing. */
#include "runtime/vm_ask.h"

#include "base/clock.h"
#include "base/fd.h"
#include "runtime/vm.h"
#include "runtime/vm_answer.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- bytes --------------------------------------------------------------------------- */

static const struct usage some_usage = {
	.source = USAGE_GUEST,
	.used = { .cpu = { .set = true, .usage_us = 7000000, .user_us = 1, .system_us = 2 },
		  .memory = { .set = true,
			      .current_bytes = 1 << 20,
			      .max_bytes = CGROUP_UNLIMITED },
		  .pids = { .set = true, .current = 5, .max = CGROUP_UNLIMITED },
		  .cpu_pressure = { .set = true, .some_avg10 = 1234, .some_total_us = 99 } },
	.memory_bound_bytes = 512 << 20,
	.has_net = true,
	.rx_bytes = 11,
	.tx_bytes = 22,
};

static void assert_is_some_usage(const struct usage *u)
{
	CLEAN(str) struct str is = { 0 };
	CLEAN(str) struct str should = { 0 };

	answer_put_usage(u, &is);
	answer_put_usage(&some_usage, &should);
	assert_int_equal(is.len, should.len);
	assert_memory_equal(is.text, should.text, is.len);
	assert_int_equal(u->source, USAGE_GUEST);
	assert_true(u->used.pids.current == 5 && u->tx_bytes == 22 &&
		    u->used.cpu_pressure.some_avg10 == 1234);
}

static void put_word(struct str *bytes, size_t word, uint64_t value)
{
	memcpy(bytes->text + word * 8, &value, 8);
}

static void test_usage_goes_and_comes_back(void **state)
{
	CLEAN(str) struct str bytes = { 0 };
	struct usage got;

	(void)state;
	answer_put_usage(&some_usage, &bytes);
	assert_int_equal(answer_take_usage(bytes.text, bytes.len, &got), 0);
	assert_is_some_usage(&got);
	/* A later init may say more, and none less. */
	str_add_bytes(&bytes, "12345678", 8);
	assert_int_equal(answer_take_usage(bytes.text, bytes.len, &got), 0);
	assert_int_equal(answer_take_usage(bytes.text, bytes.len - 9, &got), -EPROTO);
	assert_int_equal(answer_take_usage(NULL, 0, &got), -EPROTO);
}

static void test_usage_out_of_its_range_is_none(void **state)
{
	/* Of the table's words: cpu.set, cpu.usage_us, cpu_pressure.some_avg10. */
	static const struct {
		size_t word;
		uint64_t bad;
	} cases[] = { { 0, 2 }, { 0, 256 }, { 1, UINT64_MAX }, { 23, 10001 }, { 23, 1ULL << 32 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(str) struct str bytes = { 0 };
		struct usage got;

		answer_put_usage(&some_usage, &bytes);
		put_word(&bytes, cases[i].word, cases[i].bad);
		assert_int_equal(answer_take_usage(bytes.text, bytes.len, &got), -EPROTO);
	}
}

static struct proc some_proc(char *args)
{
	return (struct proc){ .dir = -1,
			      .pid = 70,
			      .ppid = 60,
			      .pgid = 70,
			      .inside = 1,
			      .uid_in = 1000,
			      .gid_in = -1,
			      .hpid = 70,
			      .uid = 1000,
			      .gid = 1000,
			      .state = 'S',
			      .comm = "sh",
			      .args = args,
			      .tty = 0x8801,
			      .nice = -5,
			      .seccomp = 2,
			      .cpu_ms = 1,
			      .elapsed_ms = 2,
			      .vsz_bytes = 3,
			      .rss_bytes = 4 };
}

static void test_processes_come_back_as_none_of_this_host(void **state)
{
	struct proc list[] = { some_proc((char *)"sh -c x"), some_proc(NULL) };
	const struct procs all = { list, 2 };
	CLEAN(str) struct str bytes = { 0 };
	CLEAN(procs) struct procs got = { 0 };
	const struct proc *p;

	(void)state;
	answer_put_procs(&all, &bytes);
	assert_int_equal(answer_take_procs(bytes.text, bytes.len, &got), 0);
	assert_int_equal(got.count, 2);
	p = &got.items[0];
	assert_string_equal(p->args, "sh -c x");
	assert_string_equal(p->comm, "sh");
	assert_true(p->pid == 70 && p->ppid == 60 && p->inside == 1 && p->state == 'S');
	assert_true(p->uid_in == 1000 && p->gid_in == -1 && p->nice == -5 && p->tty == 0x8801);
	assert_true(p->cpu_ms == 1 && p->elapsed_ms == 2 && p->vsz_bytes == 3 && p->rss_bytes == 4);
	assert_true(p->hpid == -1 && p->uid == -1 && p->gid == -1 && p->dir == -1);
	assert_null(got.items[1].args);
}

#define COMM_LEN 0
#define ARGS_LEN 2
#define NUMBER(n) \
	(4 + (n)*8) /* of the table: pid, ppid, pgid, inside, uid, gid, state, tty, nice, ... */

static void test_processes_that_cannot_be_are_none(void **state)
{
	static const struct {
		size_t at, len;
		int64_t bad;
	} cases[] = {
		{ COMM_LEN, 2, PROC_COMM_MAX },
		{ COMM_LEN, 2, 3 }, /* more than there is */
		{ ARGS_LEN, 2, ANSWER_ARGS_MAX + 1 },
		{ ARGS_LEN, 2, 8 },
		{ ARGS_LEN, 2, 6 }, /* a byte is left */
		{ NUMBER(0), 8, 0 },
		{ NUMBER(0), 8, -1 },
		{ NUMBER(1), 8, 1LL << 31 },
		{ NUMBER(4), 8, -2 },
		{ NUMBER(4), 8, 1LL << 32 },
		{ NUMBER(6), 8, '\033' },
		{ NUMBER(6), 8, 'S' + 256 },
		{ NUMBER(8), 8, 20 },
		{ NUMBER(8), 8, INT64_MIN },
		{ NUMBER(9), 8, 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proc one = some_proc((char *)"sh -c x");
		const struct procs all = { &one, 1 };
		CLEAN(str) struct str bytes = { 0 };
		CLEAN(procs) struct procs got = { 0 };

		answer_put_procs(&all, &bytes);
		memcpy(bytes.text + cases[i].at, &cases[i].bad, cases[i].len);
		if (answer_take_procs(bytes.text, bytes.len, &got) != -EPROTO)
			fail_msg("case %zu is taken", i);
	}
}

static void test_more_processes_than_fit_are_left_out_and_not_taken(void **state)
{
	struct procs many = { xcalloc(ANSWER_PROCS_MAX + 1, sizeof(struct proc)),
			      ANSWER_PROCS_MAX + 1 };
	CLEAN(free) char *args = xcalloc(1, 3 * ANSWER_ARGS_MAX);
	CLEAN(str) struct str few = { 0 }, long_ones = { 0 };
	CLEAN(procs) struct procs got = { 0 };
	CLEAN(procs) struct procs again = { 0 };

	(void)state;
	for (size_t i = 0; i < many.count; i++)
		many.items[i] = some_proc(NULL);
	answer_put_procs(&many, &few);
	assert_int_equal(answer_take_procs(few.text, few.len, &got), 0);
	assert_int_equal(got.count, ANSWER_PROCS_MAX);
	/* One more, as who lies would say it. */
	str_add_bytes(&few, few.text, few.len / ANSWER_PROCS_MAX);
	procs_free(&got);
	assert_int_equal(answer_take_procs(few.text, few.len, &got), -EPROTO);
	/* By their bytes: a command line is cut, and no document is longer than one may be. */
	memset(args, 'x', 3 * ANSWER_ARGS_MAX - 1);
	for (size_t i = 0; i < many.count; i++)
		many.items[i].args = args;
	answer_put_procs(&many, &long_ones);
	assert_true(long_ones.len <= WIRE_TEXT_MAX && long_ones.len > WIRE_TEXT_MAX - 8192);
	assert_int_equal(answer_take_procs(long_ones.text, long_ones.len, &again), 0);
	assert_int_equal(strlen(again.items[0].args), ANSWER_ARGS_MAX);
	free(many.items);
}

/* ---- a launcher and its guest ---------------------------------------------------------- */

struct peer {
	char folder[32];
	struct container c;
	int listens;
	const char *line; /* the launcher's; NULL: it says nothing */
	struct str bytes; /* of the guest */
	pthread_t thread;
	char heard[64]; /* what it was told */
};

static void *peer_thread(void *arg)
{
	struct peer *p = arg;
	CLEAN(fd) int fd = accept4(p->listens, NULL, NULL, SOCK_CLOEXEC);
	char sink[64];
	ssize_t n = read(fd, p->heard, sizeof(p->heard) - 1);

	(void)!n;
	if (p->line)
		(void)!send(fd, p->line, strlen(p->line), MSG_NOSIGNAL);
	if (p->bytes.len)
		(void)!send(fd, p->bytes.text, p->bytes.len, MSG_NOSIGNAL);
	/* Until it is hung up. */
	while (read(fd, sink, sizeof(sink)) > 0)
		;
	return NULL;
}

static void peer_begin(struct peer *p)
{
	strcpy(p->folder, "/tmp/ctr-ask-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	p->c = CONTAINER_INIT;
	p->c.dir = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->c.state.name = (char *)"c1";
	p->c.state.status = STATUS_RUNNING;
	p->c.state.vm = true;
	p->listens = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(fd_bind_at(p->listens, p->c.dir, VM_SOCKET), 0);
	assert_int_equal(listen(p->listens, 1), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_thread, p), 0);
}

static void peer_end(struct peer *p)
{
	pthread_join(p->thread, NULL);
	str_free(&p->bytes);
	unlinkat(p->c.dir, VM_SOCKET, 0);
	drop_fd(&p->c.dir);
	drop_fd(&p->listens);
	rmdir(p->folder);
}

static void say(struct str *to, struct wire *w)
{
	str_add_bytes(to, backlog_head(&w->out), backlog_len(&w->out));
	wire_free(w);
}

static void answer(struct str *to, enum wire_type type, const struct str *text)
{
	struct wire w;

	wire_init(&w, -1);
	wire_put_u32(&w, WIRE_HELLO, 0, WIRE_VERSION);
	wire_put_text(&w, type, text->text, text->len);
	say(to, &w);
}

static void test_a_guest_is_asked_and_answers(void **state)
{
	struct peer p = { .line = "OK 1073741824\n" };
	CLEAN(str) struct str text = { 0 };
	struct usage got;
	struct err err;

	(void)state;
	answer_put_usage(&some_usage, &text);
	answer(&p.bytes, WIRE_ANSWER, &text);
	peer_begin(&p);
	assert_int_equal(vm_usage(&p.c, &got, &err), 0);
	assert_is_some_usage(&got);
	peer_end(&p);
	assert_string_equal(p.heard, "CONNECT 1024\n");
}

static void test_many_processes_come_in_parts(void **state)
{
	struct peer p = { .line = "OK 1\n" };
	struct procs all = { xcalloc(1000, sizeof(struct proc)), 1000 };
	CLEAN(procs) struct procs got = { 0 };
	CLEAN(str) struct str text = { 0 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < all.count; i++) {
		all.items[i] = some_proc((char *)"sleep 1000");
		all.items[i].pid = (pid_t)i + 1;
	}
	answer_put_procs(&all, &text);
	assert_true(text.len > 3 * WIRE_DATA_MAX);
	answer(&p.bytes, WIRE_ANSWER, &text);
	peer_begin(&p);
	assert_int_equal(vm_processes(&p.c, &got, &err), 0);
	assert_int_equal(got.count, 1000);
	assert_int_equal(got.items[999].pid, 1000);
	peer_end(&p);
	free(all.items);
}

/* What comes of these. */
static void refused(struct peer *p, int rc, const char *words)
{
	struct procs got = { 0 };
	struct err err;

	peer_begin(p);
	assert_int_equal(vm_processes(&p->c, &got, &err), rc);
	assert_non_null(strstr(err.text, "container \"c1\": "));
	if (!strstr(err.text, words))
		fail_msg("\"%s\" and not \"%s\"", err.text, words);
	procs_free(&got);
	peer_end(p);
}

static void test_a_guest_that_lies_is_refused(void **state)
{
	struct peer other = { .line = "OK 1\n" }, garbage = other, cut = other, failed = other,
		    none = other, no_port = { .line = "no such port\n" },
		    long_line = { .line = "OK 11111111111111111111"
					  "1111111111111111111111" };
	CLEAN(str) struct str text = { 0 };
	struct wire w;

	(void)state;
	str_add(&text, "what it is not");
	answer(&garbage.bytes, WIRE_ANSWER, &text);
	refused(&garbage, -EPROTO, "can't be");
	answer(&other.bytes, WIRE_TEXT, &text);
	refused(&other, -EPROTO, "none of ctr's wire");
	str_add(&none.bytes, "bytes that are no frame at all");
	refused(&none, -EPROTO, "none of ctr's wire");
	answer(&cut.bytes, WIRE_ANSWER, &text);
	memset(cut.bytes.text, 0, 4);
	refused(&cut, -EPROTO, "hello");
	wire_init(&w, -1);
	wire_put_u32(&w, WIRE_HELLO, 0, WIRE_VERSION);
	wire_put(&w, WIRE_FAILED, 0, "\0\0\0\0\3\0\0\0it has ended", 20);
	say(&failed.bytes, &w);
	refused(&failed, -EAGAIN, "it has ended");
	refused(&no_port, -ECONNREFUSED, "doesn't answer");
	refused(&long_line, -ECONNREFUSED, "doesn't answer");
}

/* No empty part ends it. */
static void test_an_answer_without_an_end_has_one(void **state)
{
	struct peer p = { .line = "OK 1\n" };
	static const char part[WIRE_DATA_MAX];
	struct wire w;

	(void)state;
	wire_init(&w, -1);
	wire_put_u32(&w, WIRE_HELLO, 0, WIRE_VERSION);
	for (size_t i = 0; i < WIRE_TEXT_MAX / WIRE_DATA_MAX + 1; i++)
		wire_put(&w, WIRE_ANSWER, 0, part, sizeof(part));
	say(&p.bytes, &w);
	refused(&p, -EPROTO, "none of ctr's wire");
}

static void test_who_says_nothing_is_waited_for_a_second(void **state)
{
	struct peer launcher = { .line = NULL }, guest = { .line = "OK 1\n" };
	struct peer *silent[] = { &launcher, &guest };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		struct usage got;
		struct err err;
		uint64_t before = clock_now_ns();

		peer_begin(silent[i]);
		assert_int_equal(vm_usage(&silent[i]->c, &got, &err), -ETIMEDOUT);
		assert_true(clock_now_ns() - before < 3000000000ULL);
		peer_end(silent[i]);
	}
}

static void test_a_paused_one_is_not_even_asked(void **state)
{
	struct container c = CONTAINER_INIT;
	struct usage got;
	struct err err;

	(void)state;
	c.state.name = (char *)"c1";
	c.state.status = STATUS_PAUSED;
	assert_int_equal(vm_usage(&c, &got, &err), -EBUSY);
	assert_string_equal(err.text,
			    "container \"c1\" is paused, and so its guest can't be asked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage_goes_and_comes_back),
		cmocka_unit_test(test_usage_out_of_its_range_is_none),
		cmocka_unit_test(test_processes_come_back_as_none_of_this_host),
		cmocka_unit_test(test_processes_that_cannot_be_are_none),
		cmocka_unit_test(test_more_processes_than_fit_are_left_out_and_not_taken),
		cmocka_unit_test(test_a_guest_is_asked_and_answers),
		cmocka_unit_test(test_many_processes_come_in_parts),
		cmocka_unit_test(test_a_guest_that_lies_is_refused),
		cmocka_unit_test(test_an_answer_without_an_end_has_one),
		cmocka_unit_test(test_who_says_nothing_is_waited_for_a_second),
		cmocka_unit_test(test_a_paused_one_is_not_even_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
