/* Inside this room only: the mount system calls, by fd, and destinations in a hostile root. */
#ifndef CTR_ROOTFS_MNT_H
#define CTR_ROOTFS_MNT_H

#include "base/err.h"
#include "rootfs/rootfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/mount.h>

/*
 * Clone what is mounted at a path as a detached tree. flags: AT_RECURSIVE, AT_EMPTY_PATH,
 * AT_SYMLINK_NOFOLLOW. attr (NULL: as they are) is set on the whole tree; in one call where the
 * kernel can (6.15). An fd, the caller's, or -errno without words. errno tells too.
 */
int mnt_clone(int dir, const char *path, unsigned int flags,
	      const struct mount_attr *attr) MUST_CHECK;

/* Change the mount whose root `fd` is (and, recursive, those below it). 0 or -errno. */
int mnt_change(int fd, bool recursive, const struct mount_attr *attr) MUST_CHECK;

/* Put a detached tree on what `dest` refers to; `tree` is then an fd of the attached mount's root. */
int mnt_attach(int tree, int dest) MUST_CHECK;

/* A fresh tmpfs, detached, with a root folder of mode 0755 and these MOUNT_ATTR_*. */
int mnt_tmpfs(uint64_t attrs) MUST_CHECK;

/*
 * Open a path in the root as O_PATH without following any symlink: -ELOOP where there is one on the
 * way or at the end, -ENOENT where there is nothing. No words.
 */
int mnt_open_unlinked(int root, const char *path) MUST_CHECK;

/* The same, making what is missing at the end: a folder, or an empty file. */
int mnt_make_unlinked(int root, const char *path, bool is_dir) MUST_CHECK;

/*
 * The place where m goes, made where it is missing. Symlinks are followed inside the root, but never
 * into its /proc, and not at all for proc and sysfs. An O_PATH fd, the caller's.
 */
int mnt_open_destination(int root, const struct mount_plan *m, struct err *err) MUST_CHECK;

/* Gives the process, which waits in a new user namespace, a map: file is "uid_map" or "gid_map". */
int mnt_map_write(pid_t pid, const char *file, const spec_id_maps *maps,
		  struct err *err) MUST_CHECK;

/*
 * An fd of a user namespace with these maps, the caller's, for MOUNT_ATTR_IDMAP: the kernel reads
 * only the maps. Clones a helper for a moment.
 */
int mnt_idmap_open(const spec_id_maps *uids, const spec_id_maps *gids, struct err *err) MUST_CHECK;

/* The same, where `write` gives the process its maps: 0, or -errno with words. */
typedef int mnt_maps_write(pid_t pid, const spec_id_maps *uids, const spec_id_maps *gids,
			   struct err *err);
int mnt_userns_open(mnt_maps_write *write, const spec_id_maps *uids, const spec_id_maps *gids,
		    struct err *err) MUST_CHECK;

#endif
