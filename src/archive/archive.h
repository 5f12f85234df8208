/*
 * Files of a container as tar streams: this is what asks ctr-archive to make one, or to unpack one, or
 * to tell what a container changed; main*.c do it, over libarchive.
 *
 * A job works below one folder, its root: the container's own, into which ctr-archive locks itself
 * (and into the container's user namespace) before it reads the first byte of anything that the
 * container could have written.
 */
#ifndef CTR_ARCHIVE_ARCHIVE_H
#define CTR_ARCHIVE_ARCHIVE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum archive_kind {
	ARCHIVE_PACK =
		1, /* what is at `path` becomes a tar stream; its first part is called `name` */
	ARCHIVE_UNPACK, /* a tar stream goes to `path` */
	ARCHIVE_DIFF, /* `path` against the folder `lower`: "A/x", "C/y", "D/z", a NUL behind each */
};

enum archive_flag {
	ARCHIVE_HOST =
		1, /* the host's own files: the root isn't locked, and what could give somebody
			   * rights there (devices, setuid bits, capabilities) is left out */
	ARCHIVE_FOLLOW =
		2, /* PACK: a symlink at `path` is not what is meant, but what it leads to */
	ARCHIVE_ONE_FS = 4,   /* PACK: what is mounted below stays out */
	ARCHIVE_PROGRAMS = 8, /* with ONE_FS: but not what the source `host` is made of */
	ARCHIVE_COPY = 16,    /* UNPACK: `path` is what the copy is to be called; else a folder to
			       * unpack in */
	ARCHIVE_CONTENT =
		32, /* UNPACK, with COPY: a folder goes into one that is there without its name */
	ARCHIVE_SLASH = 64, /* UNPACK, with COPY: `path` was written as that of a folder */
	ARCHIVE_OVERWRITE =
		128, /* UNPACK: a folder may take the place of a file and the other way round */
	ARCHIVE_OWNERS = 256, /* UNPACK: files belong to whom the stream says */
	ARCHIVE_TOP =
		512, /* UNPACK: the folder at `path`, too, gets its mode and owner from the stream */
};

struct archive_job {
	enum archive_kind kind;
	unsigned int flags;
	int root;         /* O_PATH fd of a folder; all fds are borrowed */
	int stream;       /* what is written to, or read from */
	int lower;        /* DIFF only, else -1 */
	int userns;       /* -1: ours */
	const char *path; /* below the root */
	const char *name;
};

/* What a job did, and what it could not keep. */
struct archive_counts {
	uint64_t bytes, entries;
	uint64_t sockets, devices, bits, xattrs, owners, changed;
};

#define ARCHIVE_HELPER "ctr-archive"

/* Do one job with the helper that was opened with that name. Takes as long as it takes. */
int archive_do(int helper, const struct archive_job *job, struct archive_counts *ret,
	       struct err *err) MUST_CHECK;

/*
 * Two jobs at once, from one to the other: their `stream` is made here. Needs a caller with one thread.
 * *ret is the unpacking side's, with what the packing one had to leave out.
 */
int archive_copy(int helper, const struct archive_job *pack, const struct archive_job *unpack,
		 struct archive_counts *ret, struct err *err) MUST_CHECK;

/* What goes to ctr-archive and comes back. fds: root, stream, [lower], [userns]. */
#define ARCHIVE_MAGIC 0x63747261u /* "ctra" */
#define ARCHIVE_VERSION 1u
#define ARCHIVE_PATH_MAX 4096
#define ARCHIVE_NAME_MAX 256
#define ARCHIVE_FDS 4

struct archive_request {
	uint32_t magic, version, kind, flags;
	uint32_t has_userns;
	char path[ARCHIVE_PATH_MAX];
	char name[ARCHIVE_NAME_MAX];
};

struct archive_answer {
	uint32_t magic, version;
	struct archive_counts counts;
	struct err err; /* code 0: done */
};

/* Is it one of ours, with as many fds as it needs? */
bool archive_request_ok(const struct archive_request *r, size_t fds);

/*
 * The path of an entry as a place below a folder: no empty parts, no ".", and `top` (NULL: nothing, "":
 * none) in the place of its first part. *ret: the caller's to free; "" is the folder itself. -EINVAL for
 * what would lead out.
 */
int archive_entry_place(const char *path, const char *top, char **ret) MUST_CHECK;

#endif
