/*
 * Volumes: folders with a name that outlive containers. All of them are in one store, a folder that
 * nobody else may enter (a container's setuid files would be there for every user of the machine):
 *
 *   NAME/volume.json  labels, when it was made, whether it is anonymous
 *   NAME/_data/       what containers see
 *   NAME/begun        somebody has used it
 *   NAME/users/ID     a container that uses it: where its state is. Whoever is making that container
 *                     holds a lock on this file; later it is worth as much as the container is there
 *   .new-*, .gone-*   a volume that is not whole yet, or no more; left over by a kill, and removed by
 *                     the next one who makes or removes one
 *
 * What changes the set of names or of users takes the store's lock for that moment. A name appears and
 * goes by a rename: there is never half a volume. The kernel drops locks with their owner.
 */
#ifndef CTR_VOLUME_VOLUME_H
#define CTR_VOLUME_VOLUME_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define VOLUME_NAME_MAX 128

struct volume {
	char *name;
	bool anonymous;
	uint64_t created_unix_ms;
	struct strv labels; /* "KEY=VALUE" */
};

void volume_free(struct volume *v);
CLEAN_DEFINE(volume, struct volume, volume_free)

struct volume_user {
	const char *root, *name, *id; /* state root (absolute), container, its id */
};

struct volume_store {
	int fd;
	char *path; /* absolute */
	/* Is this container there? By its id: *name, the caller's, becomes what it is called now. */
	bool (*alive)(const char *root, const char *id, char **name);
	/* file_remove_tree(), by one who may: files can belong to ids of a user namespace. */
	int (*remove_tree)(int dir, const char *name, struct err *err);
};

void volume_store_close(struct volume_store *s);
CLEAN_DEFINE(volume_store, struct volume_store, volume_store_close)

/* Open DATA/volumes, made where it is missing. The two functions are the caller's to fill in. */
int volume_store_open(const char *data, struct volume_store *ret, struct err *err) MUST_CHECK;

/* "[a-zA-Z0-9][a-zA-Z0-9_.-]*", at most VOLUME_NAME_MAX. */
int volume_name_check(const char *name, struct err *err) MUST_CHECK;

/* Make one; -EEXIST with words. */
int volume_create(const struct volume_store *s, const struct volume *v, struct err *err) MUST_CHECK;

/* -ENOENT: "no such volume". */
int volume_read(const struct volume_store *s, const char *name, struct volume *ret,
		struct err *err) MUST_CHECK;

/* All names, sorted. */
int volume_list(const struct volume_store *s, struct strv *ret, struct err *err) MUST_CHECK;

/* The names of the containers that use it. */
int volume_users(const struct volume_store *s, const char *name, struct strv *ret,
		 struct err *err) MUST_CHECK;

/* A container that is being made uses a volume. */
struct volume_use {
	int dir;    /* NAME/, for who fills it */
	int ref;    /* keeps the use alive until the container is there */
	bool first; /* nobody else uses it, and there is nothing in it */
};

#define VOLUME_USE_INIT              \
	(struct volume_use)          \
	{                            \
		.dir = -1, .ref = -1 \
	}

/*
 * Register the use, and make the volume where it is missing. `dir` is locked, so that of several who come
 * at once one alone fills it: volume_use_ready() lets the others on. Close both in the end.
 */
int volume_use(const struct volume_store *s, const struct volume *v, const struct volume_user *user,
	       struct volume_use *ret, struct err *err) MUST_CHECK;
/* `begun`: it went well, and nobody but one who is alone fills it once more. */
void volume_use_ready(const struct volume_use *use, bool begun);
void volume_use_close(struct volume_use *use);

/* A container is gone: it uses nothing any more. Those without a name that it had go too, if asked. */
int volume_release(const struct volume_store *s, const char *id, bool remove_anonymous,
		   struct err *err) MUST_CHECK;

/* -EBUSY with the names of those who use it. */
int volume_remove(const struct volume_store *s, const char *name, struct err *err) MUST_CHECK;

/* Inside this room: the store's lock, exclusive; and its folders. */
int store_lock(const struct volume_store *s, struct err *err) MUST_CHECK;
void store_unlock(const struct volume_store *s);
int store_open_volume(const struct volume_store *s, const char *name, struct err *err) MUST_CHECK;
int store_create(const struct volume_store *s, const struct volume *v, struct err *err) MUST_CHECK;
/* Remove what lies beside the volumes under a name that begins so. */
int store_sweep(const struct volume_store *s, const char *prefix,
		int (*remove_tree)(int dir, const char *name, struct err *err),
		struct err *err) MUST_CHECK;
/* Those who use it, by name, but for the container `except` (NULL: all). The lock is held. */
int store_users(const struct volume_store *s, int dir, const char *except, struct strv *ret,
		struct err *err) MUST_CHECK;

#endif
