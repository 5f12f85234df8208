/* A container's files, as ctr-archive needs them: its root, its user namespace. */
#ifndef CTR_CTR_FILES_H
#define CTR_CTR_FILES_H

#include "archive/archive.h"
#include "base/cleanup.h"
#include "ctr/call.h"

#include <stdbool.h>

enum files_kind {
	FILES_PLAIN,    /* a folder of the host */
	FILES_OVERLAY,  /* a folder below a throw-away layer */
	FILES_PROGRAMS, /* the machine's own programs */
};

struct files {
	struct container c;
	struct spec spec; /* that it was made from */
	enum files_kind kind;
	bool live;  /* it has a process: what is mounted in it is there */
	int root;   /* O_PATH, of its root; for the host's own files: of "/" */
	int userns; /* -1: ours */
};

#define FILES_INIT                                            \
	(struct files)                                        \
	{                                                     \
		.c = CONTAINER_INIT, .root = -1, .userns = -1 \
	}

void files_free(struct files *f);
CLEAN_DEFINE(files, struct files, files_free)

/*
 * The files of a container that is there, running or not. -ESRCH with words: its root was a throw-away
 * layer, and is gone with its last process. state_root stays the caller's.
 */
int files_open(int state_root, const char *name, struct files *ret, struct err *err) MUST_CHECK;

/* The host's own, as we may see them. */
int files_host(struct files *ret, struct err *err) MUST_CHECK;

/* What a job had to leave out, as warnings. */
void files_warn(struct call *call, const struct archive_counts *counts);

#endif
