/*
 * A socket device: streams between the guest and unix sockets of the host. VIRTIO 1.2, 5.10. No vhost: each byte
 * goes through here.
 *
 * The host calls: whoever connects to our listening socket says "CONNECT PORT\n", gets "OK PORT\n", and has the
 * guest's listener of that port. The guest calls: the host's port P is one of the fds that are given for it, once,
 * or the unix socket PATH_P.
 */
#ifndef CTR_MICROVM_VIRTIO_VSOCK_H
#define CTR_MICROVM_VIRTIO_VSOCK_H

#include "base/backlog.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "microvm/virtio.h"

#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stdint.h>

#define VSOCK_STREAMS_MAX 1024
#define VSOCK_BUFFER 65536   /* bytes from the guest that wait for a stream's reader, at most */
#define VSOCK_REFUSED_MAX 64 /* refusals that wait for the guest's room; more are dropped */
#define VSOCK_CID 3
#define VSOCK_LINE_MAX 32 /* "CONNECT 4294967295\n" */

/* The first stream of the guest's to this port of the host is joined with this socket; taken over. */
struct vsock_port {
	uint32_t port;
	int fd;
	int peer; /* its other end, borrowed: a snapshot has what is between them, and goes on with this stream */
};

/* What is wanted; borrowed. There is such a device where there is a port, a path or a socket. */
struct vsock_options {
	const char *path; /* of the socket that is made, and of others PATH_P; NULL: none */
	int listen;       /* or one that listens already, taken over; -1 */
	uint32_t cid;     /* the guest's address; 0: VSOCK_CID */
	const struct vsock_port *ports;
	size_t port_count;
};

#define VSOCK_OPTIONS_NONE   \
	{                    \
		.listen = -1 \
	}

enum vsock_state {
	VSOCK_FREE,
	VSOCK_GREETING, /* the host has connected, and not yet said which port */
	VSOCK_ASKED,    /* the guest was asked */
	VSOCK_LIVE,
	VSOCK_LAST, /* the guest is gone, the host has not yet read all that it said */
};

/* What a stream has to say to the guest, as soon as that has room. */
enum vsock_say {
	SAY_REQUEST = 1 << 0,
	SAY_RESPONSE = 1 << 1,
	SAY_CREDIT = 1 << 2,
	SAY_SHUTDOWN = 1 << 3,
	SAY_DATA = 1 << 4, /* the host's socket has some, or its end */
	SAY_RESET = 1 << 5,
};

struct vsock;

struct vsock_stream {
	struct vsock *vsock;
	enum vsock_state state;
	uint32_t host_port, guest_port;
	int fd, peer; /* peer: of one that was given; else -1 */
	struct io_source source;
	uint32_t watched; /* events */
	unsigned int says;
	bool asked;
	char line[VSOCK_LINE_MAX + 1]; /* what the host has said so far of which port */
	size_t line_len;
	bool queued;                            /* it is among the ready */
	struct backlog out;                     /* from the guest, for the host */
	uint32_t taken, taken_told;             /* bytes of the guest's that the host has */
	uint32_t sent, peer_buffer, peer_taken; /* the other direction */
	bool guest_sends_no_more, guest_reads_no_more, host_sends_no_more, host_gone;
	uint32_t shutdown_flags; /* that the guest is to be told */
};

struct vsock {
	struct virtio virtio;
	struct virtio_vsock_config config;
	struct io *io; /* borrowed */
	char *path;
	int listen;
	bool made; /* the socket at `path` is ours to remove */
	bool deaf; /* it isn't served: no more fds, until a stream ends */
	struct io_source source;
	struct vsock_port *ports;
	size_t port_count;
	uint32_t next_port;
	struct vsock_stream *streams;      /* VSOCK_STREAMS_MAX */
	uint16_t ready[VSOCK_STREAMS_MAX]; /* streams that have something to say: a ring */
	unsigned int ready_first, ready_count;
	struct virtio_vsock_hdr refused[VSOCK_REFUSED_MAX];
	unsigned int refused_count;
};

/* "PATH[,cid=N]"; the path, also that of a failure, is the caller's, and has to be there as long as `opt` is. */
int vsock_parse(const char *text, struct vsock_options *opt, char **ret_path,
		struct err *err) MUST_CHECK;
/* Make or take over its socket. Before a jail. */
int virtio_vsock_open(struct vsock *s, const struct vsock_options *opt, struct err *err) MUST_CHECK;
int virtio_vsock_init(struct vsock *s, const struct memory *memory, struct io *io,
		      struct err *err) MUST_CHECK;
/* Its listening socket is served from now on: behind virtio_attach(). */
int virtio_vsock_listen(struct vsock *s, struct err *err) MUST_CHECK;
void virtio_vsock_free(struct vsock *s);

/*
 * vsock_state.c: the device's save_held() and load_more(). What was given as a port goes on with what is given for it
 * then; all other streams end, for the guest is told so when it goes on.
 */
void vsock_save(struct virtio *v, struct str *out);
int vsock_load(struct virtio *v, const char *bytes, size_t len, struct err *err) MUST_CHECK;

/* Between its files; all with the device's lock held. */

/* The guest's packet, with `len` bytes of data at `data`. */
void vsock_packet(struct vsock *s, const struct virtio_vsock_hdr *h, const void *data);
/* Give the guest what there is for it, as far as it has room. */
void vsock_pump(struct vsock *s);
/* A stream has something to say. */
void vsock_say(struct vsock_stream *t, enum vsock_say what);
/* Fill the packet that one of a stream's is: its data up to `room` bytes at `data`; their number. */
size_t vsock_fill(struct vsock_stream *t, struct virtio_vsock_hdr *h, void *data, size_t room);
/* Watch its socket for what is wanted now. */
void vsock_watch(struct vsock_stream *t);
void vsock_drop(struct vsock_stream *t);
/* It is over for the guest; what the guest has said still goes out. */
void vsock_end(struct vsock_stream *t);
/* There are fds again. */
void vsock_hear(struct vsock *s);
void vsock_refuse(struct vsock *s, const struct virtio_vsock_hdr *h);
struct vsock_stream *vsock_new(struct vsock *s, int fd, enum vsock_state state);
/* A socket of the host's for the guest's call; -1: nobody is there. The port that it was given by, or NULL. */
int vsock_call_host(struct vsock *s, uint32_t port, const struct vsock_port **ret_given);
/* The host's side of a stream that isn't one yet. */
void vsock_greet(struct vsock_stream *t);
/* Ask the guest for the streams that the host wants. Not before it has called all that was given for it. */
void vsock_ask_waiting(struct vsock *s);

#endif
