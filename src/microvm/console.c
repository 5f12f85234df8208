#include "microvm/console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PANIC "Kernel panic - not syncing"

void console_flush(struct console *c)
{
	if (c->fd < 0)
		c->written = c->total;
	if (c->total - c->written > CONSOLE_KEPT_BYTES)
		c->written = c->total - CONSOLE_KEPT_BYTES;
	while (!c->closed && c->written < c->total) {
		size_t at = c->written % CONSOLE_KEPT_BYTES, len = c->total - c->written;
		ssize_t n;

		if (len > CONSOLE_KEPT_BYTES - at)
			len = CONSOLE_KEPT_BYTES - at;
		n = write(c->fd, c->kept + at, len);
		if (n >= 0) {
			c->written += (uint64_t)n;
		} else if (errno == EAGAIN) {
			/* It is somebody else's as well, who made it so. */
			struct pollfd fd = { .fd = c->fd, .events = POLLOUT };

			if (poll(&fd, 1, -1) < 0)
				return;
		} else if (errno == EINTR) {
			return;
		} else {
			c->closed = true;
			c->error = errno;
		}
	}
}

size_t console_room(const struct console *c)
{
	if (c->fd < 0 || c->closed)
		return CONSOLE_KEPT_BYTES;
	return CONSOLE_KEPT_BYTES - (size_t)(c->total - c->written);
}

void console_keep(struct console *c, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		c->kept[c->total++ % CONSOLE_KEPT_BYTES] = ((const char *)bytes)[i];
	if (c->fd < 0)
		c->written = c->total;
}

void console_put(struct console *c, uint8_t byte)
{
	console_keep(c, &byte, 1);
	console_flush(c);
}

/* What is kept, in order, as a text: a guest's zero bytes become spaces. The caller's. */
static char *kept_text(const struct console *c)
{
	size_t len = c->total < CONSOLE_KEPT_BYTES ? (size_t)c->total : CONSOLE_KEPT_BYTES;
	char *text = xcalloc(len + 1, 1);

	for (size_t i = 0; i < len; i++) {
		char byte = c->kept[(c->total - len + i) % CONSOLE_KEPT_BYTES];

		text[i] = byte ? byte : ' ';
	}
	return text;
}

static void add_line(struct str *out, char *line)
{
	line[strcspn(line, "\r")] = '\0';
	str_add(out, "| ");
	str_add_shown(out, line, false);
	str_add(out, "\n");
}

void console_tail(const struct console *c, unsigned int max, struct str *out)
{
	CLEAN(free) char *text = kept_text(c);
	CLEAN(strv) struct strv lines = { 0 };
	size_t end, begin, why;

	strv_split(&lines, text, '\n');
	end = lines.count;
	while (end && !lines.items[end - 1][strspn(lines.items[end - 1], "\r ")])
		end--;
	begin = end > max ? end - max : 0;
	for (why = 0; why < begin && !strstr(lines.items[why], PANIC); why++)
		;
	/* A trace that is long pushes what it is the trace of out of the last lines. */
	if (why < begin) {
		add_line(out, lines.items[why]);
		if (why + 1 < begin)
			str_add(out, "| ...\n");
	}
	for (size_t i = begin; i < end; i++)
		add_line(out, lines.items[i]);
}

bool console_panicked(const struct console *c)
{
	CLEAN(free) char *text = kept_text(c);

	return strstr(text, PANIC) != NULL;
}
