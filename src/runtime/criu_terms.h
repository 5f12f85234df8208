/* Inside this room only: what criu has to be told of a container, for its dump and for its restore. */
#ifndef CTR_RUNTIME_CRIU_TERMS_H
#define CTR_RUNTIME_CRIU_TERMS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "criu/criu.h"
#include "runtime/checkpoint.h"
#include "runtime/plan.h"

/* Lists in the image folder: of the standard streams, and of the mounts that come from outside. */
#define STREAMS_FILE "descriptors.json"
#define MOUNTS_FILE "mounts.json"

/* The folders of one checkpoint, open. */
struct images {
	char *path, *log_folder; /* absolute */
	int dir, work;           /* fds; work -1: none of its own */
};

#define IMAGES_INIT                   \
	(struct images)               \
	{                             \
		.dir = -1, .work = -1 \
	}

void images_close(struct images *i);
CLEAN_DEFINE(images, struct images, images_close)

/* Open them; `make`: those that are missing are made, mode 0700. */
int images_open(const struct checkpoint_options *opt, bool make, struct images *ret,
		struct err *err) MUST_CHECK;

/* criu's executable (the caller's), if we may use it and it is not too old: 0 or -errno with words. */
int criu_ready(const struct checkpoint_options *opt, char **ret, struct err *err) MUST_CHECK;

/* What both directions are told; `o` borrows from all of these. */
int criu_terms(const struct checkpoint_options *opt, const struct images *images,
	       const struct spec *spec, const char *log_file, struct criu_options *o,
	       struct err *err) MUST_CHECK;

/* Namespaces: what is not the container's own, and so neither dumped nor made. */
int criu_namespaces_dump(const struct spec *spec, pid_t pid, struct criu_options *o,
			 struct err *err) MUST_CHECK;
int criu_namespaces_restore(const struct plan *p, struct criu_options *o,
			    struct err *err) MUST_CHECK;

/* criu failed: put what its log says behind what is known, and where the log is. Returns -err->code. */
int criu_said(const char *what, const struct images *images, const char *log_file, struct err *err);

/* ---- mounts (criu_mounts.c) ---------------------------------------------------------- */

/*
 * The mounts of a running container that come from outside, by where they are. *unknown gets those that
 * nothing in the spec explains and criu can't make again: "/x (ext4)".
 */
int criu_mounts_dump(const struct spec *spec, pid_t pid, struct strv *points, struct strv *unknown,
		     struct err *err) MUST_CHECK;

/* Where they come from this time, as `external` words. criu takes what is said of any other mount for
 * an order too, so that it is these and no more. */
int criu_mounts_restore(const struct plan *p, const struct images *images, struct strv *external,
			struct err *err) MUST_CHECK;

/* What a fresh rootfs lacks of mount points, made as create does. Only what isn't below a mount. */
int criu_mount_points(const struct plan *p, struct err *err) MUST_CHECK;

/* ---- open files (criu_files.c) ------------------------------------------------------- */

/* The mount that an open file of a process is on, as in mountinfo; -1: not to be had. */
int criu_mount_of(pid_t pid, const char *fd) MUST_CHECK;

/*
 * The standard streams of the init: a key each, or "" for what is inside the container, in *keys; what
 * is a file or a terminal of the host's becomes external. Three of them.
 */
int criu_streams_look(pid_t pid, struct strv *keys, struct strv *external,
		      struct err *err) MUST_CHECK;

/* A list of texts as a file of the image folder. criu_list_read: -ENOENT when there is none. */
int criu_list_write(const struct images *images, const char *file, const struct strv *list,
		    struct err *err) MUST_CHECK;
int criu_list_read(const struct images *images, const char *file, struct strv *ret,
		   struct err *err) MUST_CHECK;

/* The streams of the restored container by these keys: `stdio`, or /dev/null (opened into *null, the
 * caller's) where it was that. */
int criu_streams_restore(const struct images *images, const int stdio[3], int *null,
			 struct criu_options *o, struct err *err) MUST_CHECK;

/* Has the folder a checkpoint? Has the container a root that a restore finds again? */
int criu_image_check(const struct images *images, struct err *err) MUST_CHECK;
int criu_rootfs_check(const struct spec *spec, struct err *err) MUST_CHECK;

/* ---- restore.c, for the stage table -------------------------------------------------- */

struct restoring {
	const struct checkpoint_options *how;
	const struct images *images;
	const char *criu;
};

#endif
