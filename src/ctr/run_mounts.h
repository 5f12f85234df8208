/* From one --volume, --mount or --tmpfs to one mount. They are collected in a spec of their own, so
 * that all can be checked against each other before they go into the container's. */
#ifndef CTR_CTR_RUN_MOUNTS_H
#define CTR_CTR_RUN_MOUNTS_H

#include "base/err.h"
#include "ctr/run_make.h"
#include "spec/spec.h"

#include <stdbool.h>

/* m gets to know of the volumes among them. */
int mount_from_volume(const char *text, struct run_made *m, struct spec *to,
		      struct err *err) MUST_CHECK;
int mount_from_tmpfs(const char *text, struct spec *to, struct err *err) MUST_CHECK;
int mount_from_fields(const char *text, struct run_made *m, struct spec *to,
		      struct err *err) MUST_CHECK;

/*
 * A bind mount with the options that users write: "ro" is for all below, as docker has it, unless
 * `bind` asks for one mount alone; propagation is private where nothing else is said. flag and text
 * are for errors.
 */
int mount_bind_add(struct spec *to, const char *source, const char *destination,
		   const struct strv *options, const char *flag, const char *text,
		   struct err *err) MUST_CHECK;

/*
 * A volume, made when the container is. name NULL: an anonymous one. The option nocopy leaves it empty
 * that is new.
 */
int mount_volume_add(struct run_made *m, struct spec *to, const char *name, const char *destination,
		     const struct strv *options, const char *flag, const char *text,
		     struct err *err) MUST_CHECK;

/* Is it a word for mount options that the runtime knows? */
bool mount_word_known(const char *word);

/* Destinations are clean absolute paths other than "/". *ret: the caller's to free. */
int mount_destination(const char *path, const char *flag, const char *text, char **ret,
		      struct err *err) MUST_CHECK;

#endif
