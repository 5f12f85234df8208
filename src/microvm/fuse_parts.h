/* What the parts of the FUSE server share; nobody else includes this. */
#ifndef CTR_MICROVM_FUSE_PARTS_H
#define CTR_MICROVM_FUSE_PARTS_H

#include "microvm/fuse.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#define FUSE_DATA_MAX (1U << 20)   /* bytes of a read or a write */
#define FUSE_DEVICES_MAX 64        /* filesystems below the folder that are told apart */
#define FUSE_SMALL_MAX (64U << 10) /* of any other reply: what an extended attribute can have */
/* Of a handle's, what matters as long as it's open. */
#define FUSE_HANDLE_FLAGS ((uint32_t)(O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC))

/* A file that the guest knows: held by an fd, so that its name doesn't matter and its inode stays its own. */
struct fuse_node {
	int fd;            /* O_PATH; -1: there is none here */
	uint32_t sequence; /* how many were here before */
	uint32_t next;     /* in the same bucket, or free as well: its place + 1 */
	mode_t type;       /* S_IFMT's; an inode never changes it */
	uint8_t device;    /* which one of them, in the order in which the guest saw them */
	struct fuse_key {
		uint64_t device, inode, mount;
	} key;
	uint64_t lookups; /* how often the guest was told of it and hasn't forgotten it */
};

/* A file or folder that the guest has open. */
struct fuse_handle {
	int fd; /* -1: there is none here */
	uint32_t sequence, next;
	bool folder;
	uint64_t node;   /* the guest's number of what is open */
	uint64_t offset; /* where the next entries of a folder come from */
};

/* A place is found by the number the guest has, holds one thing after the other, and never moves. */
struct fuse_nodes {
	struct fuse_node *at;
	uint32_t *buckets; /* the first one's place + 1 */
	uint32_t max, used, free, mask, live;
	uint64_t devices[FUSE_DEVICES_MAX];
	uint8_t device_count;
};

struct fuse_handles {
	struct fuse_handle *at;
	uint32_t max, used, free;
};

/* Whose thread it is. */
struct fuse_rights {
	uid_t uid;
	gid_t gid;
	struct __user_cap_data_struct caps[2];
	bool other; /* it is the guest's user just now */
};

struct fuse_server {
	int root, proc; /* proc: /proc/self/fd, by which an O_PATH fd becomes one to read */
	bool readonly, begun;
	uint32_t flags;     /* agreed on by FUSE_INIT */
	uint32_t timeout_s; /* how long the guest may believe what it was told */
	struct fuse_nodes nodes;
	struct fuse_handles handles;
	struct fuse_rights rights;
	/* A request but for what is written, zeroes behind it; and a reply but for what is read. */
	_Alignas(8) char in[FUSE_SMALL_MAX + 8192];
	_Alignas(8) char out[FUSE_SMALL_MAX];
};

struct fuse_request {
	const struct chain *chain;
	struct fuse_in_header head;
	struct fuse_node *node; /* that it is about */
	const void *args;       /* the opcode's struct; what is missing of it is zero */
	const char *texts[2];   /* behind it, as the opcode has them; within server.in */
	const char *rest;       /* behind those */
	size_t rest_bytes;
	void *out;   /* server.out, for the reply */
	size_t room; /* for it with the guest, up to FUSE_SMALL_MAX */
};

/* The reply's bytes, in `out` but for FUSE_READ's, or -errno. */
typedef int64_t fuse_handler(struct fuse_server *f, struct fuse_request *r);

/* ---- fuse_nodes.c, fuse_handles.c: what the guest has ------------------------------- */

/*
 * Zeroes, at least one of them. Of a table for as many as there may ever be memory is taken where it is touched, which is here
 * and there: so never by huge pages, of which two files would have 4 MiB.
 */
void *fuse_table(size_t count, size_t size) MUST_CHECK __attribute__((returns_nonnull));
void fuse_table_free(void *table, size_t count, size_t size); /* NULL: nothing */
int fuse_nodes_make(struct fuse_nodes *n, uint32_t max, int root, struct err *err) MUST_CHECK;
void fuse_nodes_forget_all(struct fuse_nodes *n);
void fuse_nodes_free(struct fuse_nodes *n);

/* NULL: the guest was never told of it, or has forgotten it. */
struct fuse_node *fuse_node_find(struct fuse_nodes *n, uint64_t id) MUST_CHECK;
uint64_t fuse_node_id(const struct fuse_nodes *n, const struct fuse_node *node) MUST_CHECK;
uint64_t fuse_node_number(uint32_t place, uint32_t sequence) MUST_CHECK;

/*
 * The guest has one filesystem where the host has mounts, and two files with one inode's number are one file to
 * it: the number that it sees of a file there, or of one in a folder there.
 */
uint64_t fuse_node_inode(const struct fuse_node *node, uint64_t inode) MUST_CHECK;

/* The guest is told of the file that `fd` is, which is taken over in any case. -ENFILE: no more of them. */
int fuse_node_meet(struct fuse_nodes *n, int fd, const struct statx *st,
		   struct fuse_node **ret) MUST_CHECK;
void fuse_node_forget(struct fuse_nodes *n, uint64_t id, uint64_t lookups);

void fuse_handles_make(struct fuse_handles *h, uint32_t max);
void fuse_handles_close_all(struct fuse_handles *h);
void fuse_handles_free(struct fuse_handles *h);

/* Takes the fd over in any case. -ENFILE. `node`: the guest's number of the file. */
int fuse_handle_add(struct fuse_handles *h, int fd, bool folder, uint64_t node,
		    uint64_t *ret) MUST_CHECK;
struct fuse_handle *fuse_handle_find(struct fuse_handles *h, uint64_t id, bool folder) MUST_CHECK;
void fuse_handle_close(struct fuse_handles *h, uint64_t id, bool folder);

/*
 * From a snapshot into fresh ones: as many places as there were, first; then those that hold something, fds taken over;
 * then the others are free, and what comes there has this sequence. Of two files that are one now, the first is it.
 */
struct fuse_state_head;
struct fuse_state_node;
struct fuse_state_handle;
void fuse_nodes_again(struct fuse_nodes *n, const struct fuse_state_head *head);
void fuse_node_again(struct fuse_nodes *n, const struct fuse_state_node *saved, int fd,
		     const struct statx *st);
void fuse_nodes_let_go(struct fuse_nodes *n, uint32_t sequence);
void fuse_handles_again(struct fuse_handles *h, const struct fuse_state_head *head);
void fuse_handle_again(struct fuse_handles *h, const struct fuse_state_handle *handle, int fd,
		       bool folder, uint64_t node);
void fuse_handles_let_go(struct fuse_handles *h, uint32_t sequence);

/* One that no place of theirs has had. */
uint32_t fuse_nodes_sequence(const struct fuse_nodes *n) MUST_CHECK;
uint32_t fuse_handles_sequence(const struct fuse_handles *h) MUST_CHECK;

/* ---- fuse_rights.c ------------------------------------------------------------------ */

/* The thread becomes the server's. */
int fuse_rights_take(struct fuse_rights *r) MUST_CHECK;

/*
 * From here to fuse_rights_back() what is made is the request's user's; with its umask, or with an access
 * control list of the folder's in place of that. A server without the right to change its user stays who it is.
 */
int fuse_rights_become(struct fuse_rights *r, const struct fuse_in_header *head,
		       uint32_t mask) MUST_CHECK;
void fuse_rights_back(struct fuse_rights *r);

/* Writing takes a file's set-user-id and set-group-id bits away from here on, as for a user without rights. */
void fuse_rights_lower(const struct fuse_rights *r);
void fuse_rights_raise(const struct fuse_rights *r);

/* ---- the rest ----------------------------------------------------------------------- */

/* fuse.c. What can be agreed on by FUSE_INIT. */
uint32_t fuse_features(const struct fuse_server *f) MUST_CHECK;

/* fuse_attr.c. statx() of an fd, with all that is needed here. */
int fuse_look(int fd, struct statx *ret) MUST_CHECK;
void fuse_attr_fill(struct fuse_attr *a, const struct fuse_node *node, const struct statx *st);

/* fuse_names.c. The guest is told of the file that an fd is, taken over in any case; of what a folder has. */
int fuse_tell(struct fuse_server *f, int fd, struct fuse_entry_out *ret) MUST_CHECK;
int fuse_tell_name(struct fuse_server *f, int folder, const char *name,
		   struct fuse_entry_out *ret) MUST_CHECK;
/* What a folder has by that name, which is one, for a node: opened without following it. -errno. */
int fuse_open_name(int folder, const char *name) MUST_CHECK;
/* One part of a path, and neither "." nor "..". */
bool fuse_is_name(const char *text) MUST_CHECK;

/* fuse_open.c. Another fd for a file of which we have one, with these rights. -errno. */
int fuse_reopen(const struct fuse_server *f, int fd, int flags) MUST_CHECK;
/* The same for a node that is a regular file or a folder; for others -ENXIO. */
int fuse_open_node(const struct fuse_server *f, const struct fuse_node *node, int flags) MUST_CHECK;

fuse_handler fuse_do_lookup, fuse_do_forget, fuse_do_batch_forget, fuse_do_readlink,
	fuse_do_symlink, fuse_do_mknod, fuse_do_mkdir, fuse_do_unlink, fuse_do_rmdir,
	fuse_do_rename, fuse_do_rename2, fuse_do_link;
fuse_handler fuse_do_getattr, fuse_do_setattr, fuse_do_statfs;
fuse_handler fuse_do_open, fuse_do_create, fuse_do_tmpfile, fuse_do_release, fuse_do_opendir,
	fuse_do_releasedir;
fuse_handler fuse_do_read, fuse_do_write, fuse_do_fsync, fuse_do_fsyncdir, fuse_do_syncfs,
	fuse_do_fallocate, fuse_do_lseek, fuse_do_copy;
fuse_handler fuse_do_readdir, fuse_do_readdirplus;
fuse_handler fuse_do_setxattr, fuse_do_getxattr, fuse_do_listxattr, fuse_do_removexattr;

#endif
