/*
 * Checkpoint and restore: a container's processes into a folder of image files, and from there into a
 * container. criu(8) does it (src/criu); what it has to know of a container is put together here. The
 * folder holds besides criu's files
 *
 *   dump.log, restore.log  criu's logs, unless there is a work folder
 *   descriptors.json       what the standard streams were, as runc has it
 *   mounts.json            which mounts come from outside
 *   config.json, state.json  what we knew of the container
 *
 * and is all that a restore needs, but for the rootfs and the sources of bind mounts. A micro-VM's is written by its
 * launcher (vm_checkpoint.h): "state" and "memory" instead of criu's files.
 */
#ifndef CTR_RUNTIME_CHECKPOINT_H
#define CTR_RUNTIME_CHECKPOINT_H

#include "base/err.h"
#include "runtime/container.h"
#include "spec/spec.h"

#define CHECKPOINT_FOLDER "checkpoint"

/* What a command line says; the names are runc's. All zero is a plain checkpoint or restore. */
struct checkpoint_options {
	const char *image_path;   /* NULL: CHECKPOINT_FOLDER in the working folder */
	const char *work_path;    /* criu's logs and sockets; NULL: the image folder */
	const char *parent_path;  /* of an earlier pre-dump, relative to image_path */
	const char *page_server;  /* "ADDRESS:PORT" */
	const char *cgroups_mode; /* soft (also NULL), full, strict, ignore */
	const char *lsm_profile, *lsm_mount_context; /* restore */
	struct strv empty_ns;                        /* "network", which it always is */
	struct opt_i64 status_fd; /* gets a NUL when the page server of lazy_pages is ready */
	bool leave_running, tcp_established, tcp_skip_in_flight, ext_unix_sk, shell_job, file_locks,
		pre_dump, lazy_pages, auto_dedup, link_remap;
};

void checkpoint_options_free(struct checkpoint_options *o);
CLEAN_DEFINE(checkpoint_options, struct checkpoint_options, checkpoint_options_free)

/*
 * Write the container's processes into the image folder, which is made. Unless leave_running or
 * pre_dump, they are gone then and the container is stopped; container_restore() may take its name
 * over. After a failure it goes on as before. Errors have criu's own reason and where its log is. Needs
 * a caller with one thread.
 */
int container_checkpoint(struct container *c, const struct checkpoint_options *opt,
			 struct strv *warnings, struct err *err) MUST_CHECK;

/*
 * What would stand in the way of that, one text each, appended to *ret: nothing is no guarantee, but
 * each of them is a failure to come. Changes nothing. -errno only where it can't look.
 */
int container_checkpoint_check(struct container *c, const struct checkpoint_options *opt,
			       struct strv *ret, struct err *err) MUST_CHECK;

/*
 * Make a container of an image folder: as container_create() does up to its cgroup, and then criu makes
 * the processes. The container runs when this returns; ret->terminal and opt are as with
 * container_create(). A stopped container of that name that a checkpoint had ended is removed first. A
 * failure leaves nothing but criu's log.
 */
int container_restore(int root, struct spec *spec, const struct create_options *opt,
		      const struct checkpoint_options *how, struct strv *warnings,
		      struct container *ret, struct err *err) MUST_CHECK;

/* As container_checkpoint_check(). */
int container_restore_check(int root, struct spec *spec, const struct create_options *opt,
			    const struct checkpoint_options *how, struct strv *ret,
			    struct err *err) MUST_CHECK;

/*
 * Inside this room: what the image folder knows of its container is written there; the container has ended by its
 * checkpoint; and one of that name that had is removed for who takes its place.
 */
struct images;
int checkpoint_keep(const struct container *c, const struct images *images,
		    struct err *err) MUST_CHECK;
int checkpoint_write_end(struct container *c, struct err *err) MUST_CHECK;
int restore_take_over(int root, const char *name, struct strv *warnings,
		      struct err *err) MUST_CHECK;

/* What the image folder knows of its container: the spec, and its state then. Both the caller's. */
int checkpoint_image_read(const struct checkpoint_options *opt, struct spec *ret_spec,
			  struct state *ret_state, struct strv *warnings,
			  struct err *err) MUST_CHECK;

#endif
