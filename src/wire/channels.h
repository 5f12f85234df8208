/*
 * Three channels of a stream joined with fds of ours, both ways: 0 from the host to the process, 1 and 2
 * back. What is read is sent as far as the other side has given credit; what comes is written as fast as it is
 * taken, and no faster: one channel that nobody reads stops neither of the others.
 */
#ifndef CTR_WIRE_CHANNELS_H
#define CTR_WIRE_CHANNELS_H

#include "wire/frame.h"

#include <poll.h>

#define CHANNELS 3
#define CHANNEL_WINDOW 65536 /* bytes under way in a channel, at most */
#define CHANNELS_FDS (1 + CHANNELS)

struct channel {
	int fd;               /* borrowed; -1: none, or no more */
	bool source;          /* we read it; else we write it */
	bool ended;           /* source: its end was sent. sink: its end came, and all is written */
	bool end_came;        /* sink */
	uint32_t credit;      /* source: bytes that may be sent. sink: that may come */
	struct backlog waits; /* sink: bytes that came */
};

struct channels {
	struct wire wire;
	struct channel channel[CHANNELS];
	/*
	 * The fd of this channel is not needed any more, and its owner may close it: a sink whose end has come
	 * and is written, or that takes nothing more; a source of which the other side wants no more. NULL:
	 * nobody is told.
	 */
	void (*parted)(void *arg, unsigned int channel);
	void *arg;
};

/* `link` is borrowed and made not to block. All channels are without an fd: a source has ended, what comes for
 * a sink is dropped. */
void channels_init(struct channels *s, int link, bool host);
void channels_free(struct channels *s);
CLEAN_DEFINE(channels, struct channels, channels_free)

/* Join a channel with an fd, borrowed. A sink may block as long as it takes a page after POLLOUT. */
void channels_join(struct channels *s, unsigned int channel, int fd);

/* What is to be waited for. */
void channels_poll(const struct channels *s, struct pollfd fds[CHANNELS_FDS]);

/*
 * Do what those fds are ready for. Frames that are not of channels come out of channels_next(), as wire_next() has
 * it. -EPROTO, -EPIPE: this stream is over.
 */
int channels_serve(struct channels *s, const struct pollfd fds[CHANNELS_FDS]) MUST_CHECK;
int channels_next(struct channels *s, struct wire_frame *ret) MUST_CHECK;
/* Send what was put since. */
static inline int channels_send(struct channels *s)
{
	return wire_send(&s->wire);
}

/*
 * For a process that has ended: a source that has nothing to be read at this moment ends, whoever else may
 * still hold its other side. True once all have.
 */
bool channels_finish(struct channels *s);

/* Has every sink all that came for it? */
bool channels_flushed(const struct channels *s);

/*
 * channels_state.c: all of it but what the link itself has under way, for who goes on with the other side's stream in
 * another program; into one that was made and joined as this one was. -EINVAL: no such state can be.
 */
void channels_save(const struct channels *s, struct str *out);
int channels_load(struct channels *s, const char *bytes, size_t len) MUST_CHECK;

#endif
