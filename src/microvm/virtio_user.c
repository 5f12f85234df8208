/* Messages: whole ones, with the fds that come along, checked against a table. */
#include "microvm/virtio_user_parts.h"

#include "base/fd.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD sizeof(struct vhost_head)
#define VERSION 1U
#define VERSION_MASK 3U
#define REPLY (1U << 2)

/* What isn't here is not understood, and an emulator that was told of our features says none of it. */
static const struct {
	enum vhost_request number;
	uint32_t bytes; /* of its payload, at least; `more` says whether there may be more */
	bool more, reply;
	unsigned int fds_max;
	int (*take)(struct virtio_user *u, union vhost_payload *p, uint32_t bytes, struct err *err);
} requests[] = {
	{ VHOST_GET_FEATURES, 0, false, true, 0, virtio_user_get_features },
	{ VHOST_SET_FEATURES, 8, false, false, 0, virtio_user_set_features },
	{ VHOST_SET_OWNER, 0, false, false, 0, NULL },
	{ VHOST_RESET_OWNER, 0, false, false, 0, virtio_user_stop_all },
	{ VHOST_SET_MEM_TABLE, 8, true, false, VIRTIO_USER_FDS_MAX, virtio_user_set_memory },
	{ VHOST_SET_VRING_NUM, 8, false, false, 0, virtio_user_set_size },
	{ VHOST_SET_VRING_ADDR, 40, false, false, 0, virtio_user_set_addresses },
	{ VHOST_SET_VRING_BASE, 8, false, false, 0, virtio_user_set_base },
	{ VHOST_GET_VRING_BASE, 8, false, true, 0, virtio_user_get_base },
	{ VHOST_SET_VRING_KICK, 8, false, false, 1, virtio_user_set_kick },
	{ VHOST_SET_VRING_CALL, 8, false, false, 1, virtio_user_set_call },
	{ VHOST_SET_VRING_ERR, 8, false, false, 1, NULL },
	{ VHOST_GET_PROTOCOL_FEATURES, 0, false, true, 0, virtio_user_get_protocol },
	{ VHOST_SET_PROTOCOL_FEATURES, 8, false, false, 0, virtio_user_set_protocol },
	{ VHOST_GET_QUEUE_NUM, 0, false, true, 0, virtio_user_get_queues },
	{ VHOST_SET_VRING_ENABLE, 8, false, false, 0, virtio_user_set_enabled },
	{ VHOST_GET_CONFIG, 12, true, true, 0, virtio_user_get_config },
};

int virtio_user_broken(struct err *err, const char *what)
{
	return err_set(err, EPROTO, "what the emulator says of a device can't be (vhost-user): %s",
		       what);
}

static int reply(struct virtio_user *u, uint32_t request, const void *payload, uint32_t bytes,
		 struct err *err)
{
	uint8_t data[VIRTIO_USER_MESSAGE_MAX];
	struct vhost_head head = { .request = request, .flags = VERSION | REPLY, .bytes = bytes };

	memcpy(data, &head, HEAD);
	memcpy(data + HEAD, payload, bytes);
	/* It waits for this one only: there is room, or it is up to something. */
	if (send(u->socket, data, HEAD + bytes, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)(HEAD + bytes))
		return virtio_user_broken(err, "it takes no answer");
	return 0;
}

static void drop_fds(struct virtio_user *u)
{
	for (size_t i = 0; i < u->fd_count; i++)
		drop_fd(&u->fds[i]);
	u->fd_count = 0;
}

static int take(struct virtio_user *u, const struct vhost_head *head, struct err *err)
{
	union vhost_payload p = { 0 };
	uint32_t bytes = head->bytes;
	int rc = 0;

	memcpy(&p, u->in + HEAD, bytes);
	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (requests[i].number != head->request)
			continue;
		if (bytes < requests[i].bytes || (bytes > requests[i].bytes && !requests[i].more))
			return virtio_user_broken(err, "a message is too short, or too long");
		if (u->fd_count > requests[i].fds_max)
			return virtio_user_broken(err, "a message brings fds that aren't its own");
		if (requests[i].take)
			rc = requests[i].take(u, &p, bytes, err);
		if (requests[i].reply && bytes < 8)
			bytes = 8;
		return rc < 0 || !requests[i].reply ? rc : reply(u, head->request, &p, bytes, err);
	}
	return err_set(err, EPROTO,
		       "the emulator says a word of vhost-user that we don't have (%u)",
		       head->request);
}

/* Bytes up to `len` in all: 1; 0: not yet; -errno. The fds of a message come with its first byte. */
static int read_up_to(struct virtio_user *u, size_t len, struct err *err)
{
	while (u->in_len < len) {
		size_t count = ARRAY_LEN(u->fds) - u->fd_count;
		ssize_t n = fd_recv(u->socket, u->in + u->in_len, len - u->in_len,
				    u->fds + u->fd_count, &count);

		if (n == -EAGAIN)
			return 0;
		if (n == 0 || n == -ECONNRESET)
			return -EPIPE;
		if (n < 0)
			return virtio_user_broken(err, strerror((int)-n));
		u->fd_count += count;
		u->in_len += (size_t)n;
	}
	return 1;
}

int virtio_user_serve(struct virtio_user *u, struct err *err)
{
	struct vhost_head head;
	int rc;

	for (;;) {
		rc = read_up_to(u, HEAD, err);
		if (rc < 1)
			break;
		memcpy(&head, u->in, HEAD);
		if ((head.flags & VERSION_MASK) != VERSION || head.bytes > sizeof(u->in) - HEAD)
			return virtio_user_broken(err,
						  "a message is of another version, or too long");
		rc = read_up_to(u, HEAD + head.bytes, err);
		if (rc < 1)
			break;
		u->in_len = 0;
		rc = take(u, &head, err);
		drop_fds(u);
		if (rc < 0)
			break;
	}
	return rc == -EPIPE ? 1 : rc;
}

void virtio_user_init(struct virtio_user *u, struct virtio *device, unsigned int queues,
		      struct io *io, int socket, int wake)
{
	*u = (struct virtio_user){ .device = device,
				   .memory = MEMORY_NONE,
				   .io = io,
				   .socket = socket,
				   .wake = wake,
				   .queues = queues };
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		u->queue[i] = (struct virtio_user_queue){ .user = u, .kick = -1, .call = -1 };
	(void)fcntl(socket, F_SETFL, O_NONBLOCK);
	virtio_user_plug(u);
}

void virtio_user_free(struct virtio_user *u)
{
	drop_fds(u);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		drop_fd(&u->queue[i].kick);
		drop_fd(&u->queue[i].call);
	}
	drop_fd(&u->socket);
	memory_free(&u->memory);
}
