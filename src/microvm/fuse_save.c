/*
 * What the guest knows and has open, for a snapshot. By which name a file is to be found again the kernel says of our fd
 * of it, renames included, whoever made them; and each of these names is tried before it is written down.
 */
#include "base/str.h"
#include "microvm/fuse_parts.h"
#include "microvm/fuse_state.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define PATHS_BYTES_MAX (64U << 20) /* that are in hand at a time */
#define DELETED " (deleted)"

/* A file that has a path below the root, as it seems. */
struct named {
	char *path;
	uint32_t place;
};

/* A folder on the way to the next path: what is before `len` of that leads to it. */
struct level {
	size_t len;
	uint32_t record; /* + 1 */
	int fd;
	bool own; /* not a node's */
};

struct saving {
	struct fuse_server *f;
	struct str *out;
	char root[PATH_MAX];
	struct named *named;
	uint32_t count;
	size_t path_bytes;
	struct level *levels; /* the first one is the root */
	size_t depth, room;
	uint32_t *record_of; /* by place, + 1 */
	struct fuse_state_head head;
};

static void saving_free(struct saving *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->named[i].path);
	for (size_t i = 0; i < s->depth; i++)
		if (s->levels[i].own)
			close(s->levels[i].fd);
	free(s->named);
	free(s->levels);
	free(s->record_of);
}
CLEAN_DEFINE(saving, struct saving, saving_free)

static int too_many(struct err *err)
{
	return err_set(err, E2BIG,
		       "the guest knows too many of the folder's files; it forgets those that it "
		       "doesn't use when it is told to (echo 2 >/proc/sys/vm/drop_caches)");
}

/* ---- paths ------------------------------------------------------------------------------ */

/* As the kernel shows it: from the top of what we see, or of its mount. -errno. */
static int path_of(const struct fuse_server *f, int fd, char ret[PATH_MAX])
{
	char name[16];
	ssize_t n;

	snprintf(name, sizeof(name), "%d", fd);
	n = readlinkat(f->proc, name, ret, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* What of it is below the root; NULL: nothing. */
static const char *below(const char *root, const char *path)
{
	size_t len = str_eq(root, "/") ? 0 : strlen(root);

	return strncmp(path, root, len) == 0 && path[len] == '/' && path[len + 1] ? path + len + 1 :
										    NULL;
}

static int name_nodes(struct saving *s, struct err *err)
{
	const struct fuse_nodes *n = &s->f->nodes;
	char text[PATH_MAX];

	s->named = xcalloc(n->live, sizeof(*s->named));
	/* Who has no path has no name; who has one, may. */
	if (path_of(s->f, s->f->root, s->root) < 0)
		return 0;
	for (uint32_t i = 1; i < n->used; i++) {
		const char *path;

		if (n->at[i].fd < 0 || path_of(s->f, n->at[i].fd, text) < 0)
			continue;
		path = below(s->root, text);
		if (!path)
			continue;
		s->path_bytes += strlen(path);
		if (s->path_bytes > PATHS_BYTES_MAX)
			return too_many(err);
		s->named[s->count++] = (struct named){ .path = xstrdup(path), .place = i };
	}
	return 0;
}

static unsigned int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned int)(unsigned char)c + 1;
}

/* A folder, then all that is in it, then its neighbour. */
static int by_path(const void *a, const void *b)
{
	const char *p = ((const struct named *)a)->path, *q = ((const struct named *)b)->path;

	while (*p && *p == *q)
		p++, q++;
	return (int)rank(*p) - (int)rank(*q);
}

/* ---- records of files ------------------------------------------------------------------- */

static void push(struct saving *s, size_t len, uint32_t record, int fd, bool own)
{
	if (s->depth == s->room) {
		s->room = s->room ? 2 * s->room : 32;
		s->levels = xrealloc(s->levels, s->room, sizeof(*s->levels));
	}
	s->levels[s->depth++] =
		(struct level){ .len = len, .record = record, .fd = fd, .own = own };
}

static void pop(struct saving *s)
{
	const struct level *l = &s->levels[--s->depth];

	if (l->own)
		close(l->fd);
}

static uint32_t add(struct saving *s, const struct fuse_state_node *node, const char *name)
{
	struct fuse_state_node n = *node;

	n.name_bytes = (uint8_t)strlen(name);
	n.folder = s->levels[s->depth - 1].record;
	str_add_bytes(s->out, &n, sizeof(n));
	str_add_bytes(s->out, name, n.name_bytes + 1U);
	return ++s->head.nodes;
}

/* The folder that has the path's last part; those that the guest doesn't know are opened. False: it isn't there. */
static bool go_to_folder(struct saving *s, const char *path, const char *before)
{
	const struct fuse_state_node unknown = { .type = S_IFDIR >> 12 };
	char name[NAME_MAX + 1];
	size_t at;

	while (s->depth > 1) {
		const struct level *top = &s->levels[s->depth - 1];

		if (strncmp(path, before, top->len) == 0 && path[top->len] == '/')
			break;
		pop(s);
	}
	for (at = s->levels[s->depth - 1].len;;) {
		const char *part = path + at + (path[at] == '/'), *end = strchr(part, '/');
		int fd;

		if (!end)
			return fuse_is_name(part);
		if (end - part > NAME_MAX)
			return false;
		memcpy(name, part, (size_t)(end - part));
		name[end - part] = '\0';
		if (!fuse_is_name(name))
			return false;
		fd = openat(s->levels[s->depth - 1].fd, name,
			    O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return false;
		at = (size_t)(end - path);
		push(s, at, add(s, &unknown, name), fd, true);
	}
}

static bool is_there(int folder, const char *name, int fd)
{
	CLEAN(fd) int found = fuse_open_name(folder, name);
	struct statx a, b;

	return found >= 0 && fuse_look(found, &a) == 0 && fuse_look(fd, &b) == 0 &&
	       a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
	       a.stx_dev_minor == b.stx_dev_minor && a.stx_mnt_id == b.stx_mnt_id;
}

/* One that can't be found again isn't there: what the guest asks of it then is ESTALE, and it looks anew. */
static void save_node(struct saving *s, const struct named *named, const char *before)
{
	const struct fuse_node *node = &s->f->nodes.at[named->place];
	const struct fuse_state_node n = { .lookups = node->lookups,
					   .place = named->place,
					   .sequence = node->sequence,
					   .type = (uint8_t)(node->type >> 12),
					   .device = node->device };
	const char *slash = strrchr(named->path, '/');
	const char *name = slash ? slash + 1 : named->path;

	if (!go_to_folder(s, named->path, before) ||
	    !is_there(s->levels[s->depth - 1].fd, name, node->fd))
		return;
	s->record_of[named->place] = add(s, &n, name);
	if (S_ISDIR(node->type))
		push(s, strlen(named->path), s->record_of[named->place], node->fd, false);
}

static void save_nodes(struct saving *s)
{
	const char *before = "";

	qsort(s->named, s->count, sizeof(*s->named), by_path);
	push(s, 0, 0, s->f->root, false);
	for (uint32_t i = 0; i < s->count; i++) {
		save_node(s, &s->named[i], before);
		before = s->named[i].path;
	}
}

/* ---- records of handles ----------------------------------------------------------------- */

static int nameless(const struct saving *s, int fd, struct err *err)
{
	char text[PATH_MAX];
	const char *path;

	if (path_of(s->f, fd, text) < 0)
		return err_set(err, EBUSY,
			       "the guest has a file open whose path is too long to be found again "
			       "by");
	if (str_ends(text, DELETED))
		text[strlen(text) - strlen(DELETED)] = '\0';
	path = below(s->root, text);
	return err_set(err, EBUSY,
		       "the guest has a file open that can't be found again, for it has no name in "
		       "the folder any more: %s; let it close it first",
		       path ? path : text);
}

static int save_handle(struct saving *s, uint32_t place, struct err *err)
{
	const struct fuse_handle *h = &s->f->handles.at[place];
	const struct fuse_node *node = fuse_node_find(&s->f->nodes, h->node);
	struct fuse_state_handle out = { .place = place, .sequence = h->sequence };
	int flags = fcntl(h->fd, F_GETFL);

	/* No kernel does that. */
	if (!node)
		return err_set(err, EBUSY, "the guest has a file open that it has forgotten");
	out.node = s->record_of[node - s->f->nodes.at];
	if (!out.node && node != s->f->nodes.at)
		return nameless(s, node->fd, err);
	out.flags = (uint32_t)flags & FUSE_HANDLE_FLAGS;
	str_add_bytes(s->out, &out, sizeof(out));
	s->head.handles++;
	return 0;
}

static int save_handles(struct saving *s, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < s->f->handles.used; i++)
		if (s->f->handles.at[i].fd >= 0)
			rc = save_handle(s, i, err);
	return rc;
}

int fuse_server_save(struct fuse_server *f, struct str *out, struct err *err)
{
	CLEAN(saving) struct saving s = { .f = f, .out = out };
	const size_t begin = out->len;
	int rc;

	s.head = (struct fuse_state_head){ .version = FUSE_STATE_VERSION,
					   .flags = f->begun ? f->flags : 0,
					   .begun = f->begun,
					   .readonly = f->readonly,
					   .devices = f->nodes.device_count,
					   .node_places = f->nodes.used,
					   .node_sequence = fuse_nodes_sequence(&f->nodes),
					   .handle_places = f->handles.used,
					   .handle_sequence = fuse_handles_sequence(&f->handles) };
	s.record_of = xcalloc(f->nodes.used, sizeof(*s.record_of));
	str_add_bytes(out, &s.head, sizeof(s.head));
	rc = name_nodes(&s, err);
	if (rc < 0)
		return rc;
	save_nodes(&s);
	rc = save_handles(&s, err);
	if (rc == 0 && out->len - begin > FUSE_STATE_BYTES_MAX)
		rc = too_many(err);
	memcpy(out->text + begin, &s.head, sizeof(s.head));
	return rc;
}
