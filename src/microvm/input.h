/*
 * What is typed for a guest: a terminal is raw meanwhile, and ctrl-a x ends the machine, as with QEMU and
 * kvmtool. Anything else that standard input can be is passed on as it is.
 */
#ifndef CTR_MICROVM_INPUT_H
#define CTR_MICROVM_INPUT_H

#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#define INPUT_BYTES 4096

struct input {
	int fd;               /* borrowed; -1: nothing more comes */
	int terminal;         /* the same fd, to be put back as `saved` has it; -1 */
	struct termios saved; /* as it was */
	bool escape;          /* ctrl-a was typed, and what follows is not known yet */
	uint8_t bytes[INPUT_BYTES];
	size_t first, count; /* those that wait for the guest: a ring */
};

#define INPUT_NONE                       \
	{                                \
		.fd = -1, .terminal = -1 \
	}

/* A terminal of which we are not in the foreground stays as it is, and isn't read. -1: no input. */
void input_open(struct input *in, int fd);

/* Is there room to read more? */
bool input_wanted(const struct input *in);

/* Read what there is. True: the machine is to end. */
bool input_read(struct input *in) MUST_CHECK;

/* The next byte for the guest (false: there is none), and that it has it. */
bool input_peek(const struct input *in, uint8_t *ret) MUST_CHECK;
void input_drop(struct input *in);

/* The same for as many as lie in one piece, at *ret; 0: there is none. */
size_t input_run(const struct input *in, const uint8_t **ret) MUST_CHECK;
void input_drop_run(struct input *in, size_t len);

/* The terminal is as it was. */
void input_close(struct input *in);
CLEAN_DEFINE(input, struct input, input_close)

#endif
