/* A guest's kernel that a test plays: it asks a server for a folder of its own. */
#ifndef TESTS_UNIT_MICROVM_FUSE_CLIENT_H
#define TESTS_UNIT_MICROVM_FUSE_CLIENT_H

#include "base/cleanup.h"
#include "microvm/fuse.h"

#include <linux/fuse.h>

#define CLIENT_MINOR 38
#define CLIENT_BYTES 80000

struct client {
	char path[64]; /* `folder` is it; beside "share", which is served, is "secret" */
	int folder, share;
	struct fuse_server *f;
	uint32_t uid, gid;
	size_t room; /* for a reply behind its header */
	_Alignas(8) char request[CLIENT_BYTES], reply[CLIENT_BYTES];
	const void *out; /* the last reply, behind its header */
};

/* `fds`: of the server; begun already. */
void client_init(struct client *c, bool readonly, unsigned int fds);
void client_free(struct client *c);
CLEAN_DEFINE(client, struct client, client_free)

/*
 * A request of `in` and up to two texts with their ends: the bytes behind the reply's header, or -errno.
 * client_send() has bytes in place of the texts.
 */
int ask(struct client *c, uint32_t opcode, uint64_t node, const void *in, size_t len, const char *a,
	const char *b);
int client_send(struct client *c, uint32_t opcode, uint64_t node, const void *in, size_t len,
		const void *data, size_t data_len);

int client_begin(struct client *c, uint32_t major, uint32_t minor);

/* Look a name up: its node. 0: there is none. */
uint64_t look(struct client *c, uint64_t folder, const char *name);
void forget(struct client *c, uint64_t node, uint64_t lookups);

/* Of the host: a file of the share, and what is in one. */
void host_file(const struct client *c, const char *name, const char *text);
void assert_host_file(int folder, const char *name, const char *text);

#endif
