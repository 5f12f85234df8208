/* A table of files and handles, whoever has written it: read, and refused where it isn't one. */
#include "microvm/fuse_state.h"

#include "base/str.h"
#include "microvm/fuse_parts.h"
#include "microvm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FOLDER (S_IFDIR >> 12)
#define FILE_OF_BYTES (S_IFREG >> 12)
#define LOOKUPS_MAX (UINT64_MAX / 2) /* far from where a count begins anew */

_Static_assert(sizeof(struct fuse_state_head) == 36 && sizeof(struct fuse_state_node) == 24 &&
		       sizeof(struct fuse_state_handle) == 16,
	       "as they are in the file");

struct reader {
	struct snapshot_rest rest;
	uint8_t *seen; /* places, a bit each */
	struct err *err;
};

static int refuse(struct reader *r, const char *rule)
{
	return err_set(r->err, EINVAL, "no server of a shared folder has written that: %s", rule);
}

/* Once each. */
static bool is_new(struct reader *r, uint32_t place)
{
	uint8_t bit = (uint8_t)(1 << place % 8), *byte = &r->seen[place / 8];
	bool is = !(*byte & bit);

	*byte |= bit;
	return is;
}

static int read_head(struct reader *r, const struct fuse_state_limits *limits,
		     struct fuse_state_head *h)
{
	if (!snapshot_copy(&r->rest, h, sizeof(*h)))
		return refuse(r, "its head is cut");
	if (h->version != FUSE_STATE_VERSION)
		return err_set(r->err, ENOTSUP,
			       "what was known of the folder is of version %u, and this ctr-vm "
			       "reads version %d alone",
			       h->version, FUSE_STATE_VERSION);
	if (h->begun > 1 || h->readonly > 1 || h->zero)
		return refuse(r, "a yes or no that is neither");
	if (h->readonly != limits->readonly)
		return err_set(r->err, ENOTSUP,
			       "the folder was shared %s, and is not any more: give the same flags "
			       "as at first",
			       h->readonly ? "readonly" : "for writing");
	if (h->flags & ~limits->features)
		return err_set(
			r->err, ENOTSUP,
			"the guest has agreed on features of FUSE that are not offered here");
	if (!h->devices || h->devices > FUSE_DEVICES_MAX || !h->node_places)
		return refuse(r, "there is no root");
	if (h->node_places > limits->node_places || h->handle_places > limits->handle_places)
		return err_set(
			r->err, ENFILE,
			"the guest knew up to %u files and had up to %u open; this launcher may "
			"have %u and %u: raise its limit of open files (RLIMIT_NOFILE)",
			h->node_places, h->handle_places, limits->node_places,
			limits->handle_places);
	if (!h->begun && (h->nodes || h->handles))
		return refuse(r, "files before the beginning");
	/* Before memory is taken for them. */
	if (h->nodes > r->rest.left / (sizeof(struct fuse_state_node) + 2) ||
	    h->handles > r->rest.left / sizeof(struct fuse_state_handle))
		return refuse(r, "it is cut");
	return 0;
}

static bool is_type(uint8_t type)
{
	static const uint8_t types[] = { S_IFREG >> 12, S_IFDIR >> 12, S_IFLNK >> 12, S_IFIFO >> 12,
					 S_IFCHR >> 12, S_IFBLK >> 12, S_IFSOCK >> 12 };

	return memchr(types, type, sizeof(types)) != NULL;
}

static int read_name(struct reader *r, uint8_t len, const char **ret)
{
	const char *name = snapshot_take(&r->rest, (size_t)len + 1);

	if (!name)
		return refuse(r, "a name is cut");
	if (name[len] || strlen(name) != len || !fuse_is_name(name))
		return refuse(r, "a name that isn't one part of a path");
	*ret = name;
	return 0;
}

static int read_node(struct reader *r, struct fuse_state *s, uint32_t index)
{
	struct fuse_state_file *file = &s->files[index];
	struct fuse_state_node *n = &file->node;

	if (!snapshot_copy(&r->rest, n, sizeof(*n)))
		return refuse(r, "a file is cut");
	if (!is_type(n->type) || n->device >= s->head.devices || n->zero)
		return refuse(r, "a file of no kind");
	if (n->folder > index || (n->folder && s->files[n->folder - 1].node.type != FOLDER))
		return refuse(r, "a file that is in no folder before it");
	if (!n->lookups && (n->place || n->sequence || n->type != FOLDER))
		return refuse(r, "a file that is known and isn't");
	if (n->lookups && (!n->place || n->place >= s->head.node_places))
		return refuse(r, "a file's number that is none");
	if (n->lookups > LOOKUPS_MAX)
		return refuse(r, "a file that was looked up more often than can be");
	if (n->lookups && !is_new(r, n->place))
		return refuse(r, "two files of one number");
	return read_name(r, n->name_bytes, &file->name);
}

static int read_handle(struct reader *r, struct fuse_state *s, uint32_t index)
{
	struct fuse_state_handle *h = &s->handles[index];
	const struct fuse_state_node *n;
	uint8_t type = FOLDER;

	if (!snapshot_copy(&r->rest, h, sizeof(*h)))
		return refuse(r, "a handle is cut");
	if (h->place >= s->head.handle_places)
		return refuse(r, "a handle's number that is none");
	if (!is_new(r, h->place))
		return refuse(r, "two handles of one number");
	if (h->node > s->head.nodes)
		return refuse(r, "a handle of no file");
	if (h->node) {
		n = &s->files[h->node - 1].node;
		if (!n->lookups)
			return refuse(r, "a handle of a file that isn't known");
		type = n->type;
	}
	if (type != FOLDER && type != FILE_OF_BYTES)
		return refuse(r, "a handle of what is never opened");
	if (h->flags & ~FUSE_HANDLE_FLAGS)
		return refuse(r, "a handle's flags that none has");
	if ((type == FOLDER || s->head.readonly) && (h->flags & O_ACCMODE) != O_RDONLY)
		return refuse(r, "a handle that writes where nothing does");
	return 0;
}

static uint8_t *fresh_places(uint32_t count)
{
	return xcalloc((size_t)count / 8 + 1, 1);
}

static int read_all(struct reader *r, struct fuse_state *s)
{
	CLEAN(free) uint8_t *nodes = fresh_places(s->head.node_places);
	CLEAN(free) uint8_t *handles = fresh_places(s->head.handle_places);
	int rc = 0;

	s->files = xcalloc(s->head.nodes, sizeof(*s->files));
	s->handles = xcalloc(s->head.handles, sizeof(*s->handles));
	r->seen = nodes;
	for (uint32_t i = 0; rc == 0 && i < s->head.nodes; i++)
		rc = read_node(r, s, i);
	r->seen = handles;
	for (uint32_t i = 0; rc == 0 && i < s->head.handles; i++)
		rc = read_handle(r, s, i);
	return rc == 0 && r->rest.left ? refuse(r, "there is something behind the last one") : rc;
}

int fuse_state_parse(const char *bytes, size_t len, const struct fuse_state_limits *limits,
		     struct fuse_state *ret, struct err *err)
{
	CLEAN(fuse_state) struct fuse_state s = { 0 };
	struct reader r = { .rest = { bytes, len }, .err = err };
	int rc = read_head(&r, limits, &s.head);

	if (rc == 0)
		rc = read_all(&r, &s);
	if (rc < 0)
		return rc;
	*ret = s;
	s = (struct fuse_state){ 0 };
	return 0;
}

void fuse_state_free(struct fuse_state *s)
{
	free(s->files);
	free(s->handles);
	*s = (struct fuse_state){ 0 };
}
