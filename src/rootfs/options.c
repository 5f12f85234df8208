#include "rootfs/options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

enum action {
	NOTHING,
	ATTR,
	REC,
	SUPER,
	PROPAGATION,
	PROPAGATION_REC,
	BIND,
	BIND_REC,
	REMOUNT,
	COPYUP,
	COPY_SYMLINK,
	SRC_NOFOLLOW,
	DEST_NOFOLLOW,
	IDMAP_OF_TOP,
	IDMAP_OF_ALL,
};

struct option {
	const char *word;
	enum action action;
	uint64_t set, clear;
};

/* Access times are one field of three values, not three bits: whoever sets one clears them all. */
#define ATIME MOUNT_ATTR__ATIME

/* Sorted, for bsearch(3). "norelatime" and "nostrictatime" ask for the kernel's default: relatime. */
static const struct option table[] = {
	{ "async", SUPER, 0, MS_SYNCHRONOUS },
	{ "atime", ATTR, 0, ATIME },
	{ "bind", BIND },
	{ "copy-symlink", COPY_SYMLINK },
	{ "defaults", NOTHING },
	{ "dest-nofollow", DEST_NOFOLLOW },
	{ "dev", ATTR, 0, MOUNT_ATTR_NODEV },
	{ "diratime", ATTR, 0, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", SUPER, MS_DIRSYNC },
	{ "exec", ATTR, 0, MOUNT_ATTR_NOEXEC },
	{ "idmap", IDMAP_OF_TOP },
	{ "iversion", SUPER, MS_I_VERSION },
	{ "lazytime", SUPER, MS_LAZYTIME },
	{ "loud", SUPER, 0, MS_SILENT },
	{ "mand", SUPER, MS_MANDLOCK },
	{ "noatime", ATTR, MOUNT_ATTR_NOATIME, ATIME },
	{ "nodev", ATTR, MOUNT_ATTR_NODEV },
	{ "nodiratime", ATTR, MOUNT_ATTR_NODIRATIME },
	{ "noexec", ATTR, MOUNT_ATTR_NOEXEC },
	{ "noiversion", SUPER, 0, MS_I_VERSION },
	{ "nolazytime", SUPER, 0, MS_LAZYTIME },
	{ "nomand", SUPER, 0, MS_MANDLOCK },
	{ "norelatime", ATTR, 0, ATIME },
	{ "nostrictatime", ATTR, 0, ATIME },
	{ "nosuid", ATTR, MOUNT_ATTR_NOSUID },
	{ "nosymfollow", ATTR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "private", PROPAGATION, MS_PRIVATE },
	{ "ratime", REC, 0, ATIME },
	{ "rbind", BIND_REC },
	{ "rdev", REC, 0, MOUNT_ATTR_NODEV },
	{ "rdiratime", REC, 0, MOUNT_ATTR_NODIRATIME },
	{ "relatime", ATTR, 0, ATIME },
	{ "remount", REMOUNT },
	{ "rexec", REC, 0, MOUNT_ATTR_NOEXEC },
	{ "ridmap", IDMAP_OF_ALL },
	{ "rnoatime", REC, MOUNT_ATTR_NOATIME, ATIME },
	{ "rnodev", REC, MOUNT_ATTR_NODEV },
	{ "rnodiratime", REC, MOUNT_ATTR_NODIRATIME },
	{ "rnoexec", REC, MOUNT_ATTR_NOEXEC },
	{ "rnorelatime", REC, 0, ATIME },
	{ "rnostrictatime", REC, 0, ATIME },
	{ "rnosuid", REC, MOUNT_ATTR_NOSUID },
	{ "rnosymfollow", REC, MOUNT_ATTR_NOSYMFOLLOW },
	{ "ro", ATTR, MOUNT_ATTR_RDONLY },
	{ "rprivate", PROPAGATION_REC, MS_PRIVATE },
	{ "rrelatime", REC, 0, ATIME },
	{ "rro", REC, MOUNT_ATTR_RDONLY },
	{ "rrw", REC, 0, MOUNT_ATTR_RDONLY },
	{ "rshared", PROPAGATION_REC, MS_SHARED },
	{ "rslave", PROPAGATION_REC, MS_SLAVE },
	{ "rstrictatime", REC, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "rsuid", REC, 0, MOUNT_ATTR_NOSUID },
	{ "rsymfollow", REC, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "runbindable", PROPAGATION_REC, MS_UNBINDABLE },
	{ "rw", ATTR, 0, MOUNT_ATTR_RDONLY },
	{ "shared", PROPAGATION, MS_SHARED },
	{ "silent", SUPER, MS_SILENT },
	{ "slave", PROPAGATION, MS_SLAVE },
	{ "src-nofollow", SRC_NOFOLLOW },
	{ "strictatime", ATTR, MOUNT_ATTR_STRICTATIME, ATIME },
	{ "suid", ATTR, 0, MOUNT_ATTR_NOSUID },
	{ "symfollow", ATTR, 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", SUPER, MS_SYNCHRONOUS },
	{ "tmpcopyup", COPYUP },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE },
};

static int option_compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct option *)row)->word);
}

static const struct option *option_find(const char *word)
{
	return bsearch(word, table, ARRAY_LEN(table), sizeof(table[0]), option_compare);
}

const char *mount_option_word(size_t i)
{
	return i < ARRAY_LEN(table) ? table[i].word : NULL;
}

/* The later word wins: what it says is taken out of what was said before. */
static void bits_apply(uint64_t *set, uint64_t *clr, const struct option *row)
{
	*set = (*set & ~row->clear) | row->set;
	*clr = (*clr & ~row->set) | row->clear;
}

static void option_apply(struct mount_options *o, const struct option *row)
{
	switch (row->action) {
	case NOTHING:
		break;
	case ATTR:
		bits_apply(&o->attr_set, &o->attr_clr, row);
		break;
	case REC:
		/* It speaks of the mount itself too, so an earlier "ro" or "rw" is over. */
		bits_apply(&o->rec_set, &o->rec_clr, row);
		o->attr_set &= ~row->clear;
		o->attr_clr &= ~(row->set | row->clear);
		break;
	case SUPER:
		o->super_set = (o->super_set & ~row->clear) | row->set;
		o->super_clr = (o->super_clr & ~row->set) | row->clear;
		break;
	case PROPAGATION:
	case PROPAGATION_REC:
		o->propagation = row->set;
		o->propagation_rec = row->action == PROPAGATION_REC;
		break;
	case BIND:
	case BIND_REC:
		o->bind = true;
		o->bind_rec = row->action == BIND_REC;
		break;
	case REMOUNT:
		o->remount = true;
		break;
	case COPYUP:
		o->tmpcopyup = true;
		break;
	case COPY_SYMLINK:
		o->copy_symlink = true;
		break;
	case SRC_NOFOLLOW:
		o->src_nofollow = true;
		break;
	case DEST_NOFOLLOW:
		o->dest_nofollow = true;
		break;
	case IDMAP_OF_TOP:
		o->idmap = IDMAP_TOP;
		break;
	case IDMAP_OF_ALL:
		o->idmap = IDMAP_RECURSIVE;
		break;
	}
}

/*
 * A word of the table with something behind it would go to the filesystem, which for a bind mount
 * ignores it: "ro,nosuid" in one string would leave the mount writable. So it is refused.
 */
static int check_tail(const char *option, struct err *err)
{
	size_t len = strcspn(option, ",=");
	CLEAN(free) char *head = xstrndup(option, len);

	if (!option[len] || !option_find(head))
		return 0;
	if (option[len] == ',')
		return err_set(err, EINVAL, "\"%s\": one option per list element", option);
	if (str_ends(head, "idmap"))
		return err_set(
			err, EINVAL,
			"\"%s\": %s takes no value; put the maps into uidMappings and gidMappings",
			option, head);
	return err_set(err, EINVAL, "\"%s\": %s takes no value", option, head);
}

int mount_options_parse(const struct strv *options, struct mount_options *ret, struct err *err)
{
	struct str data = { 0 };
	int rc;

	*ret = (struct mount_options){ 0 };
	for (size_t i = 0; i < options->count; i++) {
		const char *word = options->items[i];
		const struct option *row = option_find(word);

		if (row) {
			option_apply(ret, row);
			continue;
		}
		rc = *word ? check_tail(word, err) : err_set(err, EINVAL, "an empty option");
		if (rc < 0) {
			str_free(&data);
			return rc;
		}
		str_printf(&data, data.len ? ",%s" : "%s", word);
	}
	ret->data = data.text;
	return 0;
}

void mount_options_free(struct mount_options *o)
{
	free(o->data);
	o->data = NULL;
}

/* The attributes of a mount point, and what mount(2) calls them. */
static const struct {
	uint64_t attr;
	unsigned long flag;
} flag_names[] = {
	{ MOUNT_ATTR_RDONLY, MS_RDONLY },         { MOUNT_ATTR_NOSUID, MS_NOSUID },
	{ MOUNT_ATTR_NODEV, MS_NODEV },           { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
	{ MOUNT_ATTR_NOATIME, MS_NOATIME },       { MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
	{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME }, { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
};

unsigned long mount_options_flags(const struct mount_options *o)
{
	/* A fresh filesystem has nothing below it: recursive words are the same as the others. */
	uint64_t attr = (o->rec_set & ~o->attr_clr) | o->attr_set;
	unsigned long flags = o->super_set;

	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (attr & flag_names[i].attr)
			flags |= flag_names[i].flag;
	return flags;
}
