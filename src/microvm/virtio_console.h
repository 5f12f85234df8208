/*
 * A console: one port, whose bytes go to who has made it, and come from there. VIRTIO 1.2, 5.3. Knows nothing of
 * files or terminals.
 */
#ifndef CTR_MICROVM_VIRTIO_CONSOLE_H
#define CTR_MICROVM_VIRTIO_CONSOLE_H

#include "microvm/virtio.h"

enum { VIRTIO_CONSOLE_RX, VIRTIO_CONSOLE_TX };

/* Of one request: Linux' driver has a page of a tty's, and 32 KiB of a program's that writes to the port. */
#define VIRTIO_CONSOLE_REQUEST_MAX 65536

/* What it is connected to; both are called with the device's lock held. */
struct virtio_console_end {
	/*
	 * The guest says this: how much of it is taken. The rest is offered again when virtio_console_go_on() says so,
	 * and the guest waits for that.
	 */
	size_t (*take)(void *arg, const void *bytes, size_t len);
	/* virtio_console_put() was given more than the guest had room for, and it has some now. */
	void (*room)(void *arg);
	void *arg;
};

struct virtio_console {
	struct virtio virtio;
	struct {
		uint16_t cols, rows;
	} config; /* the driver's view, up to the last field that a feature of ours is for */
	struct virtio_console_end end;
	bool listens;      /* the guest, to what is typed */
	bool waits;        /* who put bytes found no room */
	bool has_said;     /* `said` is in hand, `taken` bytes of it are passed on */
	struct chain said; /* the guest's last request */
	size_t taken;
};

int virtio_console_init(struct virtio_console *c, const struct virtio_console_end *end,
			const struct memory *memory, struct err *err) MUST_CHECK;

/* For the other end, without the device's lock, from any thread. */

/* Give the guest what was typed: how much it has room for. */
size_t virtio_console_put(struct virtio_console *c, const void *bytes, size_t len) MUST_CHECK;

/* take() may be offered more again. Needs no lock, and takes none. */
void virtio_console_go_on(struct virtio_console *c);

/* How large the window is; 0 and 0: not known. */
void virtio_console_resize(struct virtio_console *c, uint16_t cols, uint16_t rows);

/*
 * No processor runs any more, nor the device's thread: offer what the guest had said and was not looked at yet. True:
 * take() hasn't taken all of it.
 */
bool virtio_console_finish(struct virtio_console *c) MUST_CHECK;

#endif
