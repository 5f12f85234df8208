/* Streams between a guest that a test plays, packet by packet, and sockets of the host's. */
#include "base/str.h"
#include "microvm/guest.h"
#include "microvm/virtio_vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#define GUEST_PORT 5000
#define HOST_PORT 1024
#define BUFFER 32768

struct machine {
	struct memory memory;
	struct vsock vsock;
	struct io io;
	int ours; /* the other end of what was given for HOST_PORT */
	uint8_t data[65536];
	size_t len; /* of the last packet to the guest */
};

static void machine_free(struct machine *m)
{
	virtio_vsock_free(&m->vsock);
	io_free(&m->io);
	drop_fd(&m->ours);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void nobody(void *arg, uint16_t vector, bool config)
{
	(void)arg, (void)vector, (void)config;
}

static void machine_init(struct machine *m, const char *path)
{
	struct vsock_port port = { .port = HOST_PORT };
	struct vsock_options opt = { .path = path, .listen = -1, .ports = &port, .port_count = 1 };
	struct err err = { 0 };
	int ends[2];

	memset(m, 0, sizeof(*m));
	m->io = (struct io)IO_NONE;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	m->ours = port.peer = ends[0];
	port.fd = ends[1];
	assert_int_equal(io_make(&m->io, &err), 0);
	assert_int_equal(virtio_vsock_open(&m->vsock, &opt, &err), 0);
	assert_int_equal(virtio_vsock_init(&m->vsock, &m->memory, &m->io, &err), 0);
	m->vsock.virtio.interrupt = nobody;
	assert_int_equal(virtio_vsock_listen(&m->vsock, &err), 0);
}

/* What the device's thread does, as long as there is something. */
static void run(struct machine *m)
{
	struct epoll_event e;

	for (int i = 0; i < 100 && epoll_wait(m->io.epoll, &e, 1, 0) == 1; i++) {
		const struct io_source *source = e.data.ptr;

		assert_non_null(source);
		source->ready(source->arg, e.events);
	}
}

/* The next packet for the guest; op 0: there is none. */
static struct virtio_vsock_hdr next(struct machine *m)
{
	struct vsock *s = &m->vsock;
	struct virtio_vsock_hdr h = { 0 };

	run(m);
	if (s->refused_count)
		return s->refused[--s->refused_count];
	while (s->ready_count && h.op == VIRTIO_VSOCK_OP_INVALID) {
		struct vsock_stream *t = &s->streams[s->ready[s->ready_first]];

		s->ready_first = (s->ready_first + 1) % VSOCK_STREAMS_MAX;
		s->ready_count--;
		t->queued = false;
		m->len = vsock_fill(t, &h, m->data, 4096);
	}
	return h;
}

/* The next one that isn't about room. */
static struct virtio_vsock_hdr next_word(struct machine *m)
{
	struct virtio_vsock_hdr h = next(m);

	return h.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE ? next(m) : h;
}

/* The guest says this, of the stream between these ports. */
static void say(struct machine *m, uint16_t op, uint32_t host_port, uint32_t flags,
		const char *text)
{
	struct virtio_vsock_hdr h = { .src_cid = VSOCK_CID,
				      .dst_cid = VMADDR_CID_HOST,
				      .src_port = GUEST_PORT,
				      .dst_port = host_port,
				      .type = VIRTIO_VSOCK_TYPE_STREAM,
				      .op = op,
				      .flags = flags,
				      .buf_alloc = BUFFER,
				      .len = text ? (uint32_t)strlen(text) : 0 };

	vsock_packet(&m->vsock, &h, text);
}

static void call(struct machine *m)
{
	say(m, VIRTIO_VSOCK_OP_REQUEST, HOST_PORT, 0, NULL);
	assert_int_equal(next(m).op, VIRTIO_VSOCK_OP_RESPONSE);
}

static void test_a_given_port_is_joined_once(void **state)
{
	CLEAN(machine) struct machine m;
	struct virtio_vsock_hdr h;

	(void)state;
	machine_init(&m, NULL);
	say(&m, VIRTIO_VSOCK_OP_REQUEST, HOST_PORT + 1, 0, NULL);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RST);
	say(&m, VIRTIO_VSOCK_OP_REQUEST, HOST_PORT, 0, NULL);
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RESPONSE);
	assert_int_equal(h.src_port, HOST_PORT);
	assert_int_equal(h.dst_port, GUEST_PORT);
	assert_int_equal(h.buf_alloc, VSOCK_BUFFER);
	/* The same again is none of that stream's, and ends it. */
	say(&m, VIRTIO_VSOCK_OP_REQUEST, HOST_PORT, 0, NULL);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RST);
	say(&m, VIRTIO_VSOCK_OP_REQUEST, HOST_PORT, 0, NULL);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RST);
	assert_int_equal(next(&m).op, 0);
}

static void test_bytes_and_half_closes(void **state)
{
	CLEAN(machine) struct machine m;
	struct virtio_vsock_hdr h;
	char got[8];

	(void)state;
	machine_init(&m, NULL);
	call(&m);
	say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, "up");
	assert_int_equal(read(m.ours, got, sizeof(got)), 2);
	assert_int_equal(write(m.ours, "down", 4), 4);
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RW);
	assert_int_equal(m.len, 4);
	assert_memory_equal(m.data, "down", 4);
	assert_int_equal(h.fwd_cnt, 2);
	/* The guest sends no more, and still hears. */
	say(&m, VIRTIO_VSOCK_OP_SHUTDOWN, HOST_PORT, VIRTIO_VSOCK_SHUTDOWN_SEND, NULL);
	assert_int_equal(read(m.ours, got, sizeof(got)), 0);
	assert_int_equal(write(m.ours, "more", 4), 4);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RW);
	assert_int_equal(shutdown(m.ours, SHUT_WR), 0);
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(h.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
	/* Both ways now: it's over when we say so. */
	say(&m, VIRTIO_VSOCK_OP_SHUTDOWN, HOST_PORT, 3, NULL);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RST);
	assert_int_equal(next(&m).op, 0);
}

/* The guest has so much room, and no byte more is sent before it says that it has read some. */
static void test_credit_of_the_guests(void **state)
{
	CLEAN(machine) struct machine m;
	static char bytes[200000];
	size_t sent = 0;

	(void)state;
	machine_init(&m, NULL);
	call(&m);
	(void)fcntl(m.ours, F_SETFL, O_NONBLOCK);
	(void)!write(m.ours, bytes, sizeof(bytes));
	while (next(&m).op == VIRTIO_VSOCK_OP_RW)
		sent += m.len;
	assert_int_equal(sent, BUFFER);
	m.vsock.streams[0].peer_taken = 0;
	say(&m, VIRTIO_VSOCK_OP_CREDIT_UPDATE, HOST_PORT, 0, NULL);
	assert_int_equal(next(&m).op, 0);
	/* It lies: as if it had read more than was sent. Its own loss, and none of ours. */
	m.vsock.streams[0].sent -= 1000;
	say(&m, VIRTIO_VSOCK_OP_CREDIT_UPDATE, HOST_PORT, 0, NULL);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RW);
	assert_int_equal(m.len, 1000);
}

/* A reader of the host's that stalls: so much is kept for it; a guest that sends more is cut off. */
static void test_credit_of_ours(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(free) char *text = xcalloc(30001, 1);
	const struct vsock_stream *t;
	size_t room = 0;

	(void)state;
	machine_init(&m, NULL);
	call(&m);
	t = &m.vsock.streams[0];
	memset(text, 'x', 30000);
	while (t->out.bytes.len == 0) {
		say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, text);
		room += 30000;
		assert_true(room < 10000000);
	}
	while (t->out.bytes.len + 30000 <= VSOCK_BUFFER)
		say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, text);
	assert_int_equal(t->state, VSOCK_LIVE);
	say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, text);
	while (t->state != VSOCK_FREE)
		assert_int_not_equal(next(&m).op, 0);
}

/* A stream with so many bytes of the guest's that some wait in the device: all of them. */
static size_t call_and_fill(struct machine *m)
{
	CLEAN(free) char *text = xcalloc(30001, 1);
	size_t sent = 0;

	call(m);
	memset(text, 'x', 30000);
	while (backlog_len(&m->vsock.streams[0].out) == 0) {
		say(m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, text);
		sent += 30000;
	}
	return sent;
}

/* How many the host reads, to the end. */
static size_t read_all(struct machine *m)
{
	size_t came = 0;
	ssize_t n;

	(void)fcntl(m->ours, F_SETFL, O_NONBLOCK);
	while ((n = read(m->ours, m->data, sizeof(m->data))) != 0) {
		came += n > 0 ? (size_t)n : 0;
		run(m);
	}
	return came;
}

/* What the guest had said before it left is the host's, however late that reads. */
static void test_nothing_is_lost_when_the_guest_leaves(void **state)
{
	CLEAN(machine) struct machine m;
	size_t sent;

	(void)state;
	machine_init(&m, NULL);
	sent = call_and_fill(&m);
	say(&m, VIRTIO_VSOCK_OP_RST, HOST_PORT, 0, NULL);
	assert_int_equal(m.vsock.streams[0].state, VSOCK_LAST);
	assert_int_equal(read_all(&m), sent);
	assert_int_equal(m.vsock.streams[0].state, VSOCK_FREE);
}

static int connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void test_the_host_calls(void **state)
{
	CLEAN(free) char *path = xasprintf("/tmp/ctr-vsock-test.%d", getpid());
	CLEAN(machine) struct machine m;
	struct virtio_vsock_hdr h;
	char got[32] = "";
	CLEAN(fd) int fd = -1;
	CLEAN(fd) int bad = -1;

	(void)state;
	machine_init(&m, path);
	bad = connect_to(path);
	assert_int_equal(write(bad, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	run(&m);
	/* With what it said unread: reset. */
	assert_int_equal(read(bad, got, sizeof(got)), -1);
	assert_int_equal(errno, ECONNRESET);
	fd = connect_to(path);
	assert_int_equal(write(fd, "CONNECT 50", 10), 10);
	run(&m);
	assert_int_equal(write(fd, "00\nfirst", 8), 8);
	/* Not before the guest has called itself, and a driver that only begins ends nothing. */
	assert_int_equal(next(&m).op, 0);
	m.vsock.virtio.ops->reset(&m.vsock.virtio);
	call(&m);
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_REQUEST);
	assert_int_equal(h.dst_port, GUEST_PORT);
	say(&m, VIRTIO_VSOCK_OP_RESPONSE, h.src_port, 0, NULL);
	assert_true(read(fd, got, sizeof(got)) > 4);
	assert_memory_equal(got, "OK ", 3);
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RW);
	assert_memory_equal(m.data, "first", 5);
	/* The line above was no byte of the guest's. */
	assert_int_equal(h.fwd_cnt, 0);
	drop_fd(&fd);
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
}

/* What was given goes on with all that is under way; a stream of the host's ends, and the guest hears of it. */
static void test_a_snapshot_goes_on_with_what_was_given(void **state)
{
	CLEAN(free) char *path = xasprintf("/tmp/ctr-vsock-test.%d", getpid());
	CLEAN(machine) struct machine m;
	CLEAN(machine) struct machine on;
	CLEAN(str) struct str saved = { 0 };
	CLEAN(fd) int fd = -1;
	struct virtio_vsock_hdr h;
	struct err err = { 0 };
	size_t sent;

	(void)state;
	machine_init(&m, path);
	sent = call_and_fill(&m);
	fd = connect_to(path);
	assert_int_equal(write(fd, "CONNECT 5000\n", 13), 13);
	h = next_word(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_REQUEST);
	say(&m, VIRTIO_VSOCK_OP_RESPONSE, h.src_port, 0, NULL);
	run(&m);
	assert_int_equal(write(m.ours, "down", 4), 4);
	vsock_save(&m.vsock.virtio, &saved);
	/* It is as it was. */
	assert_int_equal(next_word(&m).op, VIRTIO_VSOCK_OP_RW);
	assert_int_equal(m.len, 4);

	machine_init(&on, NULL);
	assert_int_equal(vsock_load(&on.vsock.virtio, saved.text, saved.len, &err), 0);
	h = next_word(&on);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RST);
	assert_int_equal(h.dst_port, GUEST_PORT);
	h = next_word(&on);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RW);
	assert_int_equal(h.src_port, HOST_PORT);
	assert_memory_equal(on.data, "down", 4);
	say(&on, VIRTIO_VSOCK_OP_RST, HOST_PORT, 0, NULL);
	assert_int_equal(read_all(&on), sent);
	assert_true(on.vsock.next_port > h.src_port);
}

/* Who waits at the socket before the machine is there: it is no stream of the machine's before. */
static void test_who_calls_before_a_snapshot_is_there_is_heard(void **state)
{
	CLEAN(free) char *path = xasprintf("/tmp/ctr-vsock-test.%d", getpid());
	CLEAN(machine) struct machine m;
	CLEAN(machine) struct machine on;
	CLEAN(str) struct str saved = { 0 };
	CLEAN(fd) int before = -1;
	CLEAN(fd) int early = -1;
	struct virtio_vsock_hdr was, h;
	struct err err = { 0 };
	char got[32] = "";

	(void)state;
	machine_init(&m, path);
	call(&m);
	before = connect_to(path);
	assert_int_equal(write(before, "CONNECT 5000\n", 13), 13);
	was = next_word(&m);
	assert_int_equal(was.op, VIRTIO_VSOCK_OP_REQUEST);
	vsock_save(&m.vsock.virtio, &saved);
	virtio_vsock_free(&m.vsock);

	machine_init(&on, path);
	early = connect_to(path);
	assert_int_equal(write(early, "CONNECT 5000\n", 13), 13);
	assert_int_equal(next_word(&on).op, 0);
	assert_int_equal(vsock_load(&on.vsock.virtio, saved.text, saved.len, &err), 0);
	h = next_word(&on);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RST);
	assert_int_equal(h.src_port, was.src_port);
	h = next_word(&on);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_REQUEST);
	assert_true(h.src_port > was.src_port);
	say(&on, VIRTIO_VSOCK_OP_RESPONSE, h.src_port, 0, NULL);
	assert_true(read(early, got, sizeof(got)) > 4);
	assert_memory_equal(got, "OK ", 3);
}

static void test_no_such_streams_can_be(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(str) struct str saved = { 0 };
	struct err err = { 0 };

	(void)state;
	machine_init(&m, NULL);
	call(&m);
	say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, "up");
	vsock_save(&m.vsock.virtio, &saved);
	for (size_t len = 0; len < saved.len; len++) {
		CLEAN(machine) struct machine on;

		machine_init(&on, NULL);
		assert_int_equal(vsock_load(&on.vsock.virtio, saved.text, len, &err), -EINVAL);
	}
	m.vsock.config.guest_cid = 77;
	assert_int_equal(vsock_load(&m.vsock.virtio, saved.text, saved.len, &err), -EINVAL);
	assert_string_equal(err.text,
			    "the guest's address (vsock) was 3, and is 77 now: --vsock ...,cid=3");
}

static void test_what_is_no_stream_is_refused(void **state)
{
	CLEAN(machine) struct machine m;
	struct virtio_vsock_hdr h = { .src_port = 1, .dst_port = 2, .type = 99, .op = 1 };

	(void)state;
	machine_init(&m, NULL);
	vsock_packet(&m.vsock, &h, "");
	h = next(&m);
	assert_int_equal(h.op, VIRTIO_VSOCK_OP_RST);
	assert_int_equal(h.dst_port, 1);
	say(&m, VIRTIO_VSOCK_OP_RW, 77, 0, "x");
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RST);
	say(&m, VIRTIO_VSOCK_OP_RST, 77, 0, NULL);
	assert_int_equal(next(&m).op, 0);
	call(&m);
	say(&m, 42, HOST_PORT, 0, NULL);
	assert_int_equal(next(&m).op, VIRTIO_VSOCK_OP_RST);
	for (int i = 0; i < 1000; i++)
		say(&m, VIRTIO_VSOCK_OP_RW, 77, 0, "x");
	assert_int_equal(m.vsock.refused_count, VSOCK_REFUSED_MAX);
}

/* A reader that reads, and is never quite done: what it has read is kept no longer. */
static void test_a_slow_reader_costs_what_waits_for_it(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(free) char *text = xcalloc(30001, 1);
	const struct vsock_stream *t;

	(void)state;
	machine_init(&m, NULL);
	call(&m);
	t = &m.vsock.streams[0];
	memset(text, 'x', 30000);
	for (int i = 0; i < 100; i++) {
		while (backlog_len(&t->out) <= VSOCK_BUFFER - 30000) {
			assert_int_equal(t->state, VSOCK_LIVE);
			say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, text);
		}
		assert_in_range(t->out.bytes.len, 1, 2 * VSOCK_BUFFER);
		assert_int_equal(recv(m.ours, m.data, 30000, MSG_WAITALL), 30000);
		say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, "");
	}
	assert_int_equal(t->state, VSOCK_LIVE);
}

static void test_nothing_is_lost_when_the_driver_leaves(void **state)
{
	CLEAN(machine) struct machine m;
	size_t sent;

	(void)state;
	machine_init(&m, NULL);
	sent = call_and_fill(&m);
	say(&m, VIRTIO_VSOCK_OP_CREDIT_REQUEST, HOST_PORT, 0, NULL);
	m.vsock.virtio.ops->reset(&m.vsock.virtio);
	/* And nothing is said of it to the next driver. */
	assert_int_equal(next(&m).op, 0);
	assert_int_equal(read_all(&m), sent);
	assert_int_equal(m.vsock.streams[0].state, VSOCK_FREE);
}

static void test_a_guest_that_reads_no_more(void **state)
{
	CLEAN(machine) struct machine m;
	char got[8];

	(void)state;
	machine_init(&m, NULL);
	call(&m);
	say(&m, VIRTIO_VSOCK_OP_SHUTDOWN, HOST_PORT, VIRTIO_VSOCK_SHUTDOWN_RCV, NULL);
	assert_int_equal(send(m.ours, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	say(&m, VIRTIO_VSOCK_OP_RW, HOST_PORT, 0, "up");
	assert_int_equal(read(m.ours, got, sizeof(got)), 2);
}

static void test_a_dead_socket_is_replaced_and_a_file_is_not(void **state)
{
	CLEAN(free) char *path = xasprintf("/tmp/ctr-vsock-test.%d", getpid());
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct vsock_options opt = { .path = path, .listen = -1 };
	struct vsock s;
	struct err err = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	memcpy(at.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(virtio_vsock_open(&s, &opt, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "somebody serves"));
	virtio_vsock_free(&s);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	assert_int_equal(virtio_vsock_open(&s, &opt, &err), 0);
	virtio_vsock_free(&s);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_a_greeting_in_pieces_wakes_nobody_meanwhile(void **state)
{
	CLEAN(free) char *path = xasprintf("/tmp/ctr-vsock-test.%d", getpid());
	CLEAN(machine) struct machine m;
	CLEAN(fd) int fd = -1;
	struct epoll_event e;

	(void)state;
	machine_init(&m, path);
	call(&m);
	fd = connect_to(path);
	assert_int_equal(write(fd, "CONN", 4), 4);
	run(&m);
	assert_int_equal(epoll_wait(m.io.epoll, &e, 1, 0), 0);
	assert_int_equal(write(fd, "ECT 7\nrest", 10), 10);
	assert_int_equal(next(&m).dst_port, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_given_port_is_joined_once),
		cmocka_unit_test(test_bytes_and_half_closes),
		cmocka_unit_test(test_credit_of_the_guests),
		cmocka_unit_test(test_credit_of_ours),
		cmocka_unit_test(test_nothing_is_lost_when_the_guest_leaves),
		cmocka_unit_test(test_the_host_calls),
		cmocka_unit_test(test_a_snapshot_goes_on_with_what_was_given),
		cmocka_unit_test(test_who_calls_before_a_snapshot_is_there_is_heard),
		cmocka_unit_test(test_no_such_streams_can_be),
		cmocka_unit_test(test_what_is_no_stream_is_refused),
		cmocka_unit_test(test_a_slow_reader_costs_what_waits_for_it),
		cmocka_unit_test(test_nothing_is_lost_when_the_driver_leaves),
		cmocka_unit_test(test_a_guest_that_reads_no_more),
		cmocka_unit_test(test_a_dead_socket_is_replaced_and_a_file_is_not),
		cmocka_unit_test(test_a_greeting_in_pieces_wakes_nobody_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
