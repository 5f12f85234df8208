#include "microvm/console.h"

#include "base/fd.h"

#include <string.h>

void console_put(struct console *c, uint8_t byte)
{
	int rc;

	c->kept[c->total++ % CONSOLE_KEPT_BYTES] = (char)byte;
	if (c->closed)
		return;
	rc = fd_write_all(c->fd, &byte, 1);
	if (rc < 0) {
		c->closed = true;
		c->error = -rc;
	}
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

void console_tail(const struct console *c, unsigned int max, struct str *out)
{
	CLEAN(free) char *text = kept_text(c);
	CLEAN(strv) struct strv lines = { 0 };
	size_t end;

	strv_split(&lines, text, '\n');
	end = lines.count;
	while (end && !lines.items[end - 1][strspn(lines.items[end - 1], "\r ")])
		end--;
	for (size_t i = end > max ? end - max : 0; i < end; i++) {
		char *line = lines.items[i];

		line[strcspn(line, "\r")] = '\0';
		str_add(out, "| ");
		str_add_shown(out, line, false);
		str_add(out, "\n");
	}
}

bool console_panicked(const struct console *c)
{
	CLEAN(free) char *text = kept_text(c);

	return strstr(text, "Kernel panic - not syncing") != NULL;
}
