/*
 * What a guest knew and had open in the folder, found again: by names that somebody else may have written, each in a
 * folder that is open, as a lookup of the guest's does it. What isn't there any more is a number that is nobody's.
 */
#include "base/str.h"
#include "microvm/fuse_parts.h"
#include "microvm/fuse_state.h"

#include <string.h>

struct loading {
	struct fuse_server *f;
	const struct fuse_state *state;
	int *fds; /* of records that the guest doesn't know: ours; -1: none */
};

static void loading_free(struct loading *l)
{
	for (uint32_t i = 0; l->fds && i < l->state->head.nodes; i++)
		clean_fd(&l->fds[i]);
	free(l->fds);
}
CLEAN_DEFINE(loading, struct loading, loading_free)

static uint64_t id_of(const struct fuse_state_node *n)
{
	return fuse_node_number(n->place, n->sequence);
}

/* -1: it is not there any more. */
static int folder_of(const struct loading *l, const struct fuse_state_node *n)
{
	const struct fuse_state_node *folder;
	const struct fuse_node *node;

	if (!n->folder)
		return l->f->root;
	folder = &l->state->files[n->folder - 1].node;
	if (!folder->lookups)
		return l->fds[n->folder - 1];
	node = fuse_node_find(&l->f->nodes, id_of(folder));
	return node ? node->fd : -1;
}

/* That we have no more fds or memory says nothing of what is there. */
static bool is_ours(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int find(struct loading *l, uint32_t index, struct err *err)
{
	const struct fuse_state_file *file = &l->state->files[index];
	const struct fuse_state_node *n = &file->node;
	int folder = folder_of(l, n);
	CLEAN(fd) int fd = folder < 0 ? -ENOENT : fuse_open_name(folder, file->name);
	struct statx st;

	if (is_ours(fd))
		return err_set(err, -fd, "open a file that the guest knows: %s", strerror(-fd));
	if (fd < 0 || fuse_look(fd, &st) < 0 || st.stx_mode >> 12 != n->type)
		return 0;
	if (n->lookups)
		fuse_node_again(&l->f->nodes, n, take_fd(&fd), &st);
	else
		l->fds[index] = take_fd(&fd);
	return 0;
}

static int open_again(struct loading *l, const struct fuse_state_handle *h, struct err *err)
{
	uint64_t id = h->node ? id_of(&l->state->files[h->node - 1].node) : FUSE_ROOT_ID;
	const struct fuse_node *node = fuse_node_find(&l->f->nodes, id);
	int fd = node ? fuse_open_node(l->f, node, (int)h->flags) : -ESTALE;

	if (is_ours(fd))
		return err_set(err, -fd, "open what the guest has open: %s", strerror(-fd));
	if (fd >= 0)
		fuse_handle_again(&l->f->handles, h, fd, S_ISDIR(node->type), id);
	return 0;
}

static int load(struct fuse_server *f, const struct fuse_state *s, struct err *err)
{
	CLEAN(loading) struct loading l = { .f = f, .state = s };
	int rc = 0;

	l.fds = xcalloc(s->head.nodes, sizeof(*l.fds));
	for (uint32_t i = 0; i < s->head.nodes; i++)
		l.fds[i] = -1;
	fuse_nodes_again(&f->nodes, &s->head);
	fuse_handles_again(&f->handles, &s->head);
	for (uint32_t i = 0; rc == 0 && i < s->head.nodes; i++)
		rc = find(&l, i, err);
	for (uint32_t i = 0; rc == 0 && i < s->head.handles; i++)
		rc = open_again(&l, &s->handles[i], err);
	fuse_nodes_let_go(&f->nodes, s->head.node_sequence);
	fuse_handles_let_go(&f->handles, s->head.handle_sequence);
	return rc;
}

/* As FUSE_INIT does it, in this thread. */
static int begin(struct fuse_server *f, struct err *err)
{
	int rc = fuse_rights_take(&f->rights);

	return rc < 0 ? err_set(err, -rc, "see what rights we have: %s", strerror(-rc)) : 0;
}

int fuse_server_load(struct fuse_server *f, const char *bytes, size_t len, struct err *err)
{
	CLEAN(fuse_state) struct fuse_state s = { 0 };
	const struct fuse_state_limits limits = { .node_places = f->nodes.max,
						  .handle_places = f->handles.max,
						  .features = fuse_features(f),
						  .readonly = f->readonly };
	int rc = fuse_state_parse(bytes, len, &limits, &s, err);

	if (rc == 0 && s.head.begun)
		rc = begin(f, err);
	if (rc < 0)
		return rc;
	f->begun = s.head.begun;
	f->flags = s.head.flags;
	rc = load(f, &s, err);
	if (rc < 0)
		fuse_server_reset(f);
	return rc;
}
