/*
 * What a guest knows of a shared folder and has open in it, as a snapshot has it: a head, then records of files, each
 * with its name behind it, then records of handles. A file is found again by its name in the folder of an earlier
 * record, so that there is no way in circles, and none out but by a name that isn't one.
 *
 * A file costs 25 bytes and its name here. The server keeps no names meanwhile: the kernel knows by which one an fd was
 * opened, and what that has become.
 */
#ifndef CTR_MICROVM_FUSE_STATE_H
#define CTR_MICROVM_FUSE_STATE_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define FUSE_STATE_VERSION 1
#define FUSE_STATE_BYTES_MAX (16U << 20) /* of one folder */

struct fuse_state_head {
	uint32_t version;
	uint32_t flags; /* agreed on by FUSE_INIT */
	uint8_t begun, readonly, devices, zero;
	/* Places of nodes and handles that were ever used, and the sequence that is new for all of them. */
	uint32_t node_places, node_sequence;
	uint32_t handle_places, handle_sequence;
	uint32_t nodes, handles; /* records of each */
};

struct fuse_state_node {
	uint64_t lookups; /* 0: the guest doesn't know it, but a file that is in it */
	uint32_t place, sequence;
	uint32_t folder; /* the record that it is in, + 1; 0: the root */
	uint8_t type;    /* S_IFMT's bits, >> 12 */
	uint8_t device, name_bytes, zero;
};

struct fuse_state_handle {
	uint32_t place, sequence;
	uint32_t node;  /* the record that is open, + 1; 0: the root */
	uint32_t flags; /* of open(2) */
};

/* One that was read. */
struct fuse_state {
	struct fuse_state_head head;
	struct fuse_state_file {
		struct fuse_state_node node;
		const char *name; /* in the bytes that were read */
	} * files;
	struct fuse_state_handle *handles;
};

/* What a server can take. */
struct fuse_state_limits {
	uint32_t node_places, handle_places;
	uint32_t features;
	uint8_t readonly;
};

/*
 * Look at all of it before anything of it is used; the bytes stay the caller's, and are to stay. -EINVAL: no server
 * has written that; -ENOTSUP: another version, or for another folder's server; -ENFILE: more than this one takes.
 */
int fuse_state_parse(const char *bytes, size_t len, const struct fuse_state_limits *limits,
		     struct fuse_state *ret, struct err *err) MUST_CHECK;

void fuse_state_free(struct fuse_state *s);
CLEAN_DEFINE(fuse_state, struct fuse_state, fuse_state_free)

#endif
