/* Folders that a guest shares with the host: what --share says. */
#ifndef CTR_MICROVM_SHARE_H
#define CTR_MICROVM_SHARE_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/virtio_fs.h"

#include <stdbool.h>

struct share_options {
	char tag[VIRTIO_FS_TAG_MAX + 1];
	int root; /* the folder: an O_PATH fd */
	bool readonly;
};

#define SHARE_OPTIONS_NONE \
	{                  \
		.root = -1 \
	}

/* TAG=DIR[,readonly]; the folder is opened. DIR is "fd:N", too. */
int share_parse(const char *text, struct share_options *ret, struct err *err) MUST_CHECK;
void share_options_free(struct share_options *opt);

/* Two of them with one tag: -EINVAL. */
int share_check(const struct share_options *shares, size_t count, struct err *err) MUST_CHECK;

/*
 * Raise the limit of this process' fds as far as it may; how many each of `shares` servers may use then. Other
 * devices need some, too.
 */
unsigned int share_fds_max(size_t shares);

#endif
