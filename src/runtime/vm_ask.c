#include "runtime/vm_ask.h"

#include "base/clock.h"
#include "base/fd.h"
#include "runtime/vm.h"
#include "runtime/vm_answer.h"
#include "wire/call.h"
#include "wire/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define USAGE_MS 1000 /* of `stats`, for each container */
#define PROCS_MS 10000

/* Sent at once or not at all, into a socket that has nothing yet; and its reader may be gone. */
static int say(int fd, const void *bytes, size_t len)
{
	ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

/* ---- what it says ----------------------------------------------------------------------- */

struct answer {
	bool greeted;
	struct str bytes;
};

/* 1: that was all. */
static int frame_came(struct answer *a, const struct wire_frame *f, struct err *err)
{
	if (!a->greeted) {
		a->greeted = true;
		return wire_check_hello(f, err);
	}
	if (f->type == WIRE_FAILED)
		return err_set(err, EAGAIN, "%.*s", f->len > 8 ? (int)f->len - 8 : 0,
			       (const char *)f->data + 8);
	if (f->type != WIRE_ANSWER || a->bytes.len + f->len > WIRE_TEXT_MAX)
		return -EPROTO;
	if (f->len)
		str_add_bytes(&a->bytes, f->data, f->len);
	return f->len == 0;
}

static int hear(struct wire *w, uint64_t end_ns, struct answer *a, struct err *err)
{
	for (;;) {
		struct wire_frame f;
		int rc = wire_next(w, &f);

		if (rc == 1)
			rc = frame_came(a, &f, err);
		else if (rc == 0 && w->ended)
			rc = -ECONNRESET;
		else if (rc == 0)
			rc = wire_wait(w->fd, end_ns);
		if (rc)
			return rc < 0 ? rc : 0;
		rc = wire_receive(w);
		if (rc < 0 && rc != -EAGAIN)
			return rc;
	}
}

static int ask(int fd, enum wire_question what, uint64_t end_ns, struct answer *ret,
	       struct err *err)
{
	CLEAN(wire) struct wire w;
	int rc = wire_call(fd, end_ns);

	wire_init(&w, fd);
	wire_put_u32(&w, WIRE_HELLO, 0, WIRE_VERSION);
	wire_put_u32(&w, WIRE_ASK, 0, what);
	if (rc == 0)
		rc = say(fd, backlog_head(&w.out), backlog_len(&w.out));
	return rc < 0 ? rc : hear(&w, end_ns, ret, err);
}

/* ---- one question ------------------------------------------------------------------------ */

static void answer_free(struct answer *a)
{
	str_free(&a->bytes);
}
CLEAN_DEFINE(answer, struct answer, answer_free)

static int ask_guest(const struct container *c, enum wire_question what, unsigned int ms,
		     struct answer *ret, struct err *err)
{
	uint64_t end_ns = clock_now_ns() + ms * 1000000ULL;
	CLEAN(fd) int fd = -1;
	int rc = 0;

	*err = (struct err){ 0 };
	if (c->state.status != STATUS_RUNNING)
		return err_set(err, EBUSY,
			       "container \"%s\" is %s, and so its guest can't be asked",
			       c->state.name, status_name(c->state.status));
	/* A launcher that is stopped by a signal, say, has room for so many calls and no more. */
	fd = fd_connect_at(c->dir, VM_SOCKET, SOCK_STREAM | SOCK_NONBLOCK);
	rc = fd < 0 ? fd : ask(fd, what, end_ns, ret, err);
	if (rc < 0 && !err->code)
		(void)err_set(err, -rc, "%s",
			      rc == -EPROTO ? "what it says is none of ctr's wire" : strerror(-rc));
	return rc < 0 ? err_wrap(err, "container \"%s\": the micro-VM's guest doesn't answer: ",
				 c->state.name) :
			0;
}

static int judge(const struct container *c, int rc, struct err *err)
{
	return rc < 0 ? err_set(err, -rc,
				"container \"%s\": what the micro-VM's guest answers can't be",
				c->state.name) :
			0;
}

int vm_usage(struct container *c, struct usage *ret, struct err *err)
{
	CLEAN(answer) struct answer a = { 0 };
	int rc = ask_guest(c, WIRE_ASK_USAGE, USAGE_MS, &a, err);

	return rc < 0 ? rc : judge(c, answer_take_usage(a.bytes.text, a.bytes.len, ret), err);
}

int vm_processes(struct container *c, struct procs *ret, struct err *err)
{
	CLEAN(answer) struct answer a = { 0 };
	int rc = ask_guest(c, WIRE_ASK_PROCESSES, PROCS_MS, &a, err);

	return rc < 0 ? rc : judge(c, answer_take_procs(a.bytes.text, a.bytes.len, ret), err);
}
