/*
 * fts(3) as libcgroup.a was compiled against it: Debian's musl has one too, but its entries are laid out
 * differently, and the library would read a wrong field. libcgroup walks a group that it has just made, to
 * hand over its files: the folder and what lies directly in it. There is nothing further down in a new group,
 * and nothing further down is entered here.
 */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDER = 1, FILE_IN_IT = 8 }; /* glibc's FTS_D and FTS_F */

/* The head of glibc's FTSENT (x86-64 and aarch64), whose other fields libcgroup doesn't look at. */
struct entry {
	void *cycle, *parent, *link;
	long number;
	void *pointer;
	char *accpath, *path;
	int code, symfd;
	unsigned short pathlen, namelen;
	unsigned long ino, dev, nlink;
	short level;
	unsigned short info, flags, instructions;
	void *stat;
	char name[1];
};
_Static_assert(offsetof(struct entry, accpath) == 40 && offsetof(struct entry, info) == 98 &&
		       offsetof(struct entry, name) == 112,
	       "glibc's FTSENT");

struct walk {
	DIR *dir;
	char *top, path[4096];
	int begun;
	struct entry now;
};

int fts_close(struct walk *w);
struct walk *fts_open(char *const *paths, int options, void *compare);
struct entry *fts_read(struct walk *w);

int fts_close(struct walk *w)
{
	closedir(w->dir);
	free(w->top);
	free(w);
	return 0;
}

struct walk *fts_open(char *const *paths, int options, void *compare)
{
	struct walk *w = calloc(1, sizeof(*w));

	(void)options;
	(void)compare;
	if (!w)
		return NULL;
	w->top = strdup(paths[0]);
	w->dir = opendir(paths[0]);
	if (w->top && w->dir)
		return w;
	if (w->dir)
		closedir(w->dir);
	free(w->top);
	free(w);
	return NULL;
}

struct entry *fts_read(struct walk *w)
{
	struct dirent *d;

	w->now.path = w->now.accpath = w->path;
	if (!w->begun) {
		w->begun = 1;
		snprintf(w->path, sizeof(w->path), "%s", w->top);
		w->now.info = FOLDER;
		return &w->now;
	}
	do {
		errno = 0; /* which at the end says that it is the end */
		d = readdir(w->dir);
	} while (d && d->d_type == DT_DIR);
	if (!d)
		return NULL;
	snprintf(w->path, sizeof(w->path), "%s/%s", w->top, d->d_name);
	w->now.level = 1;
	w->now.info = FILE_IN_IT;
	return &w->now;
}
