/*
 * A scratch world for tests that mount: a bundle with a busybox root on a real disk, and a way to
 * stand in a container made of it by nothing but the stages of src/rootfs. All mounts are made in a
 * child's own mount namespace.
 */
#ifndef TESTS_UNIT_ROOTFS_WORLD_H
#define TESTS_UNIT_ROOTFS_WORLD_H

#include "rootfs/rootfs.h"
#include "spec/load.h"

#include <stdio.h>

struct world {
	char dir[64]; /* the bundle; its rootfs/ is the root */
	char *staging;
	struct spec spec; /* spec_default(), root.path "rootfs" */
	struct strv warnings;
	struct err err; /* of the last world_plan() or world_run() */
	uint16_t rows, columns;
	int master; /* in the container, with process.terminal */
	bool no_pivot;
};

int world_group_make(void **state); /* cmocka's setup of a group, before world_make() */
int world_group_remove(void **state);
int world_make(void **state);   /* cmocka setup: *state is a struct world */
int world_remove(void **state); /* and teardown */
bool world_skip(void);          /* true, after saying so, when this isn't root */

/* Make a file or folder below the bundle: "rootfs/x/y"; text NULL: a folder. */
void world_put(struct world *w, const char *path, const char *text, mode_t mode);
void world_link(struct world *w, const char *target, const char *path);

/* Forget all mounts of the spec but the first n. */
void world_mounts_keep(struct world *w, size_t n);

/* A new user namespace in which ids 0..65535 are the host's from 100000 on. */
void world_userns(struct world *w);

/* Plan alone: 0 or -errno with w->err. */
int world_plan(struct world *w, struct rootfs_plan *plan);

/*
 * Make a container of the spec and run `look` in it, as its process 1, rights untouched. 0, or -errno
 * with w->err of the stage that failed. What `look` finds wrong (LOOK) fails the test.
 */
int world_run(struct world *w, void (*look)(struct world *));

/* The same where nothing may fail. */
void world_ok(struct world *w, void (*look)(struct world *));

/* In a child of its own with a private copy of the mounts: what `work` finds wrong fails the test. */
void world_apart(struct world *w, void (*work)(struct world *));

/* In `look`: what must hold. */
#define LOOK(what)                                              \
	do {                                                    \
		if (!(what))                                    \
			world_wrong(__FILE__, __LINE__, #what); \
	} while (0)
_Noreturn void world_wrong(const char *file, int line, const char *what);

/* In `look`: the whole of a file as text (lives until the next call), NULL with errno. */
const char *text_of(const char *path);
/* The options field that mountinfo shows for the last mount at this place; NULL: none. */
const char *mount_flags_of(const char *path);
bool write_to(const char *path, const char *text); /* errno when false */

#endif
