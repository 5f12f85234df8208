/* One process and its stream to the host: the container's first, or one more in it. */
#ifndef CTR_GUEST_STREAM_H
#define CTR_GUEST_STREAM_H

#include "netns/requests.h"
#include "runtime/container.h"
#include "wire/channels.h"

#include <poll.h>
#include <stdbool.h>

enum stream_state {
	STREAM_TOLD, /* its document comes */
	STREAM_RUNS,
	STREAM_LEAVES, /* its process has ended: what is left of its output goes */
	STREAM_OVER,   /* all that was to be said was; the host closes */
	STREAM_GONE,   /* nobody is there any more */
};

struct stream {
	int link;
	struct channels channels;
	enum stream_state state;
	bool greeted;    /* the host has said hello */
	struct str text; /* its document, as far as it came */
	struct str network;
	struct net_links links; /* of the first */
	int fds[CHANNELS];      /* our ends of its streams; -1 */
	int terminal;           /* the same, where it has one: one master for both ways; -1 */
	int pidfd;              /* of its process; -1 */
	bool first;             /* the container's own */
	int events;             /* of the first: memory.events of its group; -1 */
	uint64_t oom_told;      /* kills that the host knows of */
	uint64_t early;         /* signals that came before there was a process, as bits */
	int exit_code;
};

#define STREAM_FDS (CHANNELS_FDS + 2)

/* Takes the link over. It doesn't move from here on. */
void stream_init(struct stream *s, int link, bool first);
void stream_free(struct stream *s);

void stream_poll(const struct stream *s, struct pollfd fds[STREAM_FDS]);
/* `c` is the container, which the first stream makes. */
void stream_serve(struct stream *s, struct container *c, const struct pollfd fds[STREAM_FDS]);

#endif
