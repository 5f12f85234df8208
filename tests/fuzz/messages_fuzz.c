/*
 * What our programs tell each other: the report of a child of a container's, the request that ctr-net
 * gets, and its answer; the request that ctr-archive gets, and the name of an entry of an archive. The
 * first byte says which, the second how many fds come along.
 *
 * max: 8192
 */
#include "fuzz.h"

#include "archive/archive.h"
#include "base/fd.h"
#include "netns/devices.h"
#include "runtime/report.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROWS 30

static void report(const void *data, size_t size, size_t fds)
{
	int none[FD_PASS_MAX] = { 0 }, pair[2], fd = -1, rc;
	struct report r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    fd_send(pair[0], data, size, none, fds) < 0)
		fuzz_broken("send a message");
	rc = report_receive(pair[1], ROWS, &r, fds & 1 ? &fd : NULL);
	if (rc == 1 && r.kind == REPORT_FAILED &&
	    (r.stage < 0 || r.stage >= ROWS || strnlen(r.err.text, ERR_TEXT_MAX) == ERR_TEXT_MAX))
		fuzz_broken("a report of stage %d", r.stage);
	if (rc == 1 && (r.gate >= GATES || r.kind >= REPORT_KINDS))
		fuzz_broken("a report of kind %d, gate %d", r.kind, r.gate);
	clean_fd(&fd);
	close(pair[0]);
	close(pair[1]);
}

static void devices(const struct net_devices *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (strnlen(d->items[i].name, IFNAMSIZ) == IFNAMSIZ ||
		    strchr(d->items[i].name, '/') || d->items[i].index < 0)
			fuzz_broken("interface %u", i);
}

static void request(const void *data, size_t size)
{
	struct net_request r = { .magic = NET_MAGIC, .version = NET_VERSION };
	size_t room = sizeof(r) - offsetof(struct net_request, job);

	memcpy(&r.job, data, size < room ? size : room);
	if (net_request_ok(&r))
		devices(&r.devices);
}

/* To a question that asks for the very names. */
static void answer(const void *data, size_t size)
{
	struct net_answer a = { .magic = NET_MAGIC, .version = NET_VERSION };
	struct net_devices asked;
	struct err err = { 0 };
	int rc;

	/* The code, the words, then the interfaces. */
	memcpy(&a.err, data, size < 16 ? size : 16);
	if (size > 16)
		memcpy(&a.devices, (const char *)data + 16,
		       size - 16 < sizeof(a.devices) ? size - 16 : sizeof(a.devices));
	a.devices.count %= NET_DEVICES_MAX + 1;
	asked = a.devices;
	rc = net_answer_check(&a, &asked, &err);
	if (rc == 0)
		devices(&a.devices);
	else if (err.code != -rc)
		fuzz_broken("returns %d, but the error says %d", rc, err.code);
}

static void archive_request(const void *data, size_t size, size_t fds)
{
	struct archive_request r = { .magic = ARCHIVE_MAGIC, .version = ARCHIVE_VERSION };
	size_t room = sizeof(r) - offsetof(struct archive_request, kind);

	memcpy(&r.kind, data, size < room ? size : room);
	if (archive_request_ok(&r, fds) &&
	    (strnlen(r.path, sizeof(r.path)) == sizeof(r.path) || fds < 2 || fds > ARCHIVE_FDS))
		fuzz_broken("a request with %zu fds", fds);
}

/* No place begins with a slash, or has a part that is empty, "." or "..". */
static void archive_place(const void *data, size_t size, size_t how)
{
	static const char *const tops[] = { NULL, "", "top" };
	CLEAN(free) char *path = xstrndup(data, size), *place = NULL;
	CLEAN(strv) struct strv parts = { 0 };

	if (archive_entry_place(path, tops[how % ARRAY_LEN(tops)], &place) < 0 || !*place)
		return;
	strv_split(&parts, place, '/');
	for (size_t i = 0; i < parts.count; i++)
		if (!*parts.items[i] || str_eq(parts.items[i], ".") || str_eq(parts.items[i], ".."))
			fuzz_broken("\"%s\" goes to \"%s\"", path, place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3)
		return 0;
	switch (data[0] % 5) {
	case 0:
		report(data + 2, size - 2, data[1] % (FD_PASS_MAX + 1));
		break;
	case 1:
		request(data + 2, size - 2);
		break;
	case 2:
		answer(data + 2, size - 2);
		break;
	case 3:
		archive_request(data + 2, size - 2, data[1]);
		break;
	default:
		archive_place(data + 2, size - 2, data[1]);
	}
	return 0;
}
