#include "microvm/virtio_block.h"

#include "base/str.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>

#define QUEUE_SIZE 256
#define SEG_MAX (QUEUE_SIZE - 2) /* beside the header and the status */

_Static_assert(sizeof(((struct virtio_block *)0)->config) ==
		       offsetof(struct virtio_blk_config, physical_block_exp),
	       "as far as the block's size");

static bool accepted(const struct virtio_block *b, unsigned int feature)
{
	return b->virtio.accepted >> feature & 1;
}

/*
 * Between the disk and the guest's memory, without a copy. What another of its processors does to the bytes
 * meanwhile is its own loss: nothing is decided by them.
 */
static uint8_t transfer(const struct virtio_block *b, const struct chain *c, bool from_disk,
			uint64_t sector, size_t begin, uint64_t len)
{
	struct iovec pieces[QUEUE_SIZE_MAX];
	uint64_t sectors = b->disk.bytes / DISK_SECTOR_BYTES, done = 0;

	if (len % DISK_SECTOR_BYTES || sector > sectors ||
	    len / DISK_SECTOR_BYTES > sectors - sector)
		return VIRTIO_BLK_S_IOERR;
	while (done < len) {
		int count = (int)chain_slice(c, from_disk, begin + done, len - done, pieces);
		off_t at = (off_t)(sector * DISK_SECTOR_BYTES + done);
		ssize_t n = from_disk ? preadv(b->disk.fd, pieces, count, at) :
					pwritev(b->disk.fd, pieces, count, at);

		if (n < 0 && errno == EINTR)
			continue;
		/* 0: the file has become shorter. */
		if (n <= 0)
			return VIRTIO_BLK_S_IOERR;
		done += (uint64_t)n;
	}
	return VIRTIO_BLK_S_OK;
}

static uint8_t do_read(struct virtio_block *b, const struct chain *c, uint64_t sector)
{
	return transfer(b, c, true, sector, 0, c->writable_bytes - 1);
}

static uint8_t do_flush(struct virtio_block *b, const struct chain *c, uint64_t sector)
{
	(void)c;
	(void)sector;
	if (b->disk.readonly || fdatasync(b->disk.fd) == 0)
		return VIRTIO_BLK_S_OK;
	return VIRTIO_BLK_S_IOERR;
}

static uint8_t do_write(struct virtio_block *b, const struct chain *c, uint64_t sector)
{
	const size_t head = sizeof(struct virtio_blk_outhdr);
	uint8_t status;

	if (b->disk.readonly)
		return VIRTIO_BLK_S_IOERR;
	status = transfer(b, c, false, sector, head, c->readable_bytes - head);
	/* Who doesn't know how to flush thinks that what is written is written. */
	if (status == VIRTIO_BLK_S_OK && !accepted(b, VIRTIO_BLK_F_FLUSH))
		status = do_flush(b, c, sector);
	return status;
}

static uint8_t do_id(struct virtio_block *b, const struct chain *c, uint64_t sector)
{
	char id[VIRTIO_BLK_ID_BYTES] = "";
	size_t room = c->writable_bytes - 1;

	(void)sector;
	/* Without an end, if it is that long. */
	memcpy(id, b->disk.id, strnlen(b->disk.id, sizeof(id)));
	if (room > sizeof(id))
		room = sizeof(id);
	return chain_write(c, 0, id, room) == room ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static const struct {
	uint32_t type;
	uint8_t (*run)(struct virtio_block *b, const struct chain *c, uint64_t sector);
} types[] = {
	{ VIRTIO_BLK_T_IN, do_read },
	{ VIRTIO_BLK_T_OUT, do_write },
	{ VIRTIO_BLK_T_FLUSH, do_flush },
	{ VIRTIO_BLK_T_GET_ID, do_id },
};

static int64_t request(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	struct virtio_block *b = (struct virtio_block *)v;
	struct virtio_blk_outhdr head;
	uint8_t status = VIRTIO_BLK_S_UNSUPP;

	if (chain_read(c, 0, &head, sizeof(head)) != sizeof(head)) {
		*ret_rule = "a request to a disk begins with its header";
		return -EPROTO;
	}
	if (!c->writable_bytes) {
		*ret_rule = "a request to a disk ends with room for its status";
		return -EPROTO;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == head.type)
			status = types[i].run(b, c, head.sector);
	(void)!chain_write(c, c->writable_bytes - 1, &status, 1);
	return c->writable_bytes;
}

static void serve(struct virtio *v, unsigned int queue)
{
	virtio_serve(v, queue, request);
}

/* Another size would be another disk. */
static void save(const struct virtio *v, uint8_t own[VIRTIO_STATE_BYTES])
{
	const struct virtio_block *b = (const struct virtio_block *)v;

	memcpy(own, &b->disk.bytes, sizeof(b->disk.bytes));
}

static int load(struct virtio *v, const uint8_t own[VIRTIO_STATE_BYTES])
{
	const struct virtio_block *b = (const struct virtio_block *)v;

	return memcmp(own, &b->disk.bytes, sizeof(b->disk.bytes)) ? -EINVAL : 0;
}

static const struct virtio_ops ops = { .name = "block",
				       .id = VIRTIO_ID_BLOCK,
				       .class = 0x018000,
				       .features = 1ULL << VIRTIO_BLK_F_SEG_MAX |
						   1ULL << VIRTIO_BLK_F_BLK_SIZE |
						   1ULL << VIRTIO_BLK_F_FLUSH,
				       .queues = 1,
				       .queue_max = { QUEUE_SIZE },
				       .serve = serve,
				       .save = save,
				       .load = load };

int virtio_block_init(struct virtio_block *b, struct disk *disk, const struct memory *memory,
		      struct err *err)
{
	int rc = virtio_init(&b->virtio, &ops, memory, disk->readonly ? 1ULL << VIRTIO_BLK_F_RO : 0,
			     err);

	b->disk = *disk;
	*disk = (struct disk)DISK_NONE;
	b->config.sectors = b->disk.bytes / DISK_SECTOR_BYTES;
	b->config.seg_max = SEG_MAX;
	b->config.block_bytes = DISK_SECTOR_BYTES;
	b->virtio.config = &b->config;
	b->virtio.config_bytes = sizeof(b->config);
	return rc;
}

void virtio_block_free(struct virtio_block *b)
{
	disk_close(&b->disk);
	virtio_free(&b->virtio);
}
