/*
 * What an emulator says of a device (vhost-user): messages of every kind with files of every kind, and what a guest
 * writes into the memory that both have. The device's thread is played here.
 *
 * max: 2048
 */
#include "fuzz.h"

#include "base/fd.h"
#include "base/str.h"
#include "microvm/virtio_rng.h"
#include "microvm/virtio_user_parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define BYTES 0x10000UL

struct step {
	uint8_t act, request, file, flags;
	uint16_t len, at;
} __attribute__((packed));

enum act { SAY, SAY_RAW, WRITE, TURN, HANG_UP, ACTS };
enum file { NONE, MEMORY, UNSEALED, EVENT, PAIR, FILES };

struct machine {
	struct virtio_rng rng;
	struct virtio_user user;
	struct io io;
	int theirs, wake, files[FILES];
	char *memory;
};

static void machine_init(struct machine *m)
{
	struct err err = { 0 };
	int ends[2];

	memset(m, 0, sizeof(*m));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		fuzz_broken("a pair of sockets");
	m->theirs = ends[0];
	m->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->files[NONE] = -1;
	m->files[MEMORY] = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	m->files[UNSEALED] = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	m->files[EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	m->files[PAIR] = dup(ends[0]);
	if (ftruncate(m->files[MEMORY], BYTES) < 0 || ftruncate(m->files[UNSEALED], BYTES) < 0 ||
	    fcntl(m->files[MEMORY], F_ADD_SEALS, F_SEAL_SHRINK) < 0)
		fuzz_broken("a memfd");
	m->memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, m->files[MEMORY], 0);
	fuzz_check(io_make(&m->io, &err), &err);
	fuzz_check(virtio_rng_init(&m->rng, &m->user.memory, &err), &err);
	fuzz_check(virtio_attach(&m->rng.virtio, &m->io, &err), &err);
	virtio_user_init(&m->user, &m->rng.virtio, 1, &m->io, ends[1], m->wake);
}

static void machine_free(struct machine *m)
{
	io_free(&m->io);
	virtio_user_free(&m->user);
	virtio_free(&m->rng.virtio);
	munmap(m->memory, BYTES);
	drop_fd(&m->theirs);
	drop_fd(&m->wake);
	for (int i = 0; i < FILES; i++)
		drop_fd(&m->files[i]);
}

static void turn(struct machine *m)
{
	struct epoll_event e;

	for (int i = 0; i < 8 && epoll_wait(m->io.epoll, &e, 1, 0) == 1 && e.data.ptr; i++) {
		const struct io_source *source = e.data.ptr;

		source->ready(source->arg, e.events);
	}
}

/* With a head that fits, or as it is. */
static void say(struct machine *m, const struct step *p, const uint8_t *bytes, bool raw)
{
	uint8_t data[sizeof(struct vhost_head) + 65536];
	struct vhost_head head = { .request = p->request % 32, .flags = 1, .bytes = p->len };
	size_t room = raw ? 0 : sizeof(head);
	int fds[4];
	size_t count = p->file % FILES == NONE ? 0 : p->flags % 4;

	for (size_t i = 0; i < count; i++)
		fds[i] = m->files[p->file % FILES];
	memcpy(data, &head, room);
	memcpy(data + room, bytes, p->len);
	if (room + p->len)
		(void)!fd_send(m->theirs, data, room + p->len, fds, count);
}

static int do_step(struct machine *m, const struct step *p, const uint8_t *bytes)
{
	struct err err;

	switch ((enum act)(p->act % ACTS)) {
	case SAY:
	case SAY_RAW:
		say(m, p, bytes, p->act % ACTS == SAY_RAW);
		return virtio_user_serve(&m->user, &err);
	case WRITE:
		if (p->at + p->len <= BYTES)
			memcpy(m->memory + p->at, bytes, p->len);
		break;
	case TURN:
		turn(m);
		break;
	default:
		(void)shutdown(m->theirs, SHUT_WR);
	}
	return 0;
}

static void check(const struct machine *m)
{
	const struct virtio *v = &m->rng.virtio;

	if (m->user.memory.piece_count > MEMORY_PIECES_MAX)
		fuzz_broken("more pieces of memory than there may be");
	if (virtio_is_live(v, 0) && (!m->user.queue[0].placed || m->user.queue[0].kick < 0))
		fuzz_broken("a queue is served that has no place");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine m;
	struct step p;
	int rc = 0;

	machine_init(&m);
	while (rc == 0 && size >= sizeof(p)) {
		memcpy(&p, data, sizeof(p));
		data += sizeof(p), size -= sizeof(p);
		if (p.len > size)
			p.len = (uint16_t)size;
		rc = do_step(&m, &p, data);
		data += p.len, size -= p.len;
		check(&m);
	}
	turn(&m);
	machine_free(&m);
	return 0;
}
