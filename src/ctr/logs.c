/* ctr logs */
#include "ctr/verbs.h"

#include "base/clock.h"
#include "base/fd.h"
#include "monitor/client.h"
#include "monitor/log_read.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define FLUSH_BYTES 65536
#define SUCCESSOR_MS 50

const struct opt_row logs_rows[] = {
	{ "follow", NULL, "Go on until the container has ended", .kind = OPT_FLAG, .letter = 'f',
	  OPT_TO(struct logs_flags, follow) },
	{ "tail", "N", "Only the last N lines (default all)", "all", .kind = OPT_STRING,
	  .letter = 'n', OPT_TO(struct logs_flags, tail) },
	{ "since", "TIME",
	  "Only what is not older: 2026-01-31T23:59:59Z, seconds since 1970, or 10m for ten minutes ago",
	  .kind = OPT_STRING, OPT_TO(struct logs_flags, since) },
	{ "until", "TIME", "Only what is not newer", .kind = OPT_STRING,
	  OPT_TO(struct logs_flags, until) },
	{ "timestamps", NULL, "Print the time in front of each line", .kind = OPT_FLAG,
	  .letter = 't', OPT_TO(struct logs_flags, timestamps) },
	{ 0 },
};

struct printing {
	const struct logs_flags *flags;
	int root;
	const struct state *state; /* as it was */
	uint64_t until_unix_ns;    /* 0: no end */
	struct str text;
	enum log_stream stream; /* of the text */
	bool inside[2];         /* a line of that stream has begun */
};

static int flush(void *arg)
{
	struct printing *p = arg;
	int rc = fd_write_all(p->stream == LOG_STDERR ? STDERR_FILENO : STDOUT_FILENO, p->text.text,
			      p->text.len);

	p->text.len = 0;
	return rc;
}

/* As it came: what a terminal makes of it is between the container and its user, as with docker. */
static int print(void *arg, const struct log_line *l)
{
	struct printing *p = arg;
	int rc = 0;

	if (p->text.len && (l->stream != p->stream || p->text.len >= FLUSH_BYTES))
		rc = flush(p);
	p->stream = l->stream;
	if (p->flags->timestamps && !p->inside[l->stream]) {
		str_add_bytes(&p->text, l->time, l->time_len);
		str_add(&p->text, " ");
	}
	p->inside[l->stream] = !l->whole;
	str_add_bytes(&p->text, l->text, l->len);
	if (l->whole)
		str_add(&p->text, "\n");
	return rc;
}

/* One whose process is gone may have output on the way, and may be started again: by its monitor. */
static bool gone(const struct printing *p)
{
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct err ignored;
	CLEAN(fd) int monitor = -1;

	if (container_open(p->root, p->state->name, &c, &ignored) < 0 ||
	    !str_eq(c.state.id, p->state->id))
		return true;
	if (c.state.status != STATUS_STOPPED)
		return false;
	monitor = monitor_connect(c.dir);
	return monitor == -ENOENT;
}

/* A monitor that was killed has a successor in a moment. */
static bool ended(void *arg)
{
	const struct printing *p = arg;

	if (p->until_unix_ns && clock_unix_ms() > p->until_unix_ns / 1000000)
		return true;
	if (!gone(p))
		return false;
	(void)poll(NULL, 0, SUCCESSOR_MS);
	return gone(p);
}

static int point(const char *flag, const char *text, uint64_t *ret, struct err *err)
{
	if (!text || log_time_parse(text, clock_unix_ms() * 1000000, ret) == 0)
		return 0;
	return err_set(
		err, EINVAL,
		"--%s: \"%s\" is no time: 2026-01-31T23:59:59Z, seconds since 1970, or 10m for "
		"ten minutes ago",
		flag, text);
}

static int query(const struct logs_flags *f, struct log_query *q, struct err *err)
{
	int rc = point("since", f->since, &q->since_unix_ns, err);

	if (rc == 0)
		rc = point("until", f->until, &q->until_unix_ns, err);
	q->follow = f->follow;
	/* docker takes a number below 0 for all as well */
	q->tail_set = f->tail && !str_eq(f->tail, "all") && !str_eq(f->tail, "-1");
	if (rc == 0 && q->tail_set && str_to_u64(f->tail, 0, INT64_MAX, &q->tail) < 0)
		rc = err_set(err, EINVAL, "--tail: \"%s\" is neither a number nor all", f->tail);
	return rc;
}

static int check(const struct state *s, struct err *err)
{
	if (str_eq(s->log_driver, "journald"))
		return err_set(err, ENOTSUP,
			       "container \"%s\" logs to the journal: see journalctl "
			       "CONTAINER_ID_FULL=%s",
			       s->name, s->id);
	if (!s->log_driver || !log_driver_is_file(s->log_driver) || !s->log_path)
		return err_set(
			err, ENOTSUP,
			"container \"%s\" has no log (its --log-driver is %s): run it with k8s-file "
			"or json-file",
			s->name, s->log_driver ? s->log_driver : "none");
	return 0;
}

int verb_logs(struct call *call)
{
	const struct logs_flags *f = call->flags;
	CLEAN(container) struct container c = CONTAINER_INIT;
	struct printing p = { .flags = f };
	struct log_query q = { .ended = ended, .line = print, .idle = flush, .arg = &p };
	struct err err = { 0 };
	CLEAN(fd) int root = -1;
	int rc = query(f, &q, &err);

	if (rc == 0)
		rc = root = call_root(call, &err);
	if (rc >= 0)
		rc = container_open(root, call->args[0], &c, &err);
	if (rc >= 0)
		rc = check(&c.state, &err);
	if (rc >= 0) {
		p.root = root;
		p.state = &c.state;
		p.until_unix_ns = q.until_unix_ns;
		q.path = c.state.log_path;
		q.driver = c.state.log_driver;
		rc = log_read(&q, &err);
	}
	str_free(&p.text);
	return rc < 0 ? call_fail(call, &err) : 0;
}
