/* What a snapshot has of the streams. */
#include "microvm/snapshot_file.h"
#include "microvm/virtio_vsock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BETWEEN_MAX (1U << 20) /* bytes that a socket has for its reader */
#define SAYS (SAY_REQUEST | SAY_RESPONSE | SAY_CREDIT | SAY_SHUTDOWN | SAY_DATA | SAY_RESET)

struct device_state {
	uint32_t cid, next_port, streams, zero;
};

/* Behind it, of one that goes on: what waits for the host's socket; what that has for its reader; and the guest's. */
struct stream_state {
	uint32_t host_port, guest_port;
	uint32_t taken, taken_told, sent, peer_buffer, peer_taken, shutdown_flags, says;
	uint32_t out, between_host, between_guest;
	uint8_t given, last, guest_sends_no_more, guest_reads_no_more, host_sends_no_more, zero[3];
};

/* ---- saving ------------------------------------------------------------------------------------ */

/* What a socket has for its reader stays there: the machine may go on here. */
static uint32_t peek(int fd, struct str *out)
{
	int count = 0;
	CLEAN(free) char *bytes = NULL;
	ssize_t n;

	if (ioctl(fd, SIOCINQ, &count) < 0 || count <= 0)
		return 0;
	bytes = xcalloc(1, (size_t)count);
	n = recv(fd, bytes, (size_t)count, MSG_PEEK | MSG_DONTWAIT);
	str_add_bytes(out, bytes, n > 0 ? (size_t)n : 0);
	return n > 0 ? (uint32_t)n : 0;
}

static void save_end(struct str *out, uint32_t host_port, uint32_t guest_port)
{
	const struct stream_state state = { .host_port = host_port, .guest_port = guest_port };

	str_add_bytes(out, &state, sizeof(state));
}

static void save_given(const struct vsock_stream *t, struct str *out)
{
	CLEAN(str) struct str bytes = { 0 };
	struct stream_state state = { .host_port = t->host_port,
				      .guest_port = t->guest_port,
				      .taken = t->taken,
				      .taken_told = t->taken_told,
				      .sent = t->sent,
				      .peer_buffer = t->peer_buffer,
				      .peer_taken = t->peer_taken,
				      .shutdown_flags = t->shutdown_flags,
				      .says = t->says,
				      .out = (uint32_t)backlog_len(&t->out),
				      .given = true,
				      .last = t->state == VSOCK_LAST,
				      .guest_sends_no_more = t->guest_sends_no_more,
				      .guest_reads_no_more = t->guest_reads_no_more,
				      .host_sends_no_more = t->host_sends_no_more };

	str_add_bytes(&bytes, backlog_head(&t->out), state.out);
	state.between_host = peek(t->peer, &bytes);
	state.between_guest = peek(t->fd, &bytes);
	str_add_bytes(out, &state, sizeof(state));
	str_add_bytes(out, bytes.text, bytes.len);
}

void vsock_save(struct virtio *v, struct str *out)
{
	struct vsock *s = (struct vsock *)v;
	struct device_state state = { .cid = (uint32_t)s->config.guest_cid,
				      .next_port = s->next_port };
	CLEAN(str) struct str streams = { 0 };

	for (unsigned int i = 0; i < VSOCK_STREAMS_MAX; i++) {
		const struct vsock_stream *t = &s->streams[i];

		if (t->peer >= 0 && t->fd >= 0)
			save_given(t, &streams);
		else if (t->state == VSOCK_LIVE || (t->state == VSOCK_ASKED && t->asked))
			save_end(&streams, t->host_port, t->guest_port);
		else
			continue;
		state.streams++;
	}
	for (unsigned int i = 0; i < s->refused_count; i++, state.streams++)
		save_end(&streams, s->refused[i].src_port, s->refused[i].dst_port);
	str_add_bytes(out, &state, sizeof(state));
	str_add_bytes(out, streams.text, streams.len);
}

/* ---- loading ----------------------------------------------------------------------------------- */

/* Between two sockets of the kind that had it there is room for it. */
static bool put_between(int fd, const char *bytes, uint32_t len)
{
	return len == 0 || send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static void set(struct vsock_stream *t, const struct stream_state *state)
{
	t->host_port = state->host_port;
	t->guest_port = state->guest_port;
	t->taken = state->taken;
	t->taken_told = state->taken_told;
	t->sent = state->sent;
	t->peer_buffer = state->peer_buffer;
	t->peer_taken = state->peer_taken;
	t->shutdown_flags = state->shutdown_flags;
	t->guest_sends_no_more = state->guest_sends_no_more;
	t->guest_reads_no_more = state->guest_reads_no_more;
	t->host_sends_no_more = state->host_sends_no_more;
}

/* One that nobody is there for any more: it says so, and is free then. */
static int load_end(struct vsock *s, const struct stream_state *state)
{
	struct vsock_stream *t = vsock_new(s, -1, VSOCK_LIVE);

	if (!t)
		return -EINVAL;
	t->host_port = state->host_port;
	t->guest_port = state->guest_port;
	vsock_say(t, SAY_RESET);
	return 0;
}

static int load_given(struct vsock *s, const struct stream_state *state, struct snapshot_rest *rest)
{
	const char *out = snapshot_take(rest, state->out),
		   *host = snapshot_take(rest, state->between_host),
		   *guest = snapshot_take(rest, state->between_guest);
	const struct vsock_port *given;
	struct vsock_stream *t;
	int fd;

	if (!out || !host || !guest || state->out > VSOCK_BUFFER ||
	    state->between_host > BETWEEN_MAX || state->between_guest > BETWEEN_MAX)
		return -EINVAL;
	fd = vsock_call_host(s, state->host_port, &given);
	if (fd >= 0 && !given)
		close(fd);
	if (!given)
		return state->last ? 0 : load_end(s, state);
	t = vsock_new(s, fd, state->last ? VSOCK_LAST : VSOCK_LIVE);
	if (!t)
		return -EINVAL;
	t->peer = given->peer;
	set(t, state);
	backlog_add(&t->out, out, state->out);
	if (!put_between(fd, host, state->between_host) ||
	    !put_between(t->peer, guest, state->between_guest))
		return -EINVAL;
	if (state->says & SAYS)
		vsock_say(t, state->says & SAYS);
	vsock_watch(t);
	return 0;
}

static int load_streams(struct vsock *s, uint32_t count, struct snapshot_rest *rest)
{
	struct stream_state state;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		if (!snapshot_copy(rest, &state, sizeof(state)))
			return -EINVAL;
		rc = state.given ? load_given(s, &state, rest) : load_end(s, &state);
	}
	return rc < 0 || rest->left ? -EINVAL : 0;
}

/*
 * Who waited at the socket before the machine was there: by numbers that are no stream's of its past, of which the guest
 * may know.
 */
static void ask_early(struct vsock *s)
{
	for (unsigned int i = 0; i < VSOCK_STREAMS_MAX; i++)
		if (s->streams[i].state == VSOCK_ASKED && !s->streams[i].asked)
			s->streams[i].host_port = s->next_port++;
	vsock_ask_waiting(s);
}

static int load(struct vsock *s, struct snapshot_rest *rest, struct err *err)
{
	struct device_state device;

	if (!snapshot_copy(rest, &device, sizeof(device)))
		return err_set(err, EINVAL, "the state of a socket device is cut");
	if (device.cid != s->config.guest_cid)
		return err_set(err, EINVAL,
			       "the guest's address (vsock) was %u, and is %llu now: --vsock "
			       "...,cid=%u",
			       device.cid, (unsigned long long)s->config.guest_cid, device.cid);
	if (load_streams(s, device.streams, rest) < 0)
		return err_set(err, EINVAL, "no such state of a socket device can be");
	s->next_port = device.next_port;
	ask_early(s);
	return 0;
}

int vsock_load(struct virtio *v, const char *bytes, size_t len, struct err *err)
{
	struct snapshot_rest rest = { bytes, len };
	int rc;

	pthread_mutex_lock(&v->lock);
	rc = load((struct vsock *)v, &rest, err);
	pthread_mutex_unlock(&v->lock);
	return rc;
}
