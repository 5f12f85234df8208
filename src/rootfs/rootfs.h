/*
 * The container's file tree: from the spec to a plan in which everything is decided, and from the
 * plan, step by step, to a process that stands in its own root.
 *
 *   plan = rootfs_plan_make(spec, choices)     refuses all that can be refused, changes nothing
 *   PARENT  rootfs_sources_open                before the clone, in the host's view
 *   CHILD   rootfs_root_mount                  in the new mount (and user) namespace
 *   CHILD   rootfs_mounts_do                   with the new cgroup namespace already unshared
 *   CHILD   rootfs_devices_make
 *   CHILD   rootfs_console_make                with process.terminal only
 *             (createContainer hooks, sysctls: here; the root is still writable and unmasked)
 *   CHILD   rootfs_protect                     masked and read-only paths, read-only root
 *   CHILD   rootfs_pivot                       the host's tree is gone; cwd is "/"
 *   PARENT  rootfs_sources_close               after the clone, and as undo
 *
 * All that the child does dies with its mount namespace: its steps need no undo. In a new user
 * namespace the ids must be mapped, and the child be uid 0 in it, before rootfs_root_mount.
 * Every path inside the root is resolved once, in the root, to an fd. That holds before the pivot
 * as after it, so protecting comes first and needs nothing from the container's own /proc.
 */
#ifndef CTR_ROOTFS_ROOTFS_H
#define CTR_ROOTFS_ROOTFS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "rootfs/options.h"
#include "spec/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the caller decided beside the spec. Strings are borrowed during rootfs_plan_make() only. */
struct rootfs_choices {
	const char *bundle;  /* absolute: root.path and bind sources that are relative are below
				   * it; NULL: relative ones are refused */
	const char *staging; /* absolute, ROOT/NAME; its empty folder `rootfs` is the mount point.
				   * With a user namespace every folder on the way must be searchable
				   * by others (0711) */
	const char *cgroup_mount; /* the host's cgroup2 mount point; NULL: there is none */
	const char *cgroup_own;   /* the container's group below it, "/ctr/NAME"; NULL: none */
	const char *notify_from,
		*notify_to; /* a folder that will be there, and where it is mounted; NULL: none */
	bool no_pivot;      /* the host's root is a ramfs: move and chroot instead */
};

enum root_kind {
	ROOT_PLAIN,   /* a folder as it is */
	ROOT_OVERLAY, /* a folder below a throw-away upper layer */
	ROOT_HOST,    /* the machine's own programs */
	ROOT_EMPTY,   /* nothing */
};

enum mount_kind {
	MOUNT_NEW,     /* a filesystem of its own: proc, tmpfs, devpts, ... */
	MOUNT_BIND,    /* part of the host's tree */
	MOUNT_REMOUNT, /* other flags for what is mounted there */
	MOUNT_SYMLINK, /* copy-symlink: the source is a symlink and is copied */
};

struct mount_plan {
	enum mount_kind kind;
	char *key;         /* for words: "mounts[3] (/proc)" */
	char *destination; /* clean absolute path inside the root */
	char *type;        /* MOUNT_NEW only */
	char *source;      /* MOUNT_BIND: absolute path; MOUNT_NEW: what mountinfo shows;
			    * MOUNT_SYMLINK: the link's text */
	pid_t source_pid;  /* MOUNT_BIND: the source is a path in the root of this process (it was
			    * given as /proc/PID/root/...); 0: the host's */
	bool is_dir;       /* of the destination */
	bool no_symlinks; /* proc, sysfs: the destination is refused where a symlink leads elsewhere */
	bool late_readonly;  /* tmpfs: read-only only once all is in place */
	bool optional;       /* a missing source is no error */
	bool idmap_optional; /* owners show as nobody where the filesystem can't map ids */
	struct mount_options opt;
	spec_id_maps uid_maps, gid_maps; /* with opt.idmap */
	int tree;                        /* MOUNT_BIND: the detached tree; -1: not open */
	int fd;                          /* late_readonly: the mounted filesystem's root; else -1 */
};

/* ROOT_HOST: one of the folders with programs in the host's top folder. */
struct host_dir {
	const char *name; /* "usr", "bin", "lib64" ... */
	char *link;       /* the text of the symlink that it is; NULL: a folder */
	int tree;         /* of a folder: the detached tree; -1 */
};

struct device_plan {
	char *key;   /* "linux.devices[0] (/dev/fuse)" */
	char *path;  /* clean absolute path inside the root, and on the host for a bind */
	mode_t mode; /* with S_IFCHR, S_IFBLK or S_IFIFO */
	dev_t rdev;
	uid_t uid;
	gid_t gid;
};

struct rootfs_plan {
	enum root_kind kind;
	char *root_path; /* absolute, without symlinks; "/" for ROOT_HOST and ROOT_EMPTY */
	char *staging;   /* ROOT/NAME/rootfs */
	bool readonly;
	bool userns;   /* new or joined: no mknod */
	bool same_ids; /* it maps each id to itself: files belong in it to whom they belong outside */
	bool no_pivot;
	bool host_network; /* ROOT_HOST: the host's resolv.conf is of use */
	char *hostname;    /* ROOT_HOST: for /etc/hostname; NULL: not given */
	bool make_dev;     /* fill /dev: false when it is bind mounted */
	bool terminal;
	uid_t console_uid;
	unsigned long propagation; /* of the root mount, once all is in place; 0: private */
	bool propagation_rec;
	spec_id_maps uid_maps, gid_maps; /* of a new user namespace, for idmaps without their own */
	char *userns_path;               /* of a joined one */
	SPEC_LIST(struct mount_plan) mounts;
	SPEC_LIST(struct device_plan) devices;
	SPEC_LIST(struct host_dir) host_dirs;
	struct strv host_copies; /* folders of /etc that can't be bound as they are */
	struct strv masked_paths, readonly_paths;
	struct strv warnings; /* what rootfs_sources_open() has to tell */
	int root_tree;        /* detached tree of the root or its lower layer; -1 */
	bool in_child;        /* CHILD: true from rootfs_root_mount() on */
	int root;             /* CHILD: the mounted root, from rootfs_root_mount() on; -1 before */
};

/*
 * Decide everything. *ret need not be initialised; it is freed again on failure. Reads the spec and
 * looks at root.path and bind sources; changes nothing. Every refusal names the key of config.json:
 * "mounts[3].source: /x: No such file or directory; ...". Warnings are appended.
 */
int rootfs_plan_make(const struct spec *spec, const struct rootfs_choices *choices,
		     struct rootfs_plan *ret, struct strv *warnings, struct err *err) MUST_CHECK;

void rootfs_plan_free(struct rootfs_plan *plan);
CLEAN_DEFINE(rootfs_plan, struct rootfs_plan, rootfs_plan_free)

/* The plan in words, one line each, for --dry-run. */
void rootfs_plan_describe(const struct rootfs_plan *plan, struct str *ret);

/*
 * PARENT. Open the root and all bind sources as detached trees with their attributes, id maps and
 * propagation set. cgroup_own must exist by now. An ordinary user can't do that; then the child does
 * it in its own user namespace (rootfs_root_mount), and this returns 0 with the trees not open.
 * May fork for a moment (id maps). close() may be called on a plan in any state.
 */
int rootfs_sources_open(struct rootfs_plan *plan, struct err *err) MUST_CHECK;
void rootfs_sources_close(struct rootfs_plan *plan);

/*
 * CHILD. Cut propagation to the host, put the root at the mount point; plan->root is its fd. From
 * here on the umask is 0 (modes are meant as they are written), until the caller sets the payload's.
 */
int rootfs_root_mount(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

/* CHILD. All mounts, in the spec's order. */
int rootfs_mounts_do(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

/* CHILD. The default nodes and links of /dev, and linux.devices. */
int rootfs_devices_make(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

/*
 * CHILD. A terminal from the container's own devpts; its slave is bound over /dev/console. rows and
 * columns 0: the size is left alone. Both fds are the caller's and close-on-exec. The slave is not
 * yet anybody's controlling terminal.
 */
int rootfs_console_make(struct rootfs_plan *plan, uint16_t rows, uint16_t columns, int *ret_master,
			int *ret_slave, struct err *err) MUST_CHECK;

/* CHILD. Masked paths, read-only paths, the read-only root. Missing paths are skipped. */
int rootfs_protect(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

/* CHILD. Make plan->root the root and the working directory; nothing of the host's tree is left. */
int rootfs_pivot(struct rootfs_plan *plan, struct err *err) MUST_CHECK;

#endif
