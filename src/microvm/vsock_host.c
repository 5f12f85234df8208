/* The host's sockets: the one that listens, and those that the guest calls. */
#include "microvm/virtio_vsock.h"

#include "microvm/given.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FIRST_PORT (1U << 30)
#define LINE_MAX_BYTES 32 /* "CONNECT 4294967295\n" */

static int address(struct sockaddr_un *ret, const char *path)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

/* One whose maker is gone is nobody's. */
static void remove_dead(const struct sockaddr_un *at)
{
	CLEAN(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd >= 0 && lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 && errno == ECONNREFUSED)
		unlink(at->sun_path);
}

static int make_socket(struct vsock *s, const char *path, struct err *err)
{
	struct sockaddr_un at;

	if (address(&at, path) < 0)
		return err_set(err, ENAMETOOLONG,
			       "--vsock %s: a socket's path has at most %zu bytes", path,
			       sizeof(at.sun_path) - 1);
	remove_dead(&at);
	s->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen < 0 || bind(s->listen, (struct sockaddr *)&at, sizeof(at)) < 0)
		return err_sys(err, "--vsock: make the socket %s", path);
	s->made = true;
	s->path = xstrdup(path);
	if (chmod(path, 0600) < 0 || listen(s->listen, 128) < 0)
		return err_sys(err, "--vsock: listen at %s", path);
	return 0;
}

int virtio_vsock_open(struct vsock *s, const struct vsock_options *opt, struct err *err)
{
	*s = (struct vsock){ .listen = opt->listen, .next_port = FIRST_PORT };
	s->ports = xcalloc(opt->port_count, sizeof(*s->ports));
	for (; s->port_count < opt->port_count; s->port_count++)
		s->ports[s->port_count] = opt->ports[s->port_count];
	if (s->listen >= 0 && fcntl(s->listen, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, "--vsock: fd %d", s->listen);
	return opt->path ? make_socket(s, opt->path, err) : 0;
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

int vsock_call_host(struct vsock *s, uint32_t port)
{
	CLEAN(free) char *path = s->path ? xasprintf("%s_%u", s->path, port) : NULL;
	CLEAN(fd) int fd = -1;
	struct sockaddr_un at;

	for (size_t i = 0; i < s->port_count; i++)
		if (s->ports[i].port == port && s->ports[i].fd >= 0) {
			return take_fd(&s->ports[i].fd);
		}
	if (!path || address(&at, path) < 0)
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
	char line[LINE_MAX_BYTES + 1];
	ssize_t n = recv(t->fd, line, LINE_MAX_BYTES, MSG_PEEK | MSG_DONTWAIT);
	uint64_t port;
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	line[n > 0 ? n : 0] = '\0';
	end = strchr(line, '\n');
	if (!end && n > 0 && n < LINE_MAX_BYTES)
		return;
	if (!end || !str_starts(line, word)) {
		vsock_drop(t);
		return;
	}
	*end = '\0';
	if (str_to_u64(line + sizeof(word) - 1, 0, UINT32_MAX, &port) < 0 ||
	    recv(t->fd, line, (size_t)(end - line) + 1, MSG_DONTWAIT) < 0) {
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
	if (fd < 0)
		return;
	pthread_mutex_lock(&s->virtio.lock);
	t = vsock_new(s, fd, VSOCK_GREETING);
	if (t)
		vsock_watch(t);
	pthread_mutex_unlock(&s->virtio.lock);
}

int virtio_vsock_listen(struct vsock *s, struct err *err)
{
	s->source = (struct io_source){ .ready = host_calls, .arg = s };
	return s->listen < 0 ? 0 : io_add(s->io, s->listen, EPOLLIN, &s->source, err);
}
