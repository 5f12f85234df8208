#include "microvm/virtio_state.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define STATUS                                                                              \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK | \
	 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED)

static const char before[] = "it broke a rule before the snapshot";

static void queue_save(const struct queue *q, struct virtio_queue_state *ret)
{
	*ret = (struct virtio_queue_state){ .table_gpa = q->table_gpa,
					    .avail_gpa = q->avail_gpa,
					    .used_gpa = q->used_gpa,
					    .size = q->size,
					    .vector = q->vector,
					    .next_avail = q->next_avail,
					    .next_used = q->next_used,
					    .told_used = q->told_used,
					    .enabled = q->enabled,
					    .offended = q->offence != NULL };
}

void virtio_state_save(struct virtio_pci *t, struct virtio_pci_state *ret)
{
	struct virtio *v = t->device;

	*ret = (struct virtio_pci_state){ .accepted = v->accepted,
					  .offered_word = t->offered_word,
					  .accepted_word = t->accepted_word,
					  .id = v->ops->id,
					  .queues = (uint16_t)v->ops->queues,
					  .config_vector = v->config_vector,
					  .queue = t->queue,
					  .status = v->status,
					  .generation = v->generation,
					  .isr = t->isr,
					  .offended = v->offence != NULL };
	for (unsigned int i = 0; i < v->ops->queues; i++)
		queue_save(&v->queues[i].ring, &ret->queue_states[i]);
	msix_save(&t->msix, &ret->msix);
	if (v->ops->save)
		v->ops->save(v, ret->own);
}

static bool is_vector(const struct virtio_pci *t, uint16_t vector)
{
	return vector == VIRTIO_MSI_NO_VECTOR || vector < t->msix.count;
}

/* The driver's own way to there, in one step: what it couldn't have done is refused. */
static int queue_load(struct virtio_pci *t, unsigned int index, const struct virtio_queue_state *s)
{
	struct virtio *v = t->device;
	struct queue *q = &v->queues[index].ring;

	queue_reset(q, v->ops->queue_max[index]);
	q->table_gpa = s->table_gpa;
	q->avail_gpa = s->avail_gpa;
	q->used_gpa = s->used_gpa;
	q->size = s->size;
	q->vector = s->vector;
	if (!is_vector(t, s->vector))
		return -EINVAL;
	if (s->enabled && queue_enable(q, v->memory, v->accepted >> VIRTIO_RING_F_INDIRECT_DESC & 1,
				       v->accepted >> VIRTIO_RING_F_EVENT_IDX & 1) < 0)
		return -EINVAL;
	if (!s->enabled)
		return 0;
	q->next_avail = s->next_avail;
	q->next_used = s->next_used;
	q->told_used = s->told_used;
	q->offence = s->offended ? before : NULL;
	return 0;
}

static bool is_possible(const struct virtio_pci *t, const struct virtio_pci_state *s)
{
	const struct virtio *v = t->device;
	bool agreed = s->status & VIRTIO_CONFIG_S_FEATURES_OK;

	if (s->id != v->ops->id || s->queues != v->ops->queues || (s->status & ~STATUS) ||
	    !is_vector(t, s->config_vector))
		return false;
	if (s->offended && !(s->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		return false;
	if (agreed && !(s->accepted >> VIRTIO_F_VERSION_1 & 1))
		return false;
	if (!agreed && (s->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return false;
	for (unsigned int i = 0; i < s->queues; i++)
		if (s->queue_states[i].enabled && !agreed)
			return false;
	return true;
}

static int load(struct virtio_pci *t, const struct virtio_pci_state *s)
{
	struct virtio *v = t->device;
	int rc = 0;

	t->offered_word = s->offered_word;
	t->accepted_word = s->accepted_word;
	t->queue = s->queue;
	t->isr = s->isr;
	v->accepted = s->accepted;
	v->status = s->status;
	v->generation = s->generation;
	v->config_vector = s->config_vector;
	v->offence = s->offended ? before : NULL;
	for (unsigned int i = 0; rc == 0 && i < v->ops->queues; i++)
		rc = queue_load(t, i, &s->queue_states[i]);
	if (rc == 0 && v->ops->load)
		rc = v->ops->load(v, s->own);
	/* Half of it is none. */
	if (rc < 0)
		v->status = 0;
	return rc;
}

int virtio_state_load(struct virtio_pci *t, const struct virtio_pci_state *s, struct err *err)
{
	struct virtio *v = t->device;
	int rc = is_possible(t, s) ? 0 : -EINVAL;

	if (rc == 0 && (s->status & VIRTIO_CONFIG_S_FEATURES_OK) && (s->accepted & ~v->offered))
		return err_set(
			err, ENOTSUP,
			"the %s device offers less now than the guest has accepted: give the "
			"same flags for it as at first",
			v->ops->name);
	if (rc == 0)
		rc = msix_load(&t->msix, &t->function, &s->msix);
	if (rc == 0) {
		pthread_mutex_lock(&v->lock);
		rc = load(t, s);
		pthread_mutex_unlock(&v->lock);
	}
	return rc < 0 ? err_set(err, -rc, "no such state of a %s device can be, or not of this one",
				v->ops->name) :
			0;
}

void virtio_state_loaded(struct virtio_pci *t)
{
	struct virtio *v = t->device;

	pthread_mutex_lock(&v->lock);
	if ((v->status & VIRTIO_CONFIG_S_DRIVER_OK) && v->ops->begin)
		v->ops->begin(v);
	for (unsigned int i = 0; i < v->ops->queues; i++) {
		if (!virtio_is_live(v, i))
			continue;
		virtio_ring(v, i);
		/* What was on its way when the processors were held may not have arrived. */
		v->interrupt(v->arg, v->queues[i].ring.vector, false);
	}
	pthread_mutex_unlock(&v->lock);
}
