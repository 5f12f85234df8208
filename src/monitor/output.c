/* From the container to its log and to the clients: one chunk at a time (monitor/shared.h). */
#include "monitor/serve.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

/* How long nothing has to come from a terminal that others still hold open, once its process has
 * ended, before we take it for empty. */
#define QUIET_NS UINT64_C(100000000)

/* How often a terminal that was closed by all is looked at again. */
#define REOPEN_NS UINT64_C(250000000)

static int source_of(const struct serve *v, uint32_t stream)
{
	const struct monitor *m = v->m;

	if (m->terminal >= 0 || v->c.state.terminal)
		return stream == LOG_STDOUT ? m->terminal : -1;
	return stream == LOG_STDOUT ? m->out[0] : m->err[0];
}

static size_t held(const struct serve *v)
{
	int n = 0;

	return ioctl(v->m->hold[0], FIONREAD, &n) < 0 ? 0 : (size_t)n;
}

static uint64_t unix_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What lies in `hold` becomes the next chunk; it is read afterwards. */
static void chunk_begin(struct serve *v, size_t len)
{
	struct shared *s = v->m->shared;
	struct progress p = shared_progress(s);

	p.seq++;
	p.stream = atomic_load(&s->moving);
	p.unix_ns = unix_ns();
	p.len = (uint32_t)len;
	shared_commit(s, &p);
	v->chunk_read = false;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		v->clients[i].got = false;
}

/* How much of it is missing in `hold` is how much is in memory already, whoever read it. */
static void chunk_read(struct serve *v, const struct progress *p)
{
	size_t rest = held(v);

	while (rest > 0 && rest <= p->len) {
		ssize_t n = read(v->m->hold[0], v->m->shared->chunk + p->len - rest, rest);

		if (n <= 0)
			break;
		rest -= (size_t)n;
	}
	v->chunk_read = rest == 0;
}

/* Nobody has the terminal open. As long as the process lives somebody may open it again. */
static void unheld(struct serve *v)
{
	if (v->ended)
		close(take_fd(&v->m->terminal));
	else
		v->unheld_until_ns = clock_now_ns() + REOPEN_NS;
}

/* Move what a stream has into `hold`. */
static bool fetch_from(struct serve *v, uint32_t stream)
{
	int from = source_of(v, stream);
	ssize_t n;

	if (from < 0)
		return false;
	atomic_store(&v->m->shared->moving, stream);
	n = splice(from, NULL, v->m->hold[1], NULL, CHUNK_MAX, SPLICE_F_NONBLOCK);
	if (n > 0) {
		chunk_begin(v, (size_t)n);
		return true;
	}
	if (n < 0 && errno == EIO && v->m->terminal >= 0)
		unheld(v);
	return false;
}

static bool fetch(struct serve *v)
{
	size_t left = held(v);
	/* The stream that came last is asked last. */
	uint32_t first = !shared_progress(v->m->shared).stream;

	/* The monitor before us got that far. */
	if (left) {
		chunk_begin(v, left);
		return true;
	}
	return fetch_from(v, first) || fetch_from(v, !first);
}

/* True: the log has the chunk. */
static bool chunk_log(struct serve *v, const struct progress *p)
{
	struct shared *s = v->m->shared;
	struct err why = { 0 };

	if (!v->log || atomic_load(&s->logged) == (uint32_t)p->seq)
		return true;
	if (v->log_again_ns && clock_now_ns() < v->log_again_ns)
		return false;
	if (log_write(v->log, p->seq, p->stream, s->chunk, p->len, p->unix_ns, &why) < 0) {
		v->log_again_ns = clock_now_ns() + LOG_RETRY_MS * UINT64_C(1000000);
		return false;
	}
	v->log_again_ns = 0;
	atomic_store(&s->logged, (uint32_t)p->seq);
	return true;
}

static bool owed(const struct client *c)
{
	return c->fd >= 0 && c->wants & WIRE_WANT_OUTPUT && !c->got;
}

bool output_pending(const struct serve *v)
{
	return shared_progress(v->m->shared).len > 0;
}

static bool chunk_delivered(struct serve *v)
{
	bool all = true;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &v->clients[i];

		if (owed(c) && !c->blocked)
			client_flush(v, c);
		all = all && !owed(c);
	}
	return all;
}

static void chunk_done(struct serve *v, struct progress *p)
{
	struct shared *s = v->m->shared;

	if (v->c.state.terminal)
		replay_put(s, s->chunk, p->len);
	p->done[p->stream & 1] += p->len;
	p->len = 0;
	shared_commit(s, p);
}

/* Clients that were connected to the monitor before us are still to get what it didn't deliver. */
static bool may_move(const struct serve *v)
{
	return !v->resume_until_ns;
}

bool output_move(struct serve *v)
{
	struct progress p = shared_progress(v->m->shared);
	bool logged, delivered;

	if (!may_move(v))
		return false;
	if (!p.len) {
		if (!fetch(v))
			return false;
		p = shared_progress(v->m->shared);
	}
	if (!v->chunk_read)
		chunk_read(v, &p);
	if (!v->chunk_read)
		return false;
	/* Both are tried: who is slow keeps neither the log nor other clients from what is there. */
	logged = chunk_log(v, &p);
	delivered = chunk_delivered(v);
	if (!logged || !delivered)
		return false;
	chunk_done(v, &p);
	v->quiet_since_ns = 0;
	terminal_drew(v);
	return true;
}

bool output_empty(struct serve *v)
{
	if (output_pending(v) || !may_move(v))
		return false;
	/* With a terminal what was written comes a moment later, and an error says that there is no more. */
	if (v->m->terminal < 0)
		return true;
	if (!v->quiet_since_ns)
		v->quiet_since_ns = clock_now_ns();
	return clock_now_ns() - v->quiet_since_ns >= QUIET_NS;
}

size_t output_watch(const struct serve *v, struct pollfd *p)
{
	size_t n = 0;

	if (output_pending(v) || !may_move(v) || v->drained ||
	    (v->unheld_until_ns && clock_now_ns() < v->unheld_until_ns))
		return 0;
	for (uint32_t stream = 0; stream < 2; stream++) {
		int fd = source_of(v, stream);

		if (fd >= 0)
			p[n++] = (struct pollfd){ fd, POLLIN, 0 };
	}
	return n;
}
