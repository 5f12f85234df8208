#include "microvm/virtio_balloon.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <string.h>

/*
 * Of queues for features that the driver hasn't accepted there is no number, as drivers and devices have it that
 * are in use; by the standard's text each has a fixed one, the last is 4. Both are served.
 */
enum { INFLATE, DEFLATE, THIRD, FOURTH, FIFTH, QUEUES };

#define QUEUE_SIZE 128
#define STATS_MAX 64     /* of one buffer; kernels know more kinds with each year */
#define PFNS_AT_ONCE 256 /* as many as Linux' driver sends */

static bool accepted(const struct virtio_balloon *b, unsigned int feature)
{
	return b->virtio.accepted >> feature & 1;
}

/* ---- pages -------------------------------------------------------------------------------------- */

/* Neighbours are given back together: each call into the kernel costs more than the pages. */
static void give_up(struct virtio_balloon *b, uint32_t first, uint32_t last)
{
	uint64_t bytes = ((uint64_t)last - first + 1) * BALLOON_PAGE_BYTES;
	void *at = memory_at(b->virtio.memory, (uint64_t)first * BALLOON_PAGE_BYTES, bytes);

	if (at)
		memory_give_up(b->virtio.memory, at, bytes);
}

static bool is_memory(const struct virtio_balloon *b, uint32_t pfn)
{
	return memory_at(b->virtio.memory, (uint64_t)pfn * BALLOON_PAGE_BYTES, BALLOON_PAGE_BYTES);
}

/* Numbers of pages, in any order: runs go up or down. */
static bool inflate_some(struct virtio_balloon *b, const uint32_t *pfns, size_t count)
{
	uint32_t first = pfns[0], last = pfns[0];

	for (size_t i = 0; i < count; i++)
		if (!is_memory(b, pfns[i]))
			return false;
	for (size_t i = 1; i < count; i++) {
		if (pfns[i] == last + 1) {
			last++;
		} else if (pfns[i] + 1 == first) {
			first--;
		} else {
			give_up(b, first, last);
			first = last = pfns[i];
		}
	}
	give_up(b, first, last);
	return true;
}

static int64_t inflate(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	struct virtio_balloon *b = (struct virtio_balloon *)v;
	uint32_t pfns[PFNS_AT_ONCE];

	if (c->count > c->readable || c->readable_bytes % sizeof(*pfns)) {
		*ret_rule = "a balloon's pages are numbers of 32 bits, for reading";
		return -EPROTO;
	}
	for (size_t at = 0; at < c->readable_bytes; at += sizeof(pfns)) {
		size_t n = chain_read(c, at, pfns, sizeof(pfns)) / sizeof(*pfns);

		if (!inflate_some(b, pfns, n)) {
			*ret_rule = "a balloon's pages are memory";
			return -EPROTO;
		}
	}
	return 0;
}

/* What it takes back is there as soon as it is touched. */
static int64_t deflate(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	(void)v;
	if (c->count > c->readable) {
		*ret_rule = "a balloon's pages are numbers of 32 bits, for reading";
		return -EPROTO;
	}
	return 0;
}

/* Free pages, not by number but as buffers; until the guest has them back it doesn't use them. */
static int64_t reported(struct virtio *v, const struct chain *c, const char **ret_rule)
{
	if (c->readable) {
		*ret_rule = "free pages are reported as buffers for writing";
		return -EPROTO;
	}
	for (size_t i = 0; i < c->count; i++)
		memory_give_up(v->memory, c->pieces[i].iov_base, c->pieces[i].iov_len);
	return 0;
}

/* ---- statistics ------------------------------------------------------------------------------------ */

static void read_stats(struct virtio_balloon *b, const struct chain *c)
{
	struct virtio_balloon_stat s;

	for (size_t at = 0; at < c->readable_bytes && at < STATS_MAX * sizeof(s); at += sizeof(s))
		if (chain_read(c, at, &s, sizeof(s)) == sizeof(s) && s.tag < VIRTIO_BALLOON_S_NR)
			b->stats.values[s.tag] = s.val;
}

/* The driver's one buffer is kept until more is wanted. */
static void serve_stats(struct virtio_balloon *b, unsigned int queue)
{
	struct virtio *v = &b->virtio;
	struct chain c;

	do {
		while (virtio_pop(v, queue, &c)) {
			if (b->has_stats_buffer || c.count > c.readable) {
				virtio_offend(v, "statistics come in one buffer at a time, for "
						 "reading");
				return;
			}
			read_stats(b, &c);
			b->has_stats_buffer = true;
			b->stats_head = c.head;
		}
	} while (virtio_is_live(v, queue) && queue_arm(&v->queues[queue].ring));
}

static bool is_stats(const struct virtio_balloon *b, unsigned int queue)
{
	return queue == THIRD && accepted(b, VIRTIO_BALLOON_F_STATS_VQ);
}

static void serve(struct virtio *v, unsigned int queue)
{
	struct virtio_balloon *b = (struct virtio_balloon *)v;

	if (queue == INFLATE)
		virtio_serve(v, queue, inflate);
	else if (queue == DEFLATE)
		virtio_serve(v, queue, deflate);
	else if (is_stats(b, queue))
		serve_stats(b, queue);
	else if (accepted(b, VIRTIO_BALLOON_F_REPORTING))
		virtio_serve(v, queue, reported);
}

/* ---- its driver ------------------------------------------------------------------------------------- */

static void forget(struct virtio_balloon *b)
{
	memset(&b->stats, 0xff, sizeof(b->stats));
	b->has_stats_buffer = false;
	b->config.actual = 0;
}

static void reset(struct virtio *v)
{
	forget((struct virtio_balloon *)v);
}

/* The driver says how far it is. */
static void configure(struct virtio *v, uint32_t offset, const void *data, size_t len)
{
	struct virtio_balloon *b = (struct virtio_balloon *)v;

	if (offset == offsetof(struct virtio_balloon_config, actual) &&
	    len == sizeof(b->config.actual))
		memcpy(&b->config.actual, data, len);
}

struct own {
	uint32_t wanted, actual;
	uint16_t stats_head;
	uint8_t has_stats_buffer, zero;
};

static void save(const struct virtio *v, uint8_t own[VIRTIO_STATE_BYTES])
{
	const struct virtio_balloon *b = (const struct virtio_balloon *)v;
	const struct own o = { .wanted = b->config.wanted,
			       .actual = b->config.actual,
			       .stats_head = b->stats_head,
			       .has_stats_buffer = b->has_stats_buffer };

	memcpy(own, &o, sizeof(o));
}

/* Its size goes on as it was, whatever the flag says now. */
static int load(struct virtio *v, const uint8_t own[VIRTIO_STATE_BYTES])
{
	struct virtio_balloon *b = (struct virtio_balloon *)v;
	struct own o;

	memcpy(&o, own, sizeof(o));
	if (o.wanted >= v->memory->size / BALLOON_PAGE_BYTES)
		return -EINVAL;
	b->config.wanted = o.wanted;
	b->config.actual = o.actual;
	b->stats_head = o.stats_head;
	b->has_stats_buffer = o.has_stats_buffer;
	return 0;
}

static const struct virtio_ops ops = {
	.name = "balloon",
	.id = VIRTIO_ID_BALLOON,
	.class = 0x050000,
	.features = 1ULL << VIRTIO_BALLOON_F_STATS_VQ | 1ULL << VIRTIO_BALLOON_F_REPORTING,
	.queues = QUEUES,
	.queue_max = { QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE, QUEUE_SIZE },
	.serve = serve,
	.reset = reset,
	.configure = configure,
	.save = save,
	.load = load,
};

/* ---- its owner ---------------------------------------------------------------------------------------- */

static int check(const struct virtio_balloon *b, uint64_t pages, struct err *err)
{
	uint64_t all = b->virtio.memory->size;

	if (pages < all / BALLOON_PAGE_BYTES && pages <= UINT32_MAX)
		return 0;
	return err_set(
		err, EINVAL,
		"a balloon of %llum for a guest that has %llum: it can't give back all of it; "
		"--balloon",
		(unsigned long long)pages * BALLOON_PAGE_BYTES >> 20,
		(unsigned long long)all >> 20);
}

int virtio_balloon_init(struct virtio_balloon *b, uint64_t pages, bool firm,
			const struct memory *memory, struct err *err)
{
	int rc = virtio_init(&b->virtio, &ops, memory,
			     firm ? 0 : 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM, err);

	forget(b);
	if (rc == 0)
		rc = check(b, pages, err);
	b->config.wanted = (uint32_t)pages;
	b->virtio.config = &b->config;
	b->virtio.config_bytes = sizeof(b->config);
	return rc;
}

int virtio_balloon_target(struct virtio_balloon *b, uint64_t pages, struct err *err)
{
	int rc = check(b, pages, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&b->virtio.lock);
	b->config.wanted = (uint32_t)pages;
	/* One that isn't there yet looks when it comes. */
	if (virtio_is_live(&b->virtio, INFLATE))
		virtio_config_changed(&b->virtio);
	pthread_mutex_unlock(&b->virtio.lock);
	return 0;
}

void virtio_balloon_size(struct virtio_balloon *b, uint32_t *ret_wanted, uint32_t *ret_actual)
{
	pthread_mutex_lock(&b->virtio.lock);
	*ret_wanted = b->config.wanted;
	*ret_actual = b->config.actual;
	pthread_mutex_unlock(&b->virtio.lock);
}

struct balloon_stats virtio_balloon_stats(struct virtio_balloon *b)
{
	struct balloon_stats stats;

	pthread_mutex_lock(&b->virtio.lock);
	stats = b->stats;
	if (b->has_stats_buffer && virtio_is_live(&b->virtio, THIRD)) {
		const struct chain c = { .head = b->stats_head };

		b->has_stats_buffer = false;
		virtio_push(&b->virtio, THIRD, &c, 0);
	}
	pthread_mutex_unlock(&b->virtio.lock);
	return stats;
}
