/*
 * What comes to a machine's control socket, cut anywhere: each line has one answer, of one line, and it is the same
 * answers however it is cut.
 *
 * max: 8192
 * words: src/microvm/control.c
 */
#include "fuzz.h"

#include "base/str.h"
#include "microvm/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int refuse(void *arg, struct err *err)
{
	(void)arg;
	return err_set(err, ESRCH, "it is\nover");
}

static int accept_it(void *arg, struct err *err)
{
	(void)arg, (void)err;
	return 0;
}

static int balloon(void *arg, uint64_t bytes, struct err *err)
{
	(void)arg;
	return bytes > 1 << 20 ? err_set(err, EINVAL, "too much") : 0;
}

/* With no file there is a path. */
static int snapshot(void *arg, const char *path, const int files[CONTROL_FILES], struct err *err)
{
	(void)arg, (void)files;
	if (!path)
		fuzz_broken("a snapshot without a place");
	return strlen(path) % 2 ? err_set(err, EEXIST, "%s: there is one", path) : 0;
}

static void status(void *arg, struct str *out)
{
	(void)arg;
	str_add(out, "{}");
}

static const struct control_ops ops = {
	.pause = accept_it,
	.resume = refuse,
	.balloon = balloon,
	.snapshot = snapshot,
	.status = status,
};

/* All answers to the input, given in pieces of `piece` bytes. */
static void answers(const uint8_t *data, size_t size, size_t piece, struct str *ret)
{
	static struct control c;
	struct control_client *client = &c.clients[0];
	bool lives = true;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		fuzz_broken("a pair of sockets");
	control_init(&c, &ops, NULL);
	client->fd = ends[1];
	for (size_t at = 0; at < size && lives; at += piece) {
		char got[8192];
		ssize_t n;

		lives = control_take(client, (const char *)data + at,
				     size - at < piece ? size - at : piece);
		while ((n = recv(ends[0], got, sizeof(got), MSG_DONTWAIT)) > 0)
			str_add_bytes(ret, got, (size_t)n);
	}
	str_add(ret, lives ? "(lives)" : "(gone)");
	close(ends[0]);
	control_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(str) struct str whole = { 0 };
	CLEAN(str) struct str cut = { 0 };
	size_t asked = 0, said = 0;

	/* Answers wait until a piece was taken, and who has no room for them is dropped: so they are few. */
	answers(data, size, 61, &whole);
	answers(data, size, 1 + (size ? data[0] % 60 : 0), &cut);
	if (!str_eq(whole.text, cut.text))
		fuzz_broken("cut: %s\nwhole: %s", cut.text, whole.text);
	for (size_t i = 0; i < size; i++)
		asked += data[i] == '\n';
	for (size_t i = 0; i < whole.len; i++)
		said += whole.text[i] == '\n';
	if (said > asked || (said < asked && str_ends(whole.text, "(lives)")))
		fuzz_broken("%zu answers to %zu lines", said, asked);
	return 0;
}
