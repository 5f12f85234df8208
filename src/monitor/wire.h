/*
 * What passes between a monitor and its clients, over a unix socket that keeps messages apart
 * (SOCK_SEQPACKET): a head, and behind it at most WIRE_DATA_MAX bytes. Both sides are of one version of
 * ours; the monitor takes nothing on trust all the same.
 *
 * Who started the monitor has a connection from the beginning; others come over the socket in the
 * container's folder. A client whose monitor is killed comes back to the next one and says how much it
 * has got.
 */
#ifndef CTR_MONITOR_WIRE_H
#define CTR_MONITOR_WIRE_H

#include "monitor/log.h"

#include <stdint.h>

#define WIRE_DATA_MAX LOG_CHUNK_MAX

enum wire_type {
	/* from a client */
	WIRE_HELLO = 1, /* struct wire_hello: what it wants; the first message of a connection */
	WIRE_INPUT,     /* bytes for standard input; number: its number, from 1 on */
	WIRE_INPUT_END,
	WIRE_GONE,    /* who started us can't write `stream` any more: the container is to know */
	WIRE_RESIZE,  /* number: rows << 16 | columns */
	WIRE_SIGNAL,  /* number */
	WIRE_START,   /* start again what rests, now; the answer is WIRE_STARTED or WIRE_FAILED */
	WIRE_LOOK,    /* the state was changed: look at it */
	WIRE_SESSION, /* number: pid of a client that is about to begin an exec session */
	WIRE_FDS, /* who is to start it again wants what it was given: the answer is the same, with them */

	/* from the monitor */
	WIRE_AGAIN,   /* I am the next monitor: say hello once more */
	WIRE_READY,   /* struct wire_ready: the answer to a hello */
	WIRE_OUTPUT,  /* bytes of `stream`; number: how many of that stream came before */
	WIRE_REPLAY,  /* bytes that the terminal showed before */
	WIRE_TAKEN,   /* number: the input up to there won't be lost any more */
	WIRE_STARTED, /* the container runs (or, where only that was asked, is created) */
	WIRE_WARNING, /* text */
	WIRE_FAILED,  /* struct err: there is no container */
	WIRE_EXIT,    /* number: exit code as a shell says it; stream: 1 when it isn't known */
};

struct wire_head {
	uint32_t type;
	uint32_t stream; /* LOG_STDOUT, LOG_STDERR */
	uint64_t number;
};

/* What a client wants. */
#define WIRE_WANT_OUTPUT 1u /* stdout and stderr; the container waits for a client that is slow */
#define WIRE_WANT_INPUT 2u
#define WIRE_WANT_END 4u /* only the end, over all restarts */
#define WIRE_RESUMES 8u  /* it was connected to the monitor before this one */

struct wire_hello {
	uint64_t client; /* a random number of its own, the same when it comes back */
	uint64_t got[2]; /* resuming: bytes of each stream that it has */
	uint32_t wants;
	uint32_t size; /* as WIRE_RESIZE; 0: it has no terminal */
};

struct wire_ready {
	uint64_t at[2];    /* bytes of each stream that came before */
	uint64_t taken;    /* the last number of input that was taken from this client, 0: none */
	uint32_t terminal; /* the container has one */
	uint32_t input;    /* there is somebody to read input */
};

#endif
