#include "microvm/input.h"

#include <errno.h>
#include <unistd.h>

#define CTRL_A 1

void input_open(struct input *in, int fd)
{
	struct termios raw;

	*in = (struct input)INPUT_NONE;
	if (fd >= 0 && tcgetattr(fd, &in->saved) == 0) {
		if (tcgetpgrp(fd) != getpgrp())
			return;
		raw = in->saved;
		cfmakeraw(&raw);
		/* The lines of others who write there begin at its left. */
		raw.c_oflag |= in->saved.c_oflag & OPOST;
		if (tcsetattr(fd, TCSANOW, &raw) == 0)
			in->terminal = fd;
	}
	in->fd = fd;
}

bool input_wanted(const struct input *in)
{
	/* Two bytes: ctrl-a, which was held back, and what follows it. */
	return in->fd >= 0 && in->count + 2 <= INPUT_BYTES;
}

static void put(struct input *in, uint8_t byte)
{
	in->bytes[(in->first + in->count++) % INPUT_BYTES] = byte;
}

/* ctrl-a x ends, ctrl-a ctrl-a is one ctrl-a, and before any other key it is just what it is. */
static bool typed(struct input *in, uint8_t byte)
{
	if (in->terminal < 0) {
		put(in, byte);
		return false;
	}
	if (!in->escape && byte == CTRL_A) {
		in->escape = true;
		return false;
	}
	if (in->escape && byte == 'x')
		return true;
	if (in->escape && byte != CTRL_A)
		put(in, CTRL_A);
	in->escape = false;
	put(in, byte);
	return false;
}

bool input_read(struct input *in)
{
	uint8_t bytes[256];
	size_t room = INPUT_BYTES - in->count - 1;
	ssize_t n;

	if (!input_wanted(in))
		return false;
	n = read(in->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n <= 0) {
		in->fd = -1;
		return false;
	}
	for (ssize_t i = 0; i < n; i++)
		if (typed(in, bytes[i]))
			return true;
	return false;
}

bool input_peek(const struct input *in, uint8_t *ret)
{
	*ret = in->bytes[in->first];
	return in->count != 0;
}

void input_drop(struct input *in)
{
	input_drop_run(in, 1);
}

size_t input_run(const struct input *in, const uint8_t **ret)
{
	*ret = in->bytes + in->first;
	return in->count < INPUT_BYTES - in->first ? in->count : INPUT_BYTES - in->first;
}

void input_drop_run(struct input *in, size_t len)
{
	in->first = (in->first + len) % INPUT_BYTES;
	in->count -= len;
}

void input_close(struct input *in)
{
	if (in->terminal >= 0)
		(void)tcsetattr(in->terminal, TCSANOW, &in->saved);
	*in = (struct input)INPUT_NONE;
}
