/* The words of mounts[].options, as the runtime spec 1.3, runc and crun know them: one table. */
#ifndef CTR_ROOTFS_OPTIONS_H
#define CTR_ROOTFS_OPTIONS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum mount_idmap {
	IDMAP_NONE,
	IDMAP_TOP,       /* "idmap": the mount alone */
	IDMAP_RECURSIVE, /* "ridmap": and those below it */
};

/*
 * What a list of options comes to. The last word wins, as mount(8) has it. Flags of a mount point
 * are kept apart from those of the filesystem behind it (superblock), as the kernel does.
 */
struct mount_options {
	uint64_t attr_set, attr_clr; /* MOUNT_ATTR_*, of the mount itself */
	uint64_t rec_set, rec_clr;   /* MOUNT_ATTR_*, of it and all mounts below ("rro") */
	unsigned long super_set;     /* MS_SYNCHRONOUS, MS_DIRSYNC, MS_LAZYTIME, MS_SILENT ... */
	unsigned long super_clr;     /* the same, asked to be off */
	unsigned long propagation;   /* one of MS_PRIVATE, SHARED, SLAVE, UNBINDABLE; 0: not said */
	bool propagation_rec;        /* "rprivate" and so on */
	bool bind, bind_rec;         /* bind_rec: "rbind"; bind is true too */
	bool remount;
	bool tmpcopyup;     /* tmpfs: what it hides is copied into it */
	bool copy_symlink;  /* bind: a source that is a symlink is copied, not followed */
	bool src_nofollow;  /* bind: a source that is a symlink is mounted itself */
	bool dest_nofollow; /* a destination that is a symlink is not followed */
	enum mount_idmap idmap;
	char *data; /* the rest, for the filesystem: "size=64k,mode=755"; NULL when nothing is left */
};

/*
 * Read the options of one mount into *ret, which need not be initialised and is freed again on
 * failure. Words that no table row knows are for the filesystem. -EINVAL: an empty option, a word of
 * the table with a comma or a value behind it ("ro,nosuid" in one string).
 */
int mount_options_parse(const struct strv *options, struct mount_options *ret,
			struct err *err) MUST_CHECK;

void mount_options_free(struct mount_options *o);
CLEAN_DEFINE(mount_options, struct mount_options, mount_options_free)

/* mount(2)'s MS_* for a fresh filesystem with these options (attributes and superblock flags). */
unsigned long mount_options_flags(const struct mount_options *o);

/* The i-th word of the table, in alphabetical order; NULL behind the last. For `features`. */
const char *mount_option_word(size_t i);

#endif
