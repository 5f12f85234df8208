/* Which files were met by another name already. */
#include "archive/main.h"

#define BUCKETS 4096

struct link_seen {
	struct link_seen *next;
	dev_t dev;
	ino_t ino;
	char *path;
};

struct links {
	struct link_seen *bucket[BUCKETS];
};

const char *links_seen(struct links **links, const struct stat *st, const char *path)
{
	struct link_seen **at, *fresh;

	if (!*links)
		*links = xcalloc(1, sizeof(**links));
	at = &(*links)->bucket[(st->st_ino ^ (st->st_ino >> 12)) % BUCKETS];
	for (struct link_seen *l = *at; l; l = l->next)
		if (l->ino == st->st_ino && l->dev == st->st_dev)
			return l->path;
	fresh = xcalloc(1, sizeof(*fresh));
	*fresh = (struct link_seen){
		.next = *at, .dev = st->st_dev, .ino = st->st_ino, .path = xstrdup(path)
	};
	*at = fresh;
	return NULL;
}

void links_free(struct links **links)
{
	if (!*links)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((*links)->bucket[i]) {
			struct link_seen *l = (*links)->bucket[i];

			(*links)->bucket[i] = l->next;
			free(l->path);
			free(l);
		}
	free(*links);
	*links = NULL;
}
