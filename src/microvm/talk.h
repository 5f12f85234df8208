/*
 * What a guest says and what is typed for it: its console, whichever device that is, and our streams. What it said last
 * is kept for when it dies.
 */
#ifndef CTR_MICROVM_TALK_H
#define CTR_MICROVM_TALK_H

#include "microvm/console.h"
#include "microvm/console_writer.h"
#include "microvm/input.h"
#include "microvm/ports.h"
#include "microvm/virtio_console.h"

#include <stdbool.h>

enum talk_kind { TALK_SERIAL, TALK_VIRTIO, TALK_NONE };

/* Of --console. */
int talk_parse(const char *text, enum talk_kind *ret, struct err *err) MUST_CHECK;

/* What the guest's kernel is told of it. */
const char *talk_words(enum talk_kind kind) MUST_CHECK;

struct talk {
	enum talk_kind kind;
	struct console console;
	struct input input;
	/* All borrowed: where the serial port is, and what ends the machine; the device; KVM's fd; an eventfd. */
	struct ports *ports;
	struct virtio_console *device;
	const int *vm;
	int wake; /* talk_feed() would do something again, or nobody reads any more */
	struct console_writer writer;
};

#define TALK_INIT                                     \
	{                                             \
		.console.fd = -1, .input = INPUT_NONE \
	}

/* Connect the serial port, and say what the device is to be connected to. The borrowed ones are set. */
struct virtio_console_end talk_connect(struct talk *t);

/* The guest is about to begin; `in` is -1 or what is typed. */
int talk_begin(struct talk *t, int in, struct err *err) MUST_CHECK;

/*
 * Give the guest what was typed, as far as it takes it. A processor that holds the lock may wait for the
 * console's reader, and signals must be heard meanwhile: so no waiting here. True: try it again soon.
 */
bool talk_feed(struct talk *t) MUST_CHECK;

/* The terminal has another size. */
void talk_resized(struct talk *t);

/* No processor runs any more. The terminal is as it was; what waits for its reader is still there. */
void talk_end(struct talk *t);

/* Has its reader gone away, as a pipe's does? */
bool talk_unheard(const struct talk *t) MUST_CHECK;

/* Then: until all that the guest has said is written. No thread serves the device any more. */
void talk_finish(struct talk *t);

#endif
