#include "base/str.h"
#include "microvm/fuse_parts.h"
#include "microvm/fuse_state.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The guest's number of a file is its place, and in the upper half how many were there before: so a number
 * that was forgotten stays nobody's. The root is 1 for FUSE: place 0.
 */
#define ID(place, sequence) (((uint64_t)(sequence) << 32 | (place)) + 1)
#define PLACE(id) ((uint32_t)((id)-1))
#define SEQUENCE(id) ((uint32_t)(((id)-1) >> 32))

#define NO_DEVICE UINT64_MAX /* in a device's place; none has that number */

static struct fuse_key key_of(const struct statx *st)
{
	return (struct fuse_key){ .device = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor,
				  .inode = st->stx_ino,
				  .mount = st->stx_mnt_id };
}

/* Those beyond all places share the last one. */
static uint8_t device_of(struct fuse_nodes *n, uint64_t device)
{
	uint8_t i = 0;

	while (i < n->device_count && n->devices[i] != device)
		i++;
	if (i == FUSE_DEVICES_MAX)
		return i - 1;
	if (i == n->device_count)
		n->devices[n->device_count++] = device;
	return i;
}

/* In bits that hardly any filesystem uses; those of the folder's own stay as they are. */
uint64_t fuse_node_inode(const struct fuse_node *node, uint64_t inode)
{
	return inode ^ (uint64_t)node->device << 56;
}

static bool same(const struct fuse_key *a, const struct fuse_key *b)
{
	return a->device == b->device && a->inode == b->inode && a->mount == b->mount;
}

static uint32_t *bucket(const struct fuse_nodes *n, const struct fuse_key *key)
{
	uint64_t h = (key->inode ^ key->device << 24 ^ key->mount << 48) * 0x9e3779b97f4a7c15ULL;

	return &n->buckets[(uint32_t)(h >> 32) & n->mask];
}

/*
 * The kernel's own mapping, told of before it is touched: an allocator would write its notes at both ends first, and each
 * of them have a huge page there.
 */
void *fuse_table(size_t count, size_t size)
{
	const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	/* cppcheck-suppress invalidFunctionArg */
	void *table = mmap(NULL, count * size, PROT_READ | PROT_WRITE, how, -1, 0);

	if (table == MAP_FAILED)
		err_die("no memory for what a guest knows of a shared folder");
	/* Where there are no huge pages, none are to be kept away. */
	(void)madvise(table, count * size, MADV_NOHUGEPAGE);
	return table;
}

void fuse_table_free(void *table, size_t count, size_t size)
{
	if (table)
		munmap(table, count * size);
}

int fuse_nodes_make(struct fuse_nodes *n, uint32_t max, int root, struct err *err)
{
	struct statx st;
	int rc = fuse_look(root, &st);

	if (rc < 0)
		return err_set(err, -rc, "look at the folder that is shared: %s", strerror(-rc));
	if (!S_ISDIR(st.stx_mode))
		return err_set(err, ENOTDIR, "share a folder: that is none");
	/* Memory that is touched only as far as it's used. */
	*n = (struct fuse_nodes){ .max = max, .used = 1, .mask = 1 };
	while (n->mask < max)
		n->mask *= 2;
	n->at = fuse_table(max, sizeof(*n->at));
	n->buckets = fuse_table(n->mask--, sizeof(*n->buckets));
	n->at[0] = (struct fuse_node){ .fd = root, .type = S_IFDIR, .key = key_of(&st) };
	n->at[0].device = device_of(n, n->at[0].key.device);
	*bucket(n, &n->at[0].key) = 1;
	return 0;
}

struct fuse_node *fuse_node_find(struct fuse_nodes *n, uint64_t id)
{
	struct fuse_node *node;

	if (id == 0 || PLACE(id) >= n->used)
		return NULL;
	node = &n->at[PLACE(id)];
	return node->fd >= 0 && node->sequence == SEQUENCE(id) ? node : NULL;
}

uint64_t fuse_node_number(uint32_t place, uint32_t sequence)
{
	return ID(place, sequence);
}

uint64_t fuse_node_id(const struct fuse_nodes *n, const struct fuse_node *node)
{
	return ID((uint32_t)(node - n->at), node->sequence);
}

static struct fuse_node *place(struct fuse_nodes *n)
{
	struct fuse_node *node;

	if (n->free) {
		node = &n->at[n->free - 1];
		n->free = node->next;
		return node;
	}
	return n->used < n->max ? &n->at[n->used++] : NULL;
}

static struct fuse_node *known(const struct fuse_nodes *n, const struct fuse_key *key)
{
	for (uint32_t i = *bucket(n, key); i; i = n->at[i - 1].next)
		if (same(&n->at[i - 1].key, key))
			return &n->at[i - 1];
	return NULL;
}

static void enter(struct fuse_nodes *n, struct fuse_node *node)
{
	uint32_t *first = bucket(n, &node->key);

	node->next = *first;
	*first = (uint32_t)(node - n->at) + 1;
	n->live++;
}

int fuse_node_meet(struct fuse_nodes *n, int fd, const struct statx *st, struct fuse_node **ret)
{
	CLEAN(fd) int own = fd;
	struct fuse_key key = key_of(st);
	struct fuse_node *node = known(n, &key);

	if (node) {
		node->lookups++;
		/* Its other name may be gone by now: a snapshot finds it by the one that was used last. */
		if (node != n->at) {
			own = node->fd;
			node->fd = fd;
		}
		*ret = node;
		return 0;
	}
	node = place(n);
	if (!node)
		return -ENFILE;
	*node = (struct fuse_node){ .fd = take_fd(&own),
				    .sequence = node->sequence,
				    .type = st->stx_mode & S_IFMT,
				    .device = device_of(n, key.device),
				    .key = key,
				    .lookups = 1 };
	enter(n, node);
	*ret = node;
	return 0;
}

static void drop(struct fuse_nodes *n, struct fuse_node *node)
{
	uint32_t place = (uint32_t)(node - n->at) + 1, *link = bucket(n, &node->key);

	while (*link != place)
		link = &n->at[*link - 1].next;
	*link = node->next;
	close(node->fd);
	*node = (struct fuse_node){ .fd = -1, .sequence = node->sequence + 1, .next = n->free };
	n->free = place;
	n->live--;
}

void fuse_node_forget(struct fuse_nodes *n, uint64_t id, uint64_t lookups)
{
	struct fuse_node *node = fuse_node_find(n, id);

	if (!node || node == n->at)
		return;
	node->lookups -= lookups < node->lookups ? lookups : node->lookups;
	if (!node->lookups)
		drop(n, node);
}

void fuse_nodes_forget_all(struct fuse_nodes *n)
{
	for (uint32_t i = 1; i < n->used; i++)
		if (n->at[i].fd >= 0)
			drop(n, &n->at[i]);
}

/* ---- from a snapshot --------------------------------------------------------------------- */

uint32_t fuse_nodes_sequence(const struct fuse_nodes *n)
{
	uint32_t max = 0;

	for (uint32_t i = 0; i < n->used; i++)
		max = n->at[i].sequence > max ? n->at[i].sequence : max;
	return max + 1;
}

void fuse_nodes_again(struct fuse_nodes *n, const struct fuse_state_head *head)
{
	n->used = head->node_places;
	for (uint32_t i = 1; i < n->used; i++)
		n->at[i].fd = -1;
	/* The root's is the first one in any case. */
	n->device_count = head->devices;
	for (uint8_t i = 1; i < n->device_count; i++)
		n->devices[i] = NO_DEVICE;
}

/* As the guest saw it before, so that files have the same numbers of inodes. */
static uint8_t device_again(struct fuse_nodes *n, uint64_t device, uint8_t before)
{
	for (uint8_t i = 0; i < n->device_count; i++)
		if (n->devices[i] == device)
			return i;
	if (n->devices[before] != NO_DEVICE)
		return device_of(n, device);
	n->devices[before] = device;
	return before;
}

void fuse_node_again(struct fuse_nodes *n, const struct fuse_state_node *saved, int fd,
		     const struct statx *st)
{
	struct fuse_node *node = &n->at[saved->place];
	struct fuse_key key = key_of(st);

	if (known(n, &key)) {
		close(fd);
		return;
	}
	*node = (struct fuse_node){ .fd = fd,
				    .sequence = saved->sequence,
				    .type = st->stx_mode & S_IFMT,
				    .device = device_again(n, key.device, saved->device),
				    .key = key,
				    .lookups = saved->lookups };
	enter(n, node);
}

void fuse_nodes_let_go(struct fuse_nodes *n, uint32_t sequence)
{
	for (uint32_t i = n->used; i-- > 1;) {
		if (n->at[i].fd >= 0)
			continue;
		n->at[i] = (struct fuse_node){ .fd = -1, .sequence = sequence, .next = n->free };
		n->free = i + 1;
	}
}

void fuse_nodes_free(struct fuse_nodes *n)
{
	if (n->at)
		fuse_nodes_forget_all(n);
	fuse_table_free(n->at, n->max, sizeof(*n->at));
	fuse_table_free(n->buckets, n->mask + 1, sizeof(*n->buckets));
	*n = (struct fuse_nodes){ 0 };
}
