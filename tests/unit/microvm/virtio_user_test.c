/* A device whose registers are elsewhere: the other side is played, message by message (vhost-user). */
#include "base/fd.h"
#include "base/str.h"
#include "microvm/virtio_rng.h"
#include "microvm/virtio_user_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#define PAGES 16
#define PAGE 4096ULL
#define GPA 0x40000000ULL
#define ADDRESS 0x7f0000000000ULL /* where the other side has it */
#define OFFSET PAGE               /* in the file */
#define SIZE 8
#define AVAIL PAGE
#define USED (2 * PAGE)
#define BUFFER (3 * PAGE)

/* The emulator, and us. */
struct machine {
	struct virtio_rng rng;
	struct virtio_user user;
	struct io io;
	int theirs, file, kick, call, wake;
	char *memory; /* theirs: of the piece */
};

static void machine_free(struct machine *m)
{
	io_free(&m->io);
	virtio_user_free(&m->user);
	virtio_free(&m->rng.virtio);
	drop_fd(&m->theirs);
	drop_fd(&m->file);
	drop_fd(&m->kick);
	drop_fd(&m->call);
	drop_fd(&m->wake);
	munmap(m->memory, (PAGES - 1) * PAGE);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void machine_init(struct machine *m)
{
	struct err err = { 0 };
	int ends[2];

	memset(m, 0, sizeof(*m));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	m->theirs = ends[0];
	m->file = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(m->file, PAGES * PAGE), 0);
	assert_int_equal(fcntl(m->file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	m->memory =
		mmap(NULL, (PAGES - 1) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, m->file, OFFSET);
	m->kick = eventfd(0, EFD_CLOEXEC);
	m->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(io_make(&m->io, &err), 0);
	assert_int_equal(virtio_rng_init(&m->rng, &m->user.memory, &err), 0);
	assert_int_equal(virtio_attach(&m->rng.virtio, &m->io, &err), 0);
	virtio_user_init(&m->user, &m->rng.virtio, 1, &m->io, ends[1], m->wake);
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

static int say(struct machine *m, uint32_t request, const void *payload, size_t len, int fd,
	       struct err *err)
{
	uint8_t data[VIRTIO_USER_MESSAGE_MAX + 8] = { 0 };
	struct vhost_head head = { .request = request, .flags = 1, .bytes = (uint32_t)len };

	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), payload, len);
	assert_int_equal(fd_send(m->theirs, data, sizeof(head) + len, &fd, fd >= 0), 0);
	return virtio_user_serve(&m->user, err);
}

static int say_number(struct machine *m, uint32_t request, uint64_t number, int fd, struct err *err)
{
	return say(m, request, &number, sizeof(number), fd, err);
}

/* Index 0 and a value. */
static int say_queue(struct machine *m, uint32_t request, uint32_t value, struct err *err)
{
	return say_number(m, request, (uint64_t)value << 32, -1, err);
}

static uint64_t ask(struct machine *m, uint32_t request, const void *payload, size_t len)
{
	struct {
		struct vhost_head head;
		uint64_t number;
	} __attribute__((packed)) answer;
	struct err err = { 0 };

	assert_int_equal(say(m, request, payload, len, -1, &err), 0);
	assert_int_equal(recv(m->theirs, &answer, sizeof(answer), MSG_DONTWAIT), sizeof(answer));
	assert_int_equal(answer.head.request, request);
	assert_int_equal(answer.head.flags, 5);
	assert_int_equal(answer.head.bytes, 8);
	return answer.number;
}

static int say_memory(struct machine *m, uint64_t bytes, int fd, struct err *err)
{
	union vhost_payload p = { .memory = { .count = 1 } };

	p.memory.pieces[0].gpa = GPA;
	p.memory.pieces[0].bytes = bytes;
	p.memory.pieces[0].address = ADDRESS;
	p.memory.pieces[0].offset = OFFSET;
	return say(m, VHOST_SET_MEM_TABLE, &p, 8 + 32, fd, err);
}

static int say_addresses(struct machine *m, uint64_t table, struct err *err)
{
	union vhost_payload p = {
		.addresses = { .table = table, .avail = ADDRESS + AVAIL, .used = ADDRESS + USED }
	};

	return say(m, VHOST_SET_VRING_ADDR, &p, 40, -1, err);
}

/* As QEMU does, in its order, up to and without what begins. */
static void agree(struct machine *m, struct err *err)
{
	uint64_t features = ask(m, VHOST_GET_FEATURES, "", 0);

	assert_true(features >> VHOST_F_PROTOCOL_FEATURES & 1);
	assert_true(features >> VIRTIO_RING_F_EVENT_IDX & 1);
	assert_int_equal(ask(m, VHOST_GET_PROTOCOL_FEATURES, "", 0), 0x201);
	assert_int_equal(say_number(m, VHOST_SET_PROTOCOL_FEATURES, 0x201, -1, err), 0);
	assert_int_equal(ask(m, VHOST_GET_QUEUE_NUM, "", 0), 1);
	assert_int_equal(say(m, VHOST_SET_OWNER, "", 0, -1, err), 0);
	/* Event indices are not wanted: so each request that is done interrupts. */
	assert_int_equal(say_number(m, VHOST_SET_FEATURES,
				    features & ~(1ULL << VIRTIO_RING_F_EVENT_IDX), -1, err),
			 0);
	assert_int_equal(say_memory(m, (PAGES - 1) * PAGE, m->file, err), 0);
	assert_int_equal(say_queue(m, VHOST_SET_VRING_NUM, SIZE, err), 0);
	assert_int_equal(say_queue(m, VHOST_SET_VRING_BASE, 0, err), 0);
	assert_int_equal(say_addresses(m, ADDRESS, err), 0);
	assert_int_equal(say_number(m, VHOST_SET_VRING_KICK, 0, m->kick, err), 0);
	assert_int_equal(say_number(m, VHOST_SET_VRING_CALL, 0, m->call, err), 0);
}

/* The driver wants random bytes: how many has it got? */
static uint32_t request(struct machine *m, uint16_t nth)
{
	struct vring_desc *d = (void *)m->memory;
	struct vring_avail *avail = (void *)(m->memory + AVAIL);
	struct vring_used *used = (void *)(m->memory + USED);
	const uint64_t one = 1;

	d[0] = (struct vring_desc){ .addr = GPA + BUFFER, .len = 64, .flags = VRING_DESC_F_WRITE };
	avail->ring[nth % SIZE] = 0;
	avail->idx = (uint16_t)(nth + 1);
	assert_int_equal(write(m->kick, &one, sizeof(one)), sizeof(one));
	run(m);
	return used->idx == nth + 1 ? used->ring[nth % SIZE].len : 0;
}

static void test_requests_are_served_once_all_is_said(void **state)
{
	static const char zeros[64];
	CLEAN(machine) struct machine m;
	struct err err = { 0 };
	uint64_t count;

	(void)state;
	machine_init(&m);
	agree(&m, &err);
	/* Not yet: it isn't enabled. */
	assert_int_equal(request(&m, 0), 0);
	assert_int_equal(say_queue(&m, VHOST_SET_VRING_ENABLE, 1, &err), 0);
	run(&m);
	assert_int_equal(read(m.call, &count, sizeof(count)), sizeof(count));
	assert_int_equal(request(&m, 1), 64);
	assert_memory_not_equal(m.memory + BUFFER, zeros, 64);
	assert_int_equal(read(m.call, &count, sizeof(count)), sizeof(count));
	/* Nobody is to be told from now on. */
	assert_int_equal(say_number(&m, VHOST_SET_VRING_CALL, 1 << 8, -1, &err), 0);
	assert_int_equal(request(&m, 2), 64);
	assert_int_equal(read(m.call, &count, sizeof(count)), -1);
}

static void test_a_driver_leaves_and_comes_back(void **state)
{
	CLEAN(machine) struct machine m;
	struct err err = { 0 };
	const uint64_t none = 0;

	(void)state;
	machine_init(&m);
	agree(&m, &err);
	assert_int_equal(say_queue(&m, VHOST_SET_VRING_ENABLE, 1, &err), 0);
	assert_int_equal(request(&m, 0), 64);
	/* Where it was. */
	assert_int_equal(ask(&m, VHOST_GET_VRING_BASE, &none, sizeof(none)) >> 32, 1);
	assert_int_equal(m.rng.virtio.status, 0);
	assert_int_equal(request(&m, 1), 0);
	memset(m.memory, 0, BUFFER);
	agree(&m, &err);
	assert_int_equal(say_queue(&m, VHOST_SET_VRING_ENABLE, 1, &err), 0);
	assert_int_equal(request(&m, 0), 64);
}

/* What each says once all is agreed: a rule that is broken, with these words. */
enum wrong {
	W_REQUEST,
	W_INDEX,
	W_SIZE_OF_NONE,
	W_TABLE_OUTSIDE,
	W_TABLE_UNALIGNED,
	W_BASE,
	W_NO_DOORBELL,
	W_FD_TOO_MANY,
	W_FEATURES,
	W_PROTOCOL,
	W_SHORT,
	W_LONG,
	W_CONFIG,
	W_MEMORY_COUNT,
	W_MEMORY_BYTES,
	W_MEMORY_NO_FILE,
	W_MEMORY_UNSEALED,
	W_VERSION,
	WRONGS
};

static int do_wrong(struct machine *m, enum wrong what, struct err *err)
{
	union vhost_payload p = { 0 };
	CLEAN(fd) int unsealed = memfd_create("unsealed", MFD_CLOEXEC);
	struct vhost_head head = { .request = VHOST_GET_FEATURES, .flags = 2 };

	switch (what) {
	case W_REQUEST:
		return say(m, 99, "", 0, -1, err);
	case W_INDEX:
		return say_number(m, VHOST_SET_VRING_NUM, 1, -1, err);
	case W_SIZE_OF_NONE:
		if (say_queue(m, VHOST_SET_VRING_NUM, 7, err) < 0)
			return 1;
		break;
	case W_TABLE_OUTSIDE:
		return say_addresses(m, ADDRESS + (PAGES - 1) * PAGE, err);
	case W_TABLE_UNALIGNED:
		if (say_addresses(m, ADDRESS + 1, err) < 0)
			return 1;
		break;
	case W_BASE:
		return say_queue(m, VHOST_SET_VRING_BASE, 1, err);
	case W_NO_DOORBELL:
		return say_number(m, VHOST_SET_VRING_KICK, 1 << 8, -1, err);
	case W_FD_TOO_MANY:
		return say_number(m, VHOST_SET_FEATURES, 0, m->file, err);
	case W_FEATURES:
		if (say_number(m, VHOST_SET_FEATURES, ~0ULL, -1, err) < 0)
			return 1;
		break;
	case W_PROTOCOL:
		return say_number(m, VHOST_SET_PROTOCOL_FEATURES, 2, -1, err);
	case W_SHORT:
		return say(m, VHOST_SET_FEATURES, &p, 7, -1, err);
	case W_LONG:
		return say(m, VHOST_SET_FEATURES, &p, VIRTIO_USER_MESSAGE_MAX - 11, -1, err);
	case W_CONFIG:
		p.config.bytes = 257;
		return say(m, VHOST_GET_CONFIG, &p, 12 + 257, -1, err);
	case W_MEMORY_COUNT:
		p.memory.count = 9;
		return say(m, VHOST_SET_MEM_TABLE, &p, 8 + 32, m->file, err);
	case W_MEMORY_BYTES:
		return say_memory(m, PAGES * PAGE, m->file, err);
	case W_MEMORY_NO_FILE:
		return say_memory(m, PAGE, -1, err);
	case W_MEMORY_UNSEALED:
		assert_int_equal(ftruncate(unsealed, PAGES * PAGE), 0);
		return say_memory(m, PAGE, unsealed, err);
	default:
		assert_int_equal(fd_write_all(m->theirs, &head, sizeof(head)), 0);
		return virtio_user_serve(&m->user, err);
	}
	return say_queue(m, VHOST_SET_VRING_ENABLE, 1, err);
}

static void test_what_is_refused(void **state)
{
	static const char *const words[WRONGS] = {
		[W_REQUEST] = "a word of vhost-user that we don't have (99)",
		[W_INDEX] = "no queue of that number",
		[W_SIZE_OF_NONE] = "power of two",
		[W_TABLE_OUTSIDE] = "lies in the guest's memory",
		[W_TABLE_UNALIGNED] = "aligned",
		[W_BASE] = "begins at its beginning",
		[W_NO_DOORBELL] = "has a doorbell",
		[W_FD_TOO_MANY] = "fds that aren't its own",
		[W_FEATURES] = "features that it wasn't offered",
		[W_PROTOCOL] = "features that we haven't offered",
		[W_SHORT] = "too short",
		[W_LONG] = "too long",
		[W_CONFIG] = "the bytes that it says",
		[W_MEMORY_COUNT] = "comes with its file",
		[W_MEMORY_BYTES] = "whole pages of its file",
		[W_MEMORY_NO_FILE] = "comes with its file",
		[W_MEMORY_UNSEALED] = "can't be made smaller",
		[W_VERSION] = "another version",
	};

	(void)state;
	for (enum wrong i = 0; i < WRONGS; i++) {
		CLEAN(machine) struct machine m;
		struct err err = { 0 };

		machine_init(&m);
		agree(&m, &err);
		assert_int_equal(do_wrong(&m, i, &err), -EPROTO);
		if (!strstr(err.text, words[i]))
			fail_msg("%u: \"%s\" in \"%s\"", i, words[i], err.text);
	}
}

static void test_what_runs_stays_where_it_is(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		CLEAN(machine) struct machine m;
		struct err err = { 0 };
		int rc;

		machine_init(&m);
		agree(&m, &err);
		assert_int_equal(say_queue(&m, VHOST_SET_VRING_ENABLE, 1, &err), 0);
		rc = i == 0 ? say_memory(&m, PAGE, m.file, &err) :
		     i == 1 ? say_addresses(&m, ADDRESS, &err) :
			      say_queue(&m, VHOST_SET_VRING_NUM, SIZE, &err);
		assert_int_equal(rc, -EPROTO);
	}
}

/* A driver that breaks a rule of the ring: whoever owns the machine is woken. */
static void test_an_offence_wakes(void **state)
{
	CLEAN(machine) struct machine m;
	struct err err = { 0 };
	struct vring_desc *d;
	struct vring_avail *avail;
	const uint64_t one = 1;
	uint64_t count;

	(void)state;
	machine_init(&m);
	agree(&m, &err);
	assert_int_equal(say_queue(&m, VHOST_SET_VRING_ENABLE, 1, &err), 0);
	d = (void *)m.memory;
	avail = (void *)(m.memory + AVAIL);
	/* The page before the piece is of the file, but not of the guest's memory. */
	d[0] = (struct vring_desc){ .addr = GPA - 8, .len = 64, .flags = VRING_DESC_F_WRITE };
	avail->idx = 1;
	assert_int_equal(write(m.kick, &one, sizeof(one)), sizeof(one));
	run(&m);
	assert_string_equal(m.rng.virtio.offence, "a buffer lies in memory");
	assert_int_equal(read(m.wake, &count, sizeof(count)), sizeof(count));
}

/* In any pieces; and the end. */
static void test_pieces_of_messages_and_the_end(void **state)
{
	CLEAN(machine) struct machine m;
	struct vhost_head head = { .request = VHOST_GET_QUEUE_NUM, .flags = 1 };
	struct err err = { 0 };
	uint8_t answer[64];

	(void)state;
	machine_init(&m);
	for (size_t i = 0; i < sizeof(head); i++) {
		assert_int_equal(recv(m.theirs, answer, sizeof(answer), MSG_DONTWAIT), -1);
		assert_int_equal(fd_write_all(m.theirs, (uint8_t *)&head + i, 1), 0);
		assert_int_equal(virtio_user_serve(&m.user, &err), 0);
	}
	assert_int_equal(recv(m.theirs, answer, sizeof(answer), MSG_DONTWAIT), 20);
	drop_fd(&m.theirs);
	assert_int_equal(virtio_user_serve(&m.user, &err), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_are_served_once_all_is_said),
		cmocka_unit_test(test_a_driver_leaves_and_comes_back),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_what_runs_stays_where_it_is),
		cmocka_unit_test(test_an_offence_wakes),
		cmocka_unit_test(test_pieces_of_messages_and_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
