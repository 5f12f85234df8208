/*
 * What a monitor must not forget when it is killed: memory that its keeper shares, and that the next
 * monitor goes on with.
 *
 * Every byte of a container's output is at one place at any moment: in its pipe or terminal, in the
 * pipe `hold` of ours, or in the chunk here. It goes from the first to the second by splice(2), which
 * moves it or does not; and how much of `hold` has been read into the chunk is how much is missing in
 * it. So whoever comes next knows, and nothing is lost or said twice. Input goes the other way through
 * the pipe `feed`, by the same rule.
 */
#ifndef CTR_MONITOR_SHARED_H
#define CTR_MONITOR_SHARED_H

#include "base/err.h"
#include "monitor/health.h"
#include "monitor/log.h"
#include "monitor/modes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHUNK_MAX LOG_CHUNK_MAX
#define REPLAY_MAX 16384 /* what is shown of a terminal to who attaches later */

/* How far the container's life has come; what a new monitor has to do next. */
enum phase {
	PHASE_NEW,     /* nothing was made yet */
	PHASE_MAKING,  /* a container is being made */
	PHASE_MADE,    /* it was made; it may run */
	PHASE_ENDED,   /* it has ended, and how is known (or never will be) */
	PHASE_RESTING, /* it is to be started again in a while */
	PHASE_OVER,    /* there is nothing left to do */
};

/* Values that belong together: replaced as one (shared_commit). */
struct progress {
	uint64_t seq;     /* of the chunk */
	uint64_t done[2]; /* bytes of standard output and error before the chunk */
	uint64_t unix_ns; /* when the chunk came */
	uint32_t len;     /* of the chunk; 0: there is none */
	uint32_t stream;
	uint64_t fed_client, fed_seq; /* the last message of input that was taken, and whose */
	uint32_t fed_len; /* its bytes, as they were put into `feed`; 0: they are through */
};

/* The last message of a client's input that was taken, where others have come after it. */
struct fed {
	uint64_t client, seq; /* client 0: a free place */
};

#define FED_MAX 64

struct shared {
	_Atomic(enum phase) phase;
	_Atomic(int) init_pid; /* of the container's present life */
	_Atomic(bool) exit_known;
	_Atomic(int) exit_status;   /* as waitpid(2) gives it */
	_Atomic(uint32_t) attached; /* clients that are to get all output */
	_Atomic(uint32_t) logged;   /* low half of the number of the last chunk that the log has */
	_Atomic(uint32_t) moving;   /* the stream from which `hold` is being filled */
	_Atomic(uint64_t) feeding_client,
		feeding_seq; /* the message with which `feed` is being filled */
	_Atomic(bool) input_ended;
	struct fed fed[FED_MAX];
	bool told_start;   /* our first client knows how the start went */
	int restarts;      /* since it last ran for long */
	int restart_count; /* in all */
	pid_t maker;       /* the monitor that makes it, or made it last */
	uint64_t rest_until_ns, started_ns;

	_Atomic(uint32_t) current;
	struct progress progress[2];

	struct log_mark log;
	struct health_memory health;
	char chunk[CHUNK_MAX];
	uint64_t replay_end; /* bytes that ever went into replay */
	char replay[REPLAY_MAX];
	struct modes modes; /* of the terminal before that */
};

/* Make it; it is shared with whom we fork from now on. */
int shared_make(struct shared **ret, struct err *err) MUST_CHECK;

/* The values in force, and their replacement by others. */
static inline struct progress shared_progress(const struct shared *s)
{
	return s->progress[atomic_load(&s->current)];
}

static inline void shared_commit(struct shared *s, const struct progress *p)
{
	uint32_t other = !atomic_load(&s->current);

	s->progress[other] = *p;
	atomic_store(&s->current, other);
}

/*
 * Put what a terminal showed at the end of the replay, and take all of it: at most REPLAY_MAX bytes, from the
 * start of a line or a control sequence where the beginning is cut off. Returns how many; *ret_modes is how the
 * terminal was before them.
 */
void replay_put(struct shared *s, const char *bytes, size_t len);
size_t replay_get(const struct shared *s, char *ret, struct modes *ret_modes);

#endif
