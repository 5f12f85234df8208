/* The host's sockets: the one that listens, and those that the guest calls. */
#include "microvm/virtio_vsock.h"

#include "microvm/given.h"
#include "microvm/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FIRST_PORT (1U << 30)
#define FDS_OF_OTHERS 256

int vsock_parse(const char *text, struct vsock_options *opt, char **ret_path, struct err *err)
{
	const char *comma = strchr(text, ','), *word = comma ? comma + 1 : "cid=3";
	uint64_t cid = 0;

	*ret_path = xstrndup(text, comma ? (size_t)(comma - text) : strlen(text));
	if (!**ret_path)
		return err_set(err, EINVAL, "--vsock %s: where? PATH[,cid=N]", text);
	/* 0 to 2 are the hypervisor, the guest itself and the host; the last one is anybody. */
	if (!str_starts(word, "cid=") ||
	    str_to_u64(word + strlen("cid="), VSOCK_CID, UINT32_MAX - 1, &cid) < 0)
		return err_set(err, EINVAL,
			       "--vsock %s: \"%s\" is not cid=N, the guest's address, of 3 to "
			       "4294967294; a path has no comma here",
			       text, word);
	opt->cid = (uint32_t)cid;
	opt->listen = given_number(*ret_path);
	opt->path = opt->listen < 0 ? *ret_path : NULL;
	return 0;
}

/* As many streams as there may be, also where a shell allows 1 024 files. */
static void want_fds(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
	    files.rlim_cur >= VSOCK_STREAMS_MAX + FDS_OF_OTHERS)
		return;
	files.rlim_cur = VSOCK_STREAMS_MAX + FDS_OF_OTHERS;
	if (files.rlim_cur > files.rlim_max)
		files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

int virtio_vsock_open(struct vsock *s, const struct vsock_options *opt, struct err *err)
{
	*s = (struct vsock){ .listen = opt->listen, .next_port = FIRST_PORT };
	s->config.guest_cid = opt->cid ? opt->cid : VSOCK_CID;
	want_fds();
	s->ports = xcalloc(opt->port_count, sizeof(*s->ports));
	for (; s->port_count < opt->port_count; s->port_count++)
		s->ports[s->port_count] = opt->ports[s->port_count];
	if (s->listen >= 0 && fcntl(s->listen, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "--vsock: fd %d", s->listen);
	if (!opt->path)
		return 0;
	s->listen = listen_at("--vsock", opt->path, err);
	if (s->listen < 0)
		return s->listen;
	s->made = true;
	s->path = xstrdup(opt->path);
	return 0;
}

static bool may_ask(const struct vsock *s)
{
	for (size_t i = 0; i < s->port_count; i++)
		if (s->ports[i].fd >= 0)
			return false;
	return true;
}

void vsock_ask_waiting(struct vsock *s)
{
	for (unsigned int i = 0; may_ask(s) && i < VSOCK_STREAMS_MAX; i++)
		if (s->streams[i].state == VSOCK_ASKED && !s->streams[i].asked)
			vsock_say(&s->streams[i], SAY_REQUEST);
}

int vsock_call_host(struct vsock *s, uint32_t port, const struct vsock_port **ret_given)
{
	CLEAN(free) char *path = s->path ? xasprintf("%s_%u", s->path, port) : NULL;
	CLEAN(fd) int fd = -1;
	struct sockaddr_un at;

	*ret_given = NULL;
	for (size_t i = 0; i < s->port_count; i++)
		if (s->ports[i].port == port && s->ports[i].fd >= 0) {
			*ret_given = &s->ports[i];
			return take_fd(&s->ports[i].fd);
		}
	if (!path || listen_address(&at, path) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	return take_fd(&fd);
}

/* ---- the host calls ------------------------------------------------------------------------- */

void vsock_greet(struct vsock_stream *t)
{
	static const char word[] = "CONNECT ";
	char *next = t->line;
	ssize_t n = 1;
	uint64_t port;

	/* By single bytes: what is behind the line is the guest's. What is left there would wake us again. */
	while (t->line_len < VSOCK_LINE_MAX) {
		next = t->line + t->line_len;
		n = recv(t->fd, next, 1, MSG_DONTWAIT);
		if (n <= 0 || *next == '\n')
			break;
		t->line_len++;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || *next != '\n') {
		vsock_drop(t);
		return;
	}
	*next = '\0';
	if (!str_starts(t->line, word) ||
	    str_to_u64(t->line + sizeof(word) - 1, 0, UINT32_MAX, &port) < 0) {
		vsock_drop(t);
		return;
	}
	t->state = VSOCK_ASKED;
	t->guest_port = (uint32_t)port;
	t->host_port = t->vsock->next_port++;
	vsock_ask_waiting(t->vsock);
}

static void host_calls(void *arg, uint32_t events)
{
	struct vsock *s = arg;
	int fd = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct vsock_stream *t;

	(void)events;
	pthread_mutex_lock(&s->virtio.lock);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		/* It stays ready: without rest, and in vain. */
		io_remove(s->io, s->listen);
		s->deaf = true;
	}
	t = fd < 0 ? NULL : vsock_new(s, fd, VSOCK_GREETING);
	if (t)
		vsock_watch(t);
	pthread_mutex_unlock(&s->virtio.lock);
}

void vsock_hear(struct vsock *s)
{
	struct err ignored;

	s->deaf = s->deaf && io_add(s->io, s->listen, EPOLLIN, &s->source, &ignored) < 0;
}

int virtio_vsock_listen(struct vsock *s, struct err *err)
{
	s->source = (struct io_source){ .ready = host_calls, .arg = s };
	return s->listen < 0 ? 0 : io_add(s->io, s->listen, EPOLLIN, &s->source, err);
}
