/* From the clients to the container's standard input, by way of the pipe `feed` (monitor/shared.h). */
#include "monitor/serve.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

static size_t fed(const struct serve *v)
{
	int n = 0;

	return ioctl(v->m->feed[0], FIONREAD, &n) < 0 ? 0 : (size_t)n;
}

static int target(const struct serve *v)
{
	return v->m->terminal >= 0 ? v->m->terminal : v->m->in[1];
}

bool input_open(const struct serve *v)
{
	return v->order.interactive && !v->ended && target(v) >= 0;
}

bool input_room(const struct serve *v)
{
	return !shared_progress(v->m->shared).fed_len;
}

static struct fed *fed_of(const struct serve *v, uint64_t client)
{
	for (size_t i = 0; i < FED_MAX; i++)
		if (v->m->shared->fed[i].client == client)
			return &v->m->shared->fed[i];
	return NULL;
}

uint64_t input_last(const struct serve *v, uint64_t client)
{
	const struct progress p = shared_progress(v->m->shared);
	const struct fed *before = p.fed_client == client ? NULL : fed_of(v, client);

	return p.fed_client == client ? p.fed_seq : before ? before->seq : 0;
}

void input_forget(struct serve *v, uint64_t client)
{
	struct fed *f = client ? fed_of(v, client) : NULL;

	if (f)
		f->client = 0;
}

/* Clients of a monitor before us that never came back have left their places behind. */
static struct fed *fed_place(struct serve *v)
{
	struct fed *f = fed_of(v, 0);

	for (size_t i = 0; !f && i < FED_MAX; i++) {
		bool here = false;

		for (size_t n = 0; n < CLIENTS_MAX; n++)
			here |= v->clients[n].fd >= 0 &&
				v->clients[n].id == v->m->shared->fed[i].client;
		f = here ? NULL : &v->m->shared->fed[i];
	}
	return f;
}

/* Somebody else's message comes: the last one's is through, which he may not have been told yet. */
static void remember(struct serve *v, const struct progress *p)
{
	struct fed *f = fed_of(v, p->fed_client);

	if (!p->fed_client)
		return;
	f = f ? f : fed_place(v);
	if (f)
		*f = (struct fed){ p->fed_client, p->fed_seq };
}

static void taken(struct serve *v, uint64_t client, uint64_t seq, size_t len)
{
	struct progress p = shared_progress(v->m->shared);

	if (p.fed_client != client)
		remember(v, &p);
	p.fed_client = client;
	p.fed_seq = seq;
	p.fed_len = (uint32_t)len;
	shared_commit(v->m->shared, &p);
}

/*
 * Whose message `feed` is being filled with is noted first: when there is something in it that nobody has
 * written down as taken, it is that one, and it is whole, since there was room for it.
 */
void input_take(struct serve *v, uint64_t client, uint64_t seq, const char *bytes, size_t len)
{
	struct shared *s = v->m->shared;

	if (input_last(v, client) >= seq || !len)
		return;
	atomic_store(&s->feeding_client, client);
	atomic_store(&s->feeding_seq, seq);
	v->last_fed = bytes[len - 1];
	if (write(v->m->feed[1], bytes, len) == (ssize_t)len)
		taken(v, client, seq, len);
	input_move(v);
}

void input_recover(struct serve *v)
{
	struct shared *s = v->m->shared;
	size_t left = fed(v);

	if (left && input_room(v))
		taken(v, atomic_load(&s->feeding_client), atomic_load(&s->feeding_seq), left);
	input_move(v);
}

/* What nobody will read any more is not to stand in the way of what comes for the next life. */
static void drop(struct serve *v)
{
	char bytes[4096];

	while (read(v->m->feed[0], bytes, sizeof(bytes)) > 0)
		;
}

void input_move(struct serve *v)
{
	struct progress p = shared_progress(v->m->shared);
	int to = target(v);

	if (!p.fed_len)
		return;
	if (to < 0 || v->ended)
		drop(v);
	else if (fed(v) &&
		 splice(v->m->feed[0], NULL, to, NULL, CHUNK_MAX, SPLICE_F_NONBLOCK) < 0 &&
		 errno != EAGAIN && errno != EINTR)
		drop(v);
	if (fed(v))
		return;
	p.fed_len = 0;
	shared_commit(v->m->shared, &p);
}

int input_watch(const struct serve *v)
{
	return input_room(v) ? -1 : target(v);
}

/* A terminal is told in its own way: in the middle of a line the first end-of-file character only pushes
 * the line out, and the second one is the end. */
static void end_terminal(struct serve *v)
{
	struct termios t;
	char eof[2] = { 4, 4 };

	if (tcgetattr(v->m->terminal, &t) == 0)
		eof[0] = eof[1] = (char)t.c_cc[VEOF];
	(void)!write(v->m->terminal, eof, v->last_fed && v->last_fed != '\n' ? 2 : 1);
}

void input_end(struct serve *v)
{
	if (v->m->terminal >= 0) {
		end_terminal(v);
		return;
	}
	keeper_input_ended(v->m);
}
