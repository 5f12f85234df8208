/* Between the files of virtio_user.h: the messages of vhost-user, and who takes each. */
#ifndef CTR_MICROVM_VIRTIO_USER_PARTS_H
#define CTR_MICROVM_VIRTIO_USER_PARTS_H

#include "microvm/virtio_user.h"

#define VHOST_CONFIG_MAX 256

enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_RESET_OWNER = 4,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_SET_VRING_ERR = 14,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
	VHOST_GET_CONFIG = 24,
};

#define VHOST_F_PROTOCOL_FEATURES 30 /* a feature of the device's, by which there are those */
#define VHOST_PROTOCOL_F_MQ 0
#define VHOST_PROTOCOL_F_CONFIG 9

struct vhost_head {
	uint32_t request, flags, bytes;
};

union vhost_payload {
	uint64_t number;
	struct {
		uint32_t index, value;
	} queue;
	struct {
		uint32_t index, flags;
		uint64_t table, used, avail, log; /* addresses in the emulator */
	} addresses;
	struct {
		uint32_t count, padding;
		struct {
			uint64_t gpa, bytes, address, offset;
		} pieces[MEMORY_PIECES_MAX];
	} memory;
	struct {
		uint32_t offset, bytes, flags;
		uint8_t data[VHOST_CONFIG_MAX];
	} config;
	uint8_t all[VIRTIO_USER_MESSAGE_MAX - sizeof(struct vhost_head)];
};

typedef int virtio_user_take(struct virtio_user *u, union vhost_payload *p, uint32_t bytes,
			     struct err *err);

/* virtio_user_offer.c. What they answer with is in the payload. */
virtio_user_take virtio_user_get_features, virtio_user_set_features, virtio_user_get_protocol,
	virtio_user_set_protocol, virtio_user_get_queues, virtio_user_get_config;

/* virtio_user_state.c. */
virtio_user_take virtio_user_set_memory, virtio_user_set_size, virtio_user_set_addresses,
	virtio_user_set_base, virtio_user_get_base, virtio_user_set_kick, virtio_user_set_call,
	virtio_user_set_enabled, virtio_user_stop_all;

/* Its interrupts go to the emulator from now on. */
void virtio_user_plug(struct virtio_user *u);

/* -EPROTO with words. */
int virtio_user_broken(struct err *err, const char *what);

#endif
