/* Both sides of a stream in one program: frames, channels with credit, ends, and a peer that lies. */
#include "base/str.h"
#include "wire/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SOME 4096

struct both {
	struct channels host, guest;
	int links[2];
	int pipes[4][2]; /* what the host reads, what it writes; the same of the guest's */
	int parted;      /* bits: channels of the guest's whose fd is not needed any more */
};

static void parted(void *arg, unsigned int channel)
{
	((struct both *)arg)->parted |= 1 << channel;
}

static void both_init(struct both *b)
{
	memset(b, 0, sizeof(*b));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->links), 0);
	channels_init(&b->host, b->links[0], true);
	channels_init(&b->guest, b->links[1], false);
	b->guest.parted = parted;
	b->guest.arg = b;
	for (size_t i = 0; i < ARRAY_LEN(b->pipes); i++)
		assert_int_equal(pipe2(b->pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
	channels_join(&b->host, 0, b->pipes[0][0]);
	channels_join(&b->host, 1, b->pipes[1][1]);
	channels_join(&b->guest, 0, b->pipes[2][1]);
	channels_join(&b->guest, 1, b->pipes[3][0]);
}

static void both_free(struct both *b)
{
	channels_free(&b->host);
	channels_free(&b->guest);
	for (size_t i = 0; i < 2; i++)
		drop_fd(&b->links[i]);
	for (size_t i = 0; i < ARRAY_LEN(b->pipes); i++)
		for (size_t n = 0; n < 2; n++)
			drop_fd(&b->pipes[i][n]);
}
CLEAN_DEFINE(both, struct both, both_free)

/* One turn of one side. The frames that aren't of channels are none here. */
static void turn(struct channels *s)
{
	struct pollfd fds[CHANNELS_FDS];
	struct wire_frame f;
	int rc;

	channels_poll(s, fds);
	(void)poll(fds, CHANNELS_FDS, 0);
	rc = channels_serve(s, fds);
	assert_true(rc == 0 || rc == -EAGAIN);
	assert_int_equal(channels_next(s, &f), 0);
	assert_int_equal(channels_send(s), 0);
}

static void turns(struct both *b, int count)
{
	while (count--) {
		turn(&b->host);
		turn(&b->guest);
	}
}

static void test_bytes_and_ends_go_both_ways(void **state)
{
	CLEAN(both) struct both b;
	char got[16];

	(void)state;
	both_init(&b);
	assert_int_equal(write(b.pipes[0][1], "in", 2), 2);
	assert_int_equal(write(b.pipes[3][1], "out", 3), 3);
	turns(&b, 3);
	assert_int_equal(read(b.pipes[2][0], got, sizeof(got)), 2);
	assert_memory_equal(got, "in", 2);
	assert_int_equal(read(b.pipes[1][0], got, sizeof(got)), 3);
	assert_memory_equal(got, "out", 3);
	assert_int_equal(b.parted, 0);
	drop_fd(&b.pipes[0][1]);
	turns(&b, 3);
	assert_int_equal(b.parted, 1 << 0);
}

/* More than the window: it waits, for the reader and for nobody else, and all of it arrives. */
static void test_a_reader_that_waits_holds_its_own_channel_alone(void **state)
{
	CLEAN(both) struct both b;
	static char bytes[300000], got[300000];
	size_t sent = 0, came = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 256);
	both_init(&b);
	for (int i = 0; i < 100; i++) {
		ssize_t n = write(b.pipes[3][1], bytes + sent, sizeof(bytes) - sent);

		sent += n > 0 ? (size_t)n : 0;
		turns(&b, 1);
	}
	assert_true(sent < sizeof(bytes));
	assert_true(backlog_len(&b.host.channel[1].waits) <= CHANNEL_WINDOW);
	assert_int_equal(write(b.pipes[0][1], "in", 2), 2);
	turns(&b, 3);
	assert_int_equal(read(b.pipes[2][0], got, sizeof(got)), 2);
	while (came < sizeof(got)) {
		ssize_t n = write(b.pipes[3][1], bytes + sent, sizeof(bytes) - sent);

		sent += n > 0 ? (size_t)n : 0;
		turns(&b, 1);
		n = read(b.pipes[1][0], got + came, sizeof(got) - came);
		came += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(got, bytes, sizeof(bytes));
}

/* It always has a bit left to read: what it has read makes room again all the same. */
static void test_a_reader_that_is_never_quite_done_costs_no_more(void **state)
{
	CLEAN(both) struct both b;
	static char bytes[SOME];
	const struct channel *c;

	(void)state;
	both_init(&b);
	c = &b.host.channel[1];
	for (int i = 0; i < 3000; i++) {
		(void)!write(b.pipes[3][1], bytes, sizeof(bytes));
		(void)!write(b.pipes[3][1], bytes, sizeof(bytes));
		turns(&b, 1);
		assert_true(read(b.pipes[1][0], bytes, sizeof(bytes)) > 0 || i < 10);
	}
	assert_true(c->waits.bytes.room <= 4 * CHANNEL_WINDOW);
}

/* The process has ended and others still hold its output: what is there goes, then it's the end. */
static void test_finish_sends_what_is_there(void **state)
{
	CLEAN(both) struct both b;
	static char bytes[200000];
	size_t sent = 0, came = 0;
	bool finished = false;

	(void)state;
	both_init(&b);
	(void)fcntl(b.pipes[3][1], F_SETPIPE_SZ, 1 << 20);
	while (sent < sizeof(bytes)) {
		ssize_t n = write(b.pipes[3][1], bytes, sizeof(bytes) - sent);

		assert_true(n > 0);
		sent += (size_t)n;
	}
	for (int i = 0; i < 1000 && !b.host.channel[1].ended; i++) {
		ssize_t n;

		finished = channels_finish(&b.guest);
		turns(&b, 1);
		n = read(b.pipes[1][0], bytes, sizeof(bytes));
		came += n > 0 ? (size_t)n : 0;
	}
	assert_true(finished);
	assert_int_equal(came, sent);
	assert_true(channels_flushed(&b.host));
}

/* Nobody reads the host's output: the guest's process is to hear of that. */
static void test_a_closed_reader_is_told(void **state)
{
	CLEAN(both) struct both b;

	(void)state;
	both_init(&b);
	drop_fd(&b.pipes[1][0]);
	assert_int_equal(write(b.pipes[3][1], "out", 3), 3);
	turns(&b, 4);
	assert_int_equal(b.parted, 1 << 1);
}

/* The host's side ends in the middle of it all, and another one goes on with what that was. */
static void go_on_elsewhere(struct both *b)
{
	CLEAN(str) struct str state = { 0 };
	struct channels old = b->host;

	channels_save(&old, &state);
	channels_init(&b->host, b->links[0], true);
	channels_join(&b->host, 0, b->pipes[0][0]);
	channels_join(&b->host, 1, b->pipes[1][1]);
	channels_join(&b->host, 2, b->pipes[1][1]);
	assert_int_equal(channels_load(&b->host, state.text, state.len), 0);
	channels_free(&old);
	assert_int_equal(b->host.channel[2].fd, -1);
}

static void test_another_goes_on_with_all_that_was_under_way(void **state)
{
	CLEAN(both) struct both b;
	static char bytes[300000], got[300000], in[100000], back[100000];
	size_t sent = 0, came = 0, put = 0, heard = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 256);
	memcpy(in, bytes + 5, sizeof(in));
	both_init(&b);
	while (came < sizeof(got) || heard < sizeof(back)) {
		ssize_t n = write(b.pipes[3][1], bytes + sent, sizeof(bytes) - sent);

		sent += n > 0 ? (size_t)n : 0;
		n = write(b.pipes[0][1], in + put, sizeof(in) - put);
		put += n > 0 ? (size_t)n : 0;
		turn(&b.guest);
		go_on_elsewhere(&b);
		turn(&b.host);
		go_on_elsewhere(&b);
		n = read(b.pipes[1][0], got + came, 5000);
		came += n > 0 ? (size_t)n : 0;
		n = read(b.pipes[2][0], back + heard, 3000);
		heard += n > 0 ? (size_t)n : 0;
	}
	assert_memory_equal(got, bytes, sizeof(bytes));
	assert_memory_equal(back, in, sizeof(in));
	drop_fd(&b.pipes[0][1]);
	turns(&b, 2);
	go_on_elsewhere(&b);
	turns(&b, 2);
	assert_int_equal(b.parted, 1 << 0);
	assert_true(b.host.channel[0].ended);
}

static void test_no_such_state_can_be(void **state)
{
	/* A word of 32 bits that is changed to all ones, and a length that is another one. */
	enum { SENT, CAME, IN, OUT, CREDIT, WAITS };
	static const size_t words[] = { IN, OUT, CREDIT, WAITS };
	CLEAN(both) struct both b;
	CLEAN(str) struct str saved = { 0 };
	struct channels c;

	(void)state;
	both_init(&b);
	assert_int_equal(write(b.pipes[0][1], "in", 2), 2);
	turn(&b.host);
	channels_save(&b.host, &saved);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CLEAN(free) char *bad = xcalloc(1, saved.len);

		memcpy(bad, saved.text, saved.len);
		memset(bad + words[i] * 4, 0xff, 4);
		channels_init(&c, b.links[0], true);
		assert_int_equal(channels_load(&c, bad, saved.len), -EINVAL);
		channels_free(&c);
	}
	for (size_t len = 0; len < saved.len; len++) {
		channels_init(&c, b.links[0], true);
		assert_int_equal(channels_load(&c, saved.text, len), -EINVAL);
		channels_free(&c);
	}
}

/* What comes when the peer has sent these bytes. */
static int after(const void *bytes, size_t len)
{
	CLEAN(both) struct both b;
	struct pollfd fds[CHANNELS_FDS];
	struct wire_frame f;
	int rc;

	both_init(&b);
	assert_int_equal(write(b.links[1], bytes, len), len);
	channels_poll(&b.host, fds);
	(void)poll(fds, CHANNELS_FDS, 0);
	rc = channels_serve(&b.host, fds);
	return rc < 0 ? rc : channels_next(&b.host, &f);
}

static void test_a_peer_that_lies_is_cut_off(void **state)
{
	static const struct {
		int rc;
		uint8_t bytes[20];
		size_t len;
	} cases[] = {
		{ 0, { 0 }, 11 },                                          /* no head yet */
		{ 1, { 0, 0, 0, 0, WIRE_STARTED }, 12 },                   /* a whole one */
		{ 0, { 4, 0, 0, 0, WIRE_HELLO }, 15 },                     /* not all of it */
		{ -EPROTO, { 0, 0, 0, 0, 0 }, 12 },                        /* no type */
		{ -EPROTO, { 0, 0, 0, 0, WIRE_TYPES }, 12 },               /* nor this */
		{ -EPROTO, { 1, 0x80, 0, 0, WIRE_HELLO }, 12 },            /* too long */
		{ -EPROTO, { 255, 255, 255, 255, WIRE_HELLO }, 12 },       /* far too long */
		{ -EPROTO, { 0, 0, 0, 0, WIRE_STARTED, 0, 0, 0, 1 }, 12 }, /* out of order */
		{ -EPROTO,
		  { 1, 0, 0, 0, WIRE_DATA, 0, 0, 0, 0, 0, 0, 0, 'x' },
		  13 }, /* the wrong way */
		{ -EPROTO,
		  { 1, 0, 0, 0, WIRE_DATA, 0, 3, 0, 0, 0, 0, 0, 'x' },
		  13 }, /* no channel */
		{ -EPROTO,
		  { 4, 0, 0, 0, WIRE_CREDIT, 0, 0, 0, 0, 0, 0, 0, 1 },
		  16 }, /* more than all */
		{ -EPROTO,
		  { 4, 0, 0, 0, WIRE_CREDIT, 0, 1, 0, 0, 0, 0, 0, 1 },
		  16 }, /* for our sink */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(after(cases[i].bytes, cases[i].len), cases[i].rc);
}

static void test_more_than_the_window_is_a_lie(void **state)
{
	CLEAN(both) struct both b;
	static uint8_t bytes[WIRE_DATA_MAX];
	struct wire_frame f;
	int rc = 0;

	(void)state;
	both_init(&b);
	/* Its reader takes nothing. */
	b.host.channel[1].fd = b.links[0];
	for (int i = 0; i < 3 && rc >= 0; i++) {
		wire_put(&b.guest.wire, WIRE_DATA, 1, bytes, sizeof(bytes));
		assert_int_equal(wire_send_all(&b.guest.wire), 0);
		while ((rc = wire_receive(&b.host.wire)) == 0 &&
		       (rc = channels_next(&b.host, &f)) == 0)
			;
		rc = rc == -EAGAIN ? 0 : rc;
	}
	assert_int_equal(rc, -EPROTO);
}

static void test_hello(void **state)
{
	const uint8_t version[] = { WIRE_VERSION, 0, 0, 0 }, other[] = { 99, 0, 0, 0 };
	struct wire_frame f = { .type = WIRE_HELLO, .len = 4, .data = version };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(wire_check_hello(&f, &err), 0);
	f.data = other;
	assert_int_equal(wire_check_hello(&f, &err), -EPROTONOSUPPORT);
	assert_non_null(strstr(err.text, "version 99"));
	f.len = 3;
	assert_int_equal(wire_check_hello(&f, &err), -EPROTO);
	f = (struct wire_frame){ .type = WIRE_EXIT, .len = 4, .data = version };
	assert_int_equal(wire_check_hello(&f, &err), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_and_ends_go_both_ways),
		cmocka_unit_test(test_a_reader_that_waits_holds_its_own_channel_alone),
		cmocka_unit_test(test_a_reader_that_is_never_quite_done_costs_no_more),
		cmocka_unit_test(test_finish_sends_what_is_there),
		cmocka_unit_test(test_a_closed_reader_is_told),
		cmocka_unit_test(test_another_goes_on_with_all_that_was_under_way),
		cmocka_unit_test(test_no_such_state_can_be),
		cmocka_unit_test(test_a_peer_that_lies_is_cut_off),
		cmocka_unit_test(test_more_than_the_window_is_a_lie),
		cmocka_unit_test(test_hello),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
