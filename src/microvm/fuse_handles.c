#include "base/str.h"
#include "microvm/fuse_parts.h"
#include "microvm/fuse_state.h"

/* As with nodes: the place, and how many were there before. */
#define ID(place, sequence) ((uint64_t)(sequence) << 32 | (place))

void fuse_handles_make(struct fuse_handles *h, uint32_t max)
{
	*h = (struct fuse_handles){ .max = max, .at = fuse_table(max, sizeof(*h->at)) };
}

int fuse_handle_add(struct fuse_handles *h, int fd, bool folder, uint64_t node, uint64_t *ret)
{
	struct fuse_handle *handle;

	if (h->free) {
		handle = &h->at[h->free - 1];
		h->free = handle->next;
	} else if (h->used < h->max) {
		handle = &h->at[h->used++];
	} else {
		close(fd);
		return -ENFILE;
	}
	*handle = (struct fuse_handle){
		.fd = fd, .sequence = handle->sequence, .folder = folder, .node = node
	};
	*ret = ID((uint32_t)(handle - h->at), handle->sequence);
	return 0;
}

struct fuse_handle *fuse_handle_find(struct fuse_handles *h, uint64_t id, bool folder)
{
	struct fuse_handle *handle;

	if ((uint32_t)id >= h->used)
		return NULL;
	handle = &h->at[(uint32_t)id];
	return handle->fd >= 0 && handle->sequence == id >> 32 && handle->folder == folder ?
		       handle :
		       NULL;
}

static void drop(struct fuse_handles *h, struct fuse_handle *handle)
{
	close(handle->fd);
	*handle =
		(struct fuse_handle){ .fd = -1, .sequence = handle->sequence + 1, .next = h->free };
	h->free = (uint32_t)(handle - h->at) + 1;
}

void fuse_handle_close(struct fuse_handles *h, uint64_t id, bool folder)
{
	struct fuse_handle *handle = fuse_handle_find(h, id, folder);

	if (handle)
		drop(h, handle);
}

void fuse_handles_close_all(struct fuse_handles *h)
{
	for (uint32_t i = 0; i < h->used; i++)
		if (h->at[i].fd >= 0)
			drop(h, &h->at[i]);
}

uint32_t fuse_handles_sequence(const struct fuse_handles *h)
{
	uint32_t max = 0;

	for (uint32_t i = 0; i < h->used; i++)
		max = h->at[i].sequence > max ? h->at[i].sequence : max;
	return max + 1;
}

void fuse_handles_again(struct fuse_handles *h, const struct fuse_state_head *head)
{
	h->used = head->handle_places;
	for (uint32_t i = 0; i < h->used; i++)
		h->at[i].fd = -1;
}

/* A folder's entries are read from where the guest says, as after any other request. */
void fuse_handle_again(struct fuse_handles *h, const struct fuse_state_handle *handle, int fd,
		       bool folder, uint64_t node)
{
	h->at[handle->place] = (struct fuse_handle){
		.fd = fd, .sequence = handle->sequence, .folder = folder, .node = node
	};
}

void fuse_handles_let_go(struct fuse_handles *h, uint32_t sequence)
{
	for (uint32_t i = h->used; i-- > 0;) {
		if (h->at[i].fd >= 0)
			continue;
		h->at[i] = (struct fuse_handle){ .fd = -1, .sequence = sequence, .next = h->free };
		h->free = i + 1;
	}
}

void fuse_handles_free(struct fuse_handles *h)
{
	fuse_handles_close_all(h);
	fuse_table_free(h->at, h->max, sizeof(*h->at));
	*h = (struct fuse_handles){ 0 };
}
