/* What a device has: the messages that ask for it, and what of it is taken. */
#include "microvm/virtio_user_parts.h"

#include <stddef.h>

#define PROTOCOL (1ULL << VHOST_PROTOCOL_F_MQ | 1ULL << VHOST_PROTOCOL_F_CONFIG)

int virtio_user_get_features(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			     struct err *err)
{
	(void)bytes;
	(void)err;
	p->number = u->device->offered | 1ULL << VHOST_F_PROTOCOL_FEATURES;
	return 0;
}

/* Those that the driver has agreed to, and the emulator's own. */
int virtio_user_set_features(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			     struct err *err)
{
	(void)bytes;
	(void)err;
	u->acknowledged = p->number >> VHOST_F_PROTOCOL_FEATURES & 1;
	u->features = p->number & ~(1ULL << VHOST_F_PROTOCOL_FEATURES);
	return 0;
}

int virtio_user_get_protocol(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			     struct err *err)
{
	(void)u;
	(void)bytes;
	(void)err;
	p->number = PROTOCOL;
	return 0;
}

int virtio_user_set_protocol(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			     struct err *err)
{
	(void)u;
	(void)bytes;
	if (p->number & ~PROTOCOL)
		return virtio_user_broken(err, "it takes features that we haven't offered");
	return 0;
}

int virtio_user_get_queues(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			   struct err *err)
{
	(void)bytes;
	(void)err;
	p->number = u->queues;
	return 0;
}

int virtio_user_get_config(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			   struct err *err)
{
	struct virtio *v = u->device;
	uint32_t from = p->config.offset, len = p->config.bytes;

	if (len > VHOST_CONFIG_MAX || bytes != offsetof(union vhost_payload, config.data) + len)
		return virtio_user_broken(err, "a configuration has the bytes that it says");
	pthread_mutex_lock(&v->lock);
	for (uint32_t i = 0; i < len; i++)
		p->config.data[i] = from < v->config_bytes && i < v->config_bytes - from ?
					    ((const uint8_t *)v->config)[from + i] :
					    0;
	pthread_mutex_unlock(&v->lock);
	return 0;
}
