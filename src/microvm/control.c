#include "microvm/control.h"

#include "base/fd.h"
#include "microvm/given.h"
#include "microvm/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* ---- requests ----------------------------------------------------------------------------------- */

/* What is asked, without the word. */
struct asked {
	struct control *control;
	const char *rest; /* NULL: nothing */
	const int *files;
	struct str *out; /* behind "ok " */
};

static int do_pause(const struct asked *a, struct err *err)
{
	return a->control->ops->pause(a->control->arg, err);
}

static int do_resume(const struct asked *a, struct err *err)
{
	return a->control->ops->resume(a->control->arg, err);
}

static int do_balloon(const struct asked *a, struct err *err)
{
	uint64_t bytes;

	if (str_to_bytes(a->rest, &bytes) < 0)
		return err_set(err, EINVAL, "balloon %s: not a size; 0 and 128m are", a->rest);
	return a->control->ops->balloon(a->control->arg, bytes, err);
}

static int do_snapshot(const struct asked *a, struct err *err)
{
	bool has_files = a->files[0] >= 0 && a->files[1] >= 0;

	if (has_files == (a->rest != NULL))
		return err_set(err, EINVAL,
			       "snapshot PATH, or snapshot and two files with it, for state and "
			       "memory");
	return a->control->ops->snapshot(a->control->arg, a->rest, a->files, err);
}

static int do_status(const struct asked *a, struct err *err)
{
	(void)err;
	a->control->ops->status(a->control->arg, a->out);
	return 0;
}

static const struct {
	const char *word, *takes; /* NULL: nothing follows; "": it may */
	int (*run)(const struct asked *a, struct err *err);
} requests[] = {
	{ "pause", NULL, do_pause },       { "resume", NULL, do_resume },
	{ "balloon", "SIZE", do_balloon }, { "snapshot", "", do_snapshot },
	{ "status", NULL, do_status },
};

static int run(const struct control_client *client, const char *line, struct str *out,
	       struct err *err)
{
	size_t len = strcspn(line, " ");
	struct asked a = { .control = client->control,
			   .rest = line[len] ? line + len + 1 : NULL,
			   .files = client->files,
			   .out = out };

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		if (strncmp(requests[i].word, line, len) != 0 || requests[i].word[len])
			continue;
		if (requests[i].takes && *requests[i].takes && !a.rest)
			return err_set(err, EINVAL, "%s %s", requests[i].word, requests[i].takes);
		if (!requests[i].takes && a.rest)
			return err_set(err, EINVAL, "%s: nothing follows it", requests[i].word);
		return requests[i].run(&a, err);
	}
	return err_set(err, EINVAL, "no such request: \"%s\"", line);
}

static void files_drop(struct control_client *client)
{
	for (size_t i = 0; i < CONTROL_FILES; i++)
		drop_fd(&client->files[i]);
}

/* An answer is short: who has no room for it has not read those before. */
static bool answer(struct control_client *client, const char *line)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(str) struct str text = { 0 };
	struct err err = { 0 };
	int rc = run(client, line, &out, &err);

	files_drop(client);
	str_add(&text, rc < 0 ? "error " : out.len ? "ok " : "ok");
	/* Whatever is in it, it is one line. */
	str_add_shown(&text, rc < 0 ? err.text : out.len ? out.text : "", false);
	str_add(&text, "\n");
	return send(client->fd, text.text, text.len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)text.len;
}

bool control_take(struct control_client *client, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool end = bytes[i] == '\n';

		if (client->len == sizeof(client->line))
			return false;
		client->line[client->len++] = end ? '\0' : bytes[i];
		if (!end)
			continue;
		client->len = 0;
		if (!answer(client, client->line))
			return false;
	}
	return true;
}

/* ---- clients -------------------------------------------------------------------------------------- */

static void client_drop(struct control_client *client)
{
	if (client->fd >= 0)
		io_remove(&client->control->io, client->fd);
	drop_fd(&client->fd);
	files_drop(client);
	client->len = 0;
}

static void client_ready(void *arg, uint32_t events)
{
	struct control_client *client = arg;
	char bytes[512];
	int files[CONTROL_FILES];
	size_t count = CONTROL_FILES;
	ssize_t n = fd_recv(client->fd, bytes, sizeof(bytes), files, &count);

	(void)events;
	if (n == -EAGAIN)
		return;
	for (size_t i = 0; n >= 0 && i < count; i++) {
		drop_fd(&client->files[i]);
		client->files[i] = files[i];
	}
	if (n <= 0 || !control_take(client, bytes, (size_t)n))
		client_drop(client);
}

static void somebody_comes(void *arg, uint32_t events)
{
	struct control *c = arg;
	CLEAN(fd) int fd = accept4(c->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct err ignored;

	(void)events;
	for (size_t i = 0; fd >= 0 && i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &c->clients[i];

		if (client->fd >= 0)
			continue;
		if (io_add(&c->io, fd, EPOLLIN, &client->source, &ignored) == 0)
			client->fd = take_fd(&fd);
		return;
	}
}

/* ---- from its making to its end ---------------------------------------------------------------------- */

void control_init(struct control *c, const struct control_ops *ops, void *arg)
{
	*c = (struct control){ .ops = ops, .arg = arg, .listen = -1, .io = IO_NONE };
	c->source = (struct io_source){ .ready = somebody_comes, .arg = c };
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		c->clients[i].control = c;
		c->clients[i].fd = -1;
		c->clients[i].files[0] = c->clients[i].files[1] = -1;
		c->clients[i].source =
			(struct io_source){ .ready = client_ready, .arg = &c->clients[i] };
	}
}

int control_open(struct control *c, const char *path, struct err *err)
{
	int number = given_number(path);

	if (number >= 0) {
		c->listen = number;
		if (fcntl(number, F_SETFL, O_NONBLOCK) < 0)
			return err_sys(err, "--control: fd %d", number);
		return 0;
	}
	c->listen = listen_at("--control", path, err);
	if (c->listen < 0)
		return c->listen;
	c->path = xstrdup(path);
	return 0;
}

int control_start(struct control *c, enum jail_thread jail, struct err *err)
{
	int rc = io_make(&c->io, err);

	c->io.jail = jail;
	return rc < 0 ? rc : io_start(&c->io, err);
}

int control_listen(struct control *c, struct err *err)
{
	return io_add(&c->io, c->listen, EPOLLIN, &c->source, err);
}

void control_free(struct control *c)
{
	io_free(&c->io);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		files_drop(&c->clients[i]);
		drop_fd(&c->clients[i].fd);
	}
	drop_fd(&c->listen);
	if (c->path)
		unlink(c->path);
	free(c->path);
	c->path = NULL;
}
