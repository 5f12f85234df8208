/*
 * What passes between the host and the init inside a micro-VM: frames on a stream, one stream for each
 * process. man/ctr-wire.7 has the format, byte by byte, and the order of frames. The guest's side of it is
 * hostile to the host's.
 */
#ifndef CTR_WIRE_FRAME_H
#define CTR_WIRE_FRAME_H

#include "base/backlog.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1
#define WIRE_PORT \
	1024 /* of vsock: the host's, which the guest's init calls; the guest's, for exec */

#define WIRE_ROOTFS "/container" /* where the guest has the container's files, ... */
#define WIRE_SHARE "root"        /* ... and as what the host shares them */
#define WIRE_IMAGE "/dev/vda"    /* where these are on a disk, and ... */
#define WIRE_VOLUMES "/volumes"  /* ... here what else the host mounts for the container */
#define WIRE_LAUNCHER_FILES \
	".ctr-files" /* the same in its launcher's root, which has nothing else */

/* How long a guest may believe what it knows of a file that can change without it. */
#define WIRE_BELIEVED_S 1

/* A frame: length of the data, type, channel, sequence number from 0; little-endian; then the data. */
#define WIRE_HEAD_BYTES 12
#define WIRE_DATA_MAX 32768
#define WIRE_TEXT_MAX (4U << 20) /* bytes of a configuration, or of a process, in all its frames */

enum wire_type {
	WIRE_HELLO = 1, /* u32 version; the first frame of each side */
	WIRE_TEXT,      /* host: a part of a JSON document; an empty one ends it */
	WIRE_STARTED,   /* guest: the process runs */
	WIRE_FAILED, /* guest: u32 exit status, u32 errno, words: it does not, and nothing follows */
	WIRE_DATA,   /* bytes of a channel; none: that was all */
	WIRE_CREDIT, /* u32: so many bytes more of this channel may be sent */
	WIRE_SIGNAL, /* host: u32 signal for the process */
	WIRE_RESIZE, /* host: u16 rows, u16 columns */
	WIRE_EXIT,   /* guest: u32 exit status, as a shell says it; nothing follows */
	WIRE_NETWORK, /* host, before the document: a part of netns/requests.h; an empty one ends it */
	WIRE_OOM,     /* guest, first stream: u32 kills so far, u32 pid of the last, its name */
	WIRE_RENEW, /* host, first stream: wire/renew.h; what is known of the network comes before */
	WIRE_ASK,   /* host, in the place of a document: u32 enum wire_question */
	WIRE_ANSWER, /* guest: a part of it (runtime/vm_answer.h); an empty one ends it, and nothing follows */
	WIRE_TYPES,
};

enum wire_question {
	WIRE_ASK_USAGE = 1, /* of the whole container */
	WIRE_ASK_PROCESSES, /* which there are, and what each is */
};

/* One that came. `data` is valid until the next wire_next(). */
struct wire_frame {
	enum wire_type type;
	uint16_t channel;
	uint32_t len;
	const uint8_t *data;
};

struct wire {
	int fd;                 /* borrowed, not blocking */
	uint32_t sent, came;    /* sequence numbers */
	struct backlog out;     /* what is to be sent */
	size_t in_len, in_used; /* bytes of `in`; those of the frame that was taken last */
	bool ended;             /* nothing more comes */
	uint8_t in[WIRE_HEAD_BYTES + WIRE_DATA_MAX];
};

void wire_init(struct wire *w, int fd);
void wire_free(struct wire *w);
CLEAN_DEFINE(wire, struct wire, wire_free)

/* Put a frame with up to WIRE_DATA_MAX bytes behind those that wait to be sent. */
void wire_put(struct wire *w, enum wire_type type, unsigned int channel, const void *data,
	      size_t len);
void wire_put_u32(struct wire *w, enum wire_type type, unsigned int channel, uint32_t value);
/* A whole document, in as many frames as it takes, and its end. */
void wire_put_text(struct wire *w, enum wire_type type, const char *text, size_t len);

/* Is there something to be sent? */
static inline bool wire_waits(const struct wire *w)
{
	return backlog_len(&w->out) > 0;
}

/* Send what can be sent now, or all of it and wait. -EPIPE: nobody is there any more. */
int wire_send(struct wire *w) MUST_CHECK;
int wire_send_all(struct wire *w) MUST_CHECK;

/* Take what has come: -EAGAIN: nothing has; 0 otherwise, also at the end (w->ended). */
int wire_receive(struct wire *w) MUST_CHECK;

/*
 * The next whole frame of what came. 1; 0: there is none yet; -EPROTO: what came is none, or not the one that
 * is due, and nothing more can be made of this stream.
 */
int wire_next(struct wire *w, struct wire_frame *ret) MUST_CHECK;

/* A number in a frame's data at `at`; 0 where the frame is too short. */
uint32_t wire_u32(const struct wire_frame *f, size_t at);

/* The other side's hello, once it's due: -EPROTO where it isn't one, -EPROTONOSUPPORT for another version. */
int wire_check_hello(const struct wire_frame *f, struct err *err) MUST_CHECK;

#endif
