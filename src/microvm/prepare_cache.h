/*
 * Where prepared guests lie: folders named by what is in them, so that the same kernel by two names is there once, and
 * beside them notes, named by the identity of what a folder was made from, so that nobody need read 10 MB to find it.
 * What nobody has asked for in 30 days goes, and so does what was made from a kernel that is no more.
 */
#ifndef CTR_MICROVM_PREPARE_CACHE_H
#define CTR_MICROVM_PREPARE_CACHE_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct cache {
	const char *path; /* borrowed */
	int dir;          /* locked against who prunes, as long as it is open */
};

#define CACHE_NONE        \
	{                 \
		.dir = -1 \
	}

/* What folders are made from: the kernel's file, and all that counts. */
struct cache_source {
	const char *kernel; /* a path */
	uint64_t kernel_identity, identity;
};

struct cache_file {
	const char *name;
	const void *data;
	size_t len;
};

/* A file that was changed has another number, size or time of change, which nobody can set back. */
uint64_t cache_identity(uint64_t before, const struct stat *st) MUST_CHECK;

/* The folder is made where it isn't there. */
int cache_open(const char *path, struct cache *ret, struct err *err) MUST_CHECK;
void cache_close(struct cache *c);
CLEAN_DEFINE(cache, struct cache, cache_close)

/* The folder of what was made from this before, the caller's; NULL: there is none. It counts as used now. */
char *cache_find(const struct cache *c, uint64_t identity) MUST_CHECK;

/*
 * These files, in a folder that has them all and nothing else, one that is there or a new one: *ret is the
 * caller's. `hash` is of all of them; where two have the same, the files decide. Two that do it at once both succeed.
 */
int cache_keep(const struct cache *c, const struct cache_source *source, uint64_t hash,
	       const struct cache_file *files, size_t count, char **ret,
	       struct err *err) MUST_CHECK;

#endif
