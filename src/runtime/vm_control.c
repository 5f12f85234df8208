#include "runtime/vm_control.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX 4096
#define ANSWER_S 10    /* for one: a launcher that is frozen says nothing */
#define STALL_MS 10000 /* a guest that has given nothing more for so long has no more */
#define LOOK_NS 50000000L

/* `files`: two fds that go with it, or NULL. */
static int call(int dir, const char *request, const int *files, int seconds, char ret[ANSWER_MAX],
		struct err *err)
{
	const struct timeval patience = { .tv_sec = seconds };
	CLEAN(fd) int fd = fd_connect_at(dir, VM_CONTROL_SOCKET, SOCK_STREAM);
	CLEAN(free) char *line = xasprintf("%s\n", request);
	size_t len = 0;
	ssize_t n = 1;
	int rc;

	if (fd < 0)
		return err_sys(err, "call the micro-VM's launcher");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return err_sys(err, "SO_RCVTIMEO");
	rc = fd_send(fd, line, strlen(line), files, files ? 2 : 0);
	if (rc < 0)
		return err_set(err, -rc, "ask the micro-VM's launcher to %s: %s", request,
			       strerror(-rc));
	while (n > 0 && len < ANSWER_MAX - 1 && (len == 0 || ret[len - 1] != '\n')) {
		n = recv(fd, ret + len, ANSWER_MAX - 1 - len, 0);
		if (n > 0)
			len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	if (n < 0)
		return err_set(err, errno == EAGAIN ? ETIMEDOUT : errno,
			       "%s: the micro-VM's launcher doesn't answer: %s", request,
			       errno == EAGAIN ? "is it frozen?" : strerror(errno));
	if (!len || ret[len - 1] != '\n')
		return err_set(err, ECONNRESET, "%s: the micro-VM's launcher is gone", request);
	ret[len - 1] = '\0';
	if (str_eq(ret, "ok") || str_starts(ret, "ok "))
		return 0;
	return err_set(err, EIO, "the micro-VM's launcher: %s",
		       str_starts(ret, "error ") ? ret + strlen("error ") : ret);
}

int vm_control(int dir, const char *request, struct err *err)
{
	char answer[ANSWER_MAX];

	return call(dir, request, NULL, ANSWER_S, answer, err);
}

int vm_control_files(int dir, const char *request, const int files[2], int seconds, struct err *err)
{
	char answer[ANSWER_MAX];

	return call(dir, request, files, seconds, answer, err);
}

/* ---- its balloon ------------------------------------------------------------------------------- */

struct guest_memory {
	uint64_t memory, wanted, actual;
};

static int status(int dir, struct guest_memory *ret, struct err *err)
{
	char answer[ANSWER_MAX];
	CLEAN(json) struct json_object *o = NULL;
	struct json_object *balloon = NULL;
	int rc = call(dir, "status", NULL, ANSWER_S, answer, err);

	if (rc < 0)
		return rc;
	rc = json_parse(answer + strlen("ok"), strlen(answer) - strlen("ok"),
			"the launcher's status", &o, err);
	if (rc < 0)
		return rc;
	if (!json_object_object_get_ex(o, "balloon", &balloon))
		return err_set(err, ENODEV, "the micro-VM has no balloon");
	ret->memory = json_object_get_uint64(json_object_object_get(o, "memory"));
	ret->wanted = json_object_get_uint64(json_object_object_get(balloon, "wanted"));
	ret->actual = json_object_get_uint64(json_object_object_get(balloon, "actual"));
	return 0;
}

int vm_balloon_plan(int dir, int64_t limit, struct vm_balloon *ret, struct err *err)
{
	struct guest_memory now = { 0 };
	uint64_t room = 0;
	int rc = status(dir, &now, err);

	if (rc < 0)
		return rc;
	ret->before = now.wanted;
	ret->wanted = 0;
	if (limit <= 0)
		return 0;
	if ((uint64_t)limit > VM_LAUNCHER_BYTES)
		room = (uint64_t)limit - VM_LAUNCHER_BYTES;
	if (room < VM_MEMORY_MIN)
		return err_set(
			err, EINVAL,
			"linux.resources.memory.limit: a micro-VM's guest has at least %llu MiB, "
			"and its launcher %llu more",
			VM_MEMORY_MIN >> 20, VM_LAUNCHER_BYTES >> 20);
	if (room < now.memory)
		ret->wanted = now.memory - room;
	return 0;
}

int vm_balloon_set(int dir, uint64_t bytes, struct err *err)
{
	CLEAN(free) char *request = xasprintf("balloon %llu", (unsigned long long)bytes);

	return vm_control(dir, request, err);
}

int vm_balloon_grow(int dir, const struct vm_balloon *b, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t end = clock_now_ns() + STALL_MS * 1000000ULL, most = 0;
	struct guest_memory now = { 0 };
	struct err ignored;
	int rc = vm_balloon_set(dir, b->wanted, err);

	while (rc == 0) {
		rc = status(dir, &now, err);
		/* Pages are what it counts in. */
		if (rc == 0 && now.actual + 4096 > b->wanted)
			return 0;
		if (now.actual > most) {
			most = now.actual;
			end = clock_now_ns() + STALL_MS * 1000000ULL;
		}
		if (rc == 0 && clock_now_ns() > end)
			rc = err_set(
				err, ETIMEDOUT,
				"the micro-VM's guest has given back %llu MiB of its memory, not "
				"%llu: it needs the rest, or has no driver for it (virtio_balloon)",
				(unsigned long long)now.actual >> 20,
				(unsigned long long)b->wanted >> 20);
		nanosleep(&pause, NULL);
	}
	(void)!vm_balloon_set(dir, b->before, &ignored);
	return rc;
}
