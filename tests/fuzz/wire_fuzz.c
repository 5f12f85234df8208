/*
 * What a guest's init could say to its launcher, and the other way: bytes that should be frames, with readers that
 * take something now and then; before it, or not, what a snapshot has of such a stream. And what a guest could answer
 * that is asked for its numbers.
 *
 * max: 4096
 */
#include "fuzz.h"

#include "base/cleanup.h"
#include "runtime/vm_answer.h"
#include "wire/channels.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void take_all(struct channels *s, bool *ret_over)
{
	struct wire_frame f;
	struct err err = { 0 };
	int rc;

	while ((rc = channels_next(s, &f)) == 1) {
		if (f.len > WIRE_DATA_MAX || f.data < s->wire.in ||
		    f.data + f.len > s->wire.in + sizeof(s->wire.in))
			fuzz_broken("a frame of %u bytes", f.len);
		(void)!wire_check_hello(&f, &err);
	}
	*ret_over = rc < 0;
	for (unsigned int i = 0; i < CHANNELS; i++) {
		const struct channel *c = &s->channel[i];

		if (c->credit > CHANNEL_WINDOW || backlog_len(&c->waits) > CHANNEL_WINDOW)
			fuzz_broken("channel %u has %zu bytes, and credit for %u", i,
				    backlog_len(&c->waits), c->credit);
	}
}

static void drain(int fd)
{
	char sink[4096];

	while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
}

/* What was taken is said again by the same bytes. */
static void take_usage(const uint8_t *data, size_t size)
{
	CLEAN(str) struct str again = { 0 };
	struct usage u;

	if (answer_take_usage(data, size, &u) < 0)
		return;
	answer_put_usage(&u, &again);
	if (again.len > size || memcmp(again.text, data, again.len) != 0)
		fuzz_broken("a guest's numbers are others (%zu bytes)", size);
}

static void take_procs(const uint8_t *data, size_t size)
{
	CLEAN(procs) struct procs all = { 0 };

	if (answer_take_procs(data, size, &all) < 0)
		return;
	for (size_t i = 0; i < all.count; i++) {
		const struct proc *p = &all.items[i];

		if (p->hpid != -1 || p->uid != -1 || p->gid != -1 || p->pid < 1 || p->inside < 1 ||
		    p->uid_in < -1 || p->state < 'A' || p->state > 'z' || p->nice < -20 ||
		    strnlen(p->comm, sizeof(p->comm)) == sizeof(p->comm) ||
		    (p->args && strlen(p->args) > ANSWER_ARGS_MAX))
			fuzz_broken("process %zu of %zu can't be", i, all.count);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int link[2], sinks[2][2];
	struct channels s;
	bool over = false;

	if (size > 0 && data[0] >= 0xfe) {
		(data[0] & 1 ? take_procs : take_usage)(data + 1, size - 1);
		return 0;
	}
	if (size < 1 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, link) < 0 ||
	    pipe2(sinks[0], O_NONBLOCK) < 0 || pipe2(sinks[1], O_NONBLOCK) < 0)
		return -1;
	channels_init(&s, link[0], data[0] & 1);
	channels_join(&s, data[0] & 1 ? 1 : 0, sinks[0][1]);
	channels_join(&s, data[0] & 1 ? 0 : 1, sinks[1][0]);
	if (data[0] & 2 && channels_load(&s, (const char *)data + 1, size - 1) == 0)
		take_all(&s, &over);
	for (data++, size--; size && !over;) {
		size_t part = 1 + data[0] % 64U;
		struct pollfd fds[CHANNELS_FDS];
		char sink[512];

		part = part < size ? part : size;
		if (data[0] & 0x40)
			(void)!read(sinks[0][0], sink, sizeof(sink));
		if (data[0] & 0x80)
			(void)!write(sinks[1][1], data, part);
		(void)!write(link[1], data, part);
		data += part, size -= part;
		channels_poll(&s, fds);
		(void)poll(fds, CHANNELS_FDS, 0);
		over = channels_serve(&s, fds) < 0 && errno != EAGAIN;
		take_all(&s, &over);
		drain(link[1]);
	}
	channels_free(&s);
	for (int i = 0; i < 2; i++) {
		drop_fd(&link[i]);
		drop_fd(&sinks[0][i]);
		drop_fd(&sinks[1][i]);
	}
	return 0;
}
