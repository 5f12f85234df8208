/*
 * Declarations that free: `CLEAN(fd) int fd = open(...)` closes at the end of its block.
 * A value is moved out by take_fd and take_ptr only. Every destructor takes NULL (or -1),
 * takes half-built things, and keeps errno.
 */
#ifndef CTR_BASE_CLEANUP_H
#define CTR_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEAN(kind) __attribute__((cleanup(clean_##kind)))

/* Declare clean_NAME for a type that has its own destructor `void FREE(TYPE *)`. */
#define CLEAN_DEFINE(name, type, free_fn)        \
	static inline void clean_##name(type *p) \
	{                                        \
		int saved = errno;               \
		free_fn(p);                      \
		errno = saved;                   \
	}

static inline void clean_fd(const int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

/* Not at the end of a block: closed now, and none from here on. */
static inline void drop_fd(int *fd)
{
	clean_fd(fd);
	*fd = -1;
}

static inline void clean_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void clean_file(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

static inline void clean_dir(DIR **d)
{
	int saved = errno;

	if (*d)
		closedir(*d);
	errno = saved;
}

/* Move an fd out of its owner, which keeps -1. */
static inline int take_fd(int *fd)
{
	int moved = *fd;

	*fd = -1;
	return moved;
}

/* Move a pointer out of its owner, which keeps NULL. */
#define take_ptr(p)                     \
	({                              \
		typeof(p) moved_ = (p); \
		(p) = NULL;             \
		moved_;                 \
	})

#endif
