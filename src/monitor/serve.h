/* What the files of the monitor's part share with each other only. */
#ifndef CTR_MONITOR_SERVE_H
#define CTR_MONITOR_SERVE_H

#include "base/cleanup.h"
#include "base/str.h"
#include "monitor/log.h"
#include "monitor/monitor.h"
#include "monitor/order.h"
#include "monitor/wire.h"
#include "runtime/container.h"
#include "runtime/session.h"

#include <poll.h>

#define CLIENTS_MAX 64

/* One connection. What it is still owed is sent as its socket takes it (client_flush). */
struct client {
	int fd;       /* -1: a free place */
	bool greeted; /* it said what it wants */
	bool starter; /* it is to know how the start went */
	uint64_t id;
	uint32_t wants;
	uint64_t taken; /* the last number of its input that it was told of */
	uint32_t size;
	bool owes_ready, owes_replay, owes_exit;
	bool got;      /* the chunk that there is */
	bool blocked;  /* its socket takes nothing more just now */
	bool deferred; /* it has input for us, and we have no room for it */
};

/* The check that runs, if one does. */
struct check {
	int pidfd, out; /* -1 */
	struct session session;
	uint64_t began_unix_ms, deadline_ns;
	uint64_t kill_ns; /* the container was asked to end, and is killed then; 0 */
	size_t len;
	char output[HEALTH_OUTPUT_MAX];
};

struct serve {
	struct monitor *m;
	struct order order;
	char *name; /* of the container now, where it isn't the one in the order */
	int root;
	struct container c;
	struct log *log;
	struct check check;
	int sessions; /* epoll of their clients; -1: none came yet */
	struct sdnotify notify;
	struct client clients[CLIENTS_MAX];
	bool chunk_read;          /* the chunk is in memory as a whole */
	bool ended;               /* the init has */
	bool drained;             /* and all that it said has been passed on */
	uint64_t log_again_ns;    /* when a log that takes nothing is tried again; 0 */
	uint64_t unheld_until_ns; /* nobody has the terminal open: it isn't looked at before; 0 */
	uint64_t quiet_since_ns;  /* nothing came of a terminal since its process has ended; 0 */
	uint64_t resume_until_ns; /* clients of the monitor before may still come back; 0 */
	uint64_t redraw_ns;       /* when the terminal has its right size again; 0 */
	uint64_t redraw_last_ns;  /* and when at the latest */
	uint32_t redraw_size;
	uint64_t farewell_ns; /* all is over; the clients may take their leave until then; 0 */
	int exit_code;
	bool exit_known;
	bool slim;     /* memory was given back, and nothing has happened since */
	char last_fed; /* the last byte of input */
	char message[sizeof(struct wire_head) + WIRE_DATA_MAX];
};

/* ---- output.c: from the container to its log and to the clients ------------------------ */

/* Where output comes from, when it is to be looked at: at most 2. */
size_t output_watch(const struct serve *v, struct pollfd *p);
/* Move on as far as it goes without waiting. True: something was moved. */
bool output_move(struct serve *v);
/* After the end: is all of it through? */
bool output_empty(struct serve *v);
/* Is there a chunk that a client has not got yet? */
bool output_pending(const struct serve *v);

/* ---- input.c: from the clients to the container ---------------------------------------- */

bool input_open(const struct serve *v); /* somebody may read it */
bool input_room(const struct serve *v); /* nothing is on its way */
void input_recover(struct serve *v);    /* after the monitor before us */
/* The last message of a client's that was taken; 0: none. */
uint64_t input_last(const struct serve *v, uint64_t client);
void input_forget(struct serve *v, uint64_t client);
/* Take one message, number `seq` of a client's; input_room() is true. */
void input_take(struct serve *v, uint64_t client, uint64_t seq, const char *bytes, size_t len);
void input_end(struct serve *v);
/* Move on without waiting. */
void input_move(struct serve *v);
/* Where it goes, when that has to be waited for; -1. */
int input_watch(const struct serve *v);

/* ---- clients.c ------------------------------------------------------------------------- */

void clients_listen(struct serve *v); /* bind the socket in the container's folder */
void clients_accept(struct serve *v);
struct client *client_add(struct serve *v, int fd); /* NULL: no room; takes fd */
void client_drop(struct serve *v, struct client *c);
void client_read(struct serve *v, struct client *c); /* one message */
void client_flush(struct serve *v, struct client *c);
void clients_flush(struct serve *v);
/*
 * Take leave. A socket that is closed with something unread in it makes the other side forget what we said
 * last: so all is read, until they have closed theirs.
 */
void clients_linger(struct serve *v);
/* Say something to those who started us. */
void clients_tell_start(struct serve *v, uint32_t type, const void *data, size_t len);
/* The end of a life: who is attached is told; with `final` everybody is. */
void clients_tell_exit(struct serve *v, bool final);
size_t clients_attached(const struct serve *v);
bool clients_owed(const struct serve *v);

/* ---- check.c: is the container well? --------------------------------------------------- */

void check_begin(struct serve *v); /* a life begins */
void check_drop(struct serve *v);  /* and ends */
void check_watch(const struct serve *v, struct pollfd p[2]);
uint64_t
check_next_ns(const struct serve *v); /* when it wants to be called at the latest; 0: not */
void check_turn(struct serve *v, const struct pollfd p[2]);

/* ---- sessions.c: exec sessions end with their clients ----------------------------------- */

void sessions_watch(struct serve *v, pid_t client); /* who is about to begin one */
void sessions_resume(struct serve *v);              /* those that the monitor before us watched */
void sessions_turn(struct serve *v, const struct pollfd *p);

/* ---- make.c: a container is made ------------------------------------------------------- */

void life_phase(struct serve *v, enum phase phase);
/* Tell whoever waits for the start, and forget them. */
void life_warn(struct serve *v, struct strv *warnings);
/*
 * Our container, by whatever name it has now: somebody may have renamed it. -ENOENT: it is gone, and one of
 * that name is another.
 */
int life_find(struct serve *v, struct container *ret, struct err *err) MUST_CHECK;
/* Make it and start it, and tell whoever waits for that. False: it did not work. */
bool life_make(struct serve *v, bool again);
/* Everything that a start needs beside the container itself. */
int life_furnish(struct serve *v, struct err *err) MUST_CHECK;
/* What never ran is of no use to anybody; one that ran before stays, as it was. */
void life_unmake(struct serve *v, bool again, struct strv *warnings);
/* It runs, or is well: what a service manager hears of that by us. */
void life_notify_runs(struct serve *v);
void life_notify_well(struct serve *v);
/* Its notify socket is listened to from now on. */
void life_notify_listen(struct serve *v);
/* It is gone for good. */
void life_release_volumes(const struct serve *v);

/* ---- life.c: the container's life cycle ------------------------------------------------ */

/* Do what the phase asks for. False: there is nothing to serve (any more). */
bool life_begin(struct serve *v);
void life_init_ended(struct serve *v);
/* The end is written down and told; restart or not. */
void life_after_end(struct serve *v);
/* A rest may be over, or somebody has asked us to look again. */
void life_look(struct serve *v);
/* False: all is over, another monitor has to. */
bool life_start_now(struct serve *v, struct client *by);

/* serve.c: the terminal has another size, or something was written to it. */
void terminal_resize(struct serve *v, uint32_t size, bool redraw);
void terminal_drew(struct serve *v);

#endif
