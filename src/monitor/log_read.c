#include "monitor/log_read.h"

#include "base/fd.h"
#include "monitor/log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536
/* Longer than any of ours: a chunk of which json-file made six bytes each, and what stands around it. */
#define LINE_BYTES_MAX (1u << 18)
#define FOLLOW_MS 250

struct reader {
	const struct log_query *q;
	bool (*parse)(const char *line, size_t len, struct str *scratch, struct log_line *ret);
	struct log_files files;
	struct str block, scratch;
};

/* ---- forwards -------------------------------------------------------------------------- */

static bool in_time(const struct log_query *q, const struct log_line *l)
{
	return l->unix_ns >= q->since_unix_ns &&
	       (!q->until_unix_ns || l->unix_ns <= q->until_unix_ns);
}

static int line_found(struct reader *r, const char *line, size_t len)
{
	const struct log_query *q = r->q;
	struct log_line l;

	if (!r->parse(line, len, &r->scratch, &l) || !in_time(q, &l))
		return 0;
	return q->line(q->arg, &l);
}

/* Bytes from `from` on behind those in the block. How many; 0: there are none. */
static ssize_t fill(struct reader *r, const struct log_file *f, uint64_t from, size_t room)
{
	char bytes[BLOCK];
	ssize_t n = pread(f->fd, bytes, room < BLOCK ? room : BLOCK, (off_t)from);

	if (n > 0)
		str_add_bytes(&r->block, bytes, (size_t)n);
	return n < 0 ? -errno : n;
}

/* Whole lines in the block. Returns how many bytes they are; a callback's word goes to *rc. */
static size_t lines(struct reader *r, int *rc)
{
	size_t used = 0;
	const char *end;

	while (used < r->block.len && *rc == 0 &&
	       (end = memchr(r->block.text + used, '\n', r->block.len - used))) {
		size_t len = (size_t)(end - r->block.text) - used;

		if (len <= LINE_BYTES_MAX)
			*rc = line_found(r, r->block.text + used, len);
		used += len + 1;
	}
	return used;
}

/* Somebody wanted to be rid of all that is in it; a writer that cuts a chunk back leaves what is whole. */
static void emptied(struct log_file *f)
{
	struct stat st;

	if (fstat(f->fd, &st) == 0 && st.st_size == 0)
		f->at = 0;
}

/* What a crash has left of a line at the end of a file that gets no longer is one, too. */
static int rest(struct reader *r, const struct log_file *f)
{
	struct log_line l;

	if (!f->number || !r->block.len ||
	    !r->parse(r->block.text, r->block.len, &r->scratch, &l) || !in_time(r->q, &l))
		return 0;
	l.whole = true;
	return r->q->line(r->q->arg, &l);
}

/*
 * All whole lines from f->at on. In the present file a line without its end is left there and read again
 * later: its writer may yet cut it back.
 */
static int forwards(struct reader *r, struct log_file *f)
{
	int rc = 0;

	r->block.len = 0;
	emptied(f);
	for (;;) {
		ssize_t n = fill(r, f, f->at + r->block.len, BLOCK);
		size_t used;

		if (n <= 0)
			return n < 0 ? (int)n : rest(r, f);
		used = lines(r, &rc);
		if (rc)
			return rc;
		/* What is longer than any line goes, and the rest of it is none of ours either. */
		if (!used && r->block.len > LINE_BYTES_MAX)
			used = r->block.len;
		f->at += used;
		r->block.len -= used;
		if (used && r->block.len)
			memmove(r->block.text, r->block.text + used, r->block.len);
	}
}

/* ---- backwards ------------------------------------------------------------------------- */

/* Does a line of the log end here, and is it one at all? */
static bool ends_line(struct reader *r, const char *line, size_t len, bool *ret_ours)
{
	struct log_line l;

	*ret_ours = len <= LINE_BYTES_MAX && r->parse(line, len, &r->scratch, &l);
	return *ret_ours && l.whole;
}

struct tail {
	uint64_t left; /* lines that are still to be found */
	bool any;      /* something was found: a part at the very end is a line, too */
};

/* One line of a file, from the end: true when those behind it are as many as were asked for. */
static bool tail_line(struct reader *r, struct tail *t, const char *line, size_t len)
{
	bool ours, whole = ends_line(r, line, len, &ours);

	if (!ours)
		return false;
	if (whole || !t->any) {
		if (!t->left)
			return true;
		t->left--;
	}
	t->any = true;
	return false;
}

/*
 * Blocks from the end of a file: f->at becomes where the tail begins. True when that is in this file.
 * The block holds what lies from `from` on and was not looked at yet.
 */
static bool backwards(struct reader *r, struct log_file *f, struct tail *t)
{
	off_t size = lseek(f->fd, 0, SEEK_END);
	uint64_t from = size > 0 ? (uint64_t)size : 0;
	/* What is behind the block is the end of a line. In the present file that is being written. */
	bool ended = f->number != 0;
	CLEAN(str) struct str kept = { 0 };

	f->at = 0;
	while (from) {
		size_t n = from < BLOCK ? (size_t)from : BLOCK, len;

		r->block.len = 0;
		from -= n;
		if (fill(r, f, from, n) != (ssize_t)n)
			return false;
		/* Of a line that is too long the beginning alone is kept: it is none of ours. */
		if (kept.len && kept.len <= LINE_BYTES_MAX + BLOCK)
			str_add_bytes(&r->block, kept.text, kept.len);
		len = r->block.len;
		for (size_t i = n; i-- > 0;) {
			if (r->block.text[i] != '\n')
				continue;
			if (ended && tail_line(r, t, r->block.text + i + 1, len - i - 1)) {
				f->at = from + len + 1;
				return true;
			}
			ended = true;
			len = i;
		}
		kept.len = 0;
		str_add_bytes(&kept, r->block.text, len);
	}
	if (ended && kept.text && tail_line(r, t, kept.text, kept.len)) {
		f->at = kept.len + 1;
		return true;
	}
	return false;
}

/* Of which file on, and from where. */
static size_t tail_begin(struct reader *r)
{
	struct tail t = { .left = r->q->tail };
	size_t i = 0;

	for (; i < r->files.count; i++)
		if (backwards(r, &r->files.items[i], &t))
			return i;
	return i ? i - 1 : 0;
}

/* ---- follow ---------------------------------------------------------------------------- */

static int watch(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEAN(free)
	char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	/* Without it we look as often as we would for the end. */
	if (fd >= 0)
		(void)!inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO);
	return fd;
}

static void pause_for(int watched)
{
	struct pollfd p = { watched, POLLIN, 0 };
	char events[4096];

	if (poll(&p, 1, FOLLOW_MS) > 0)
		while (read(watched, events, sizeof(events)) > 0)
			;
}

/* What is newer than the file that we read: all of it, then the present one. */
static int rotated(struct reader *r, struct err *err)
{
	struct log_file was = r->files.items[0];
	size_t from;
	int rc;

	if (log_files_present(&r->files, r->q->path))
		return 0;
	was.fd = fcntl(was.fd, F_DUPFD_CLOEXEC, 3);
	if (was.fd < 0)
		return err_sys(err, "keep the log %s open", r->q->path);
	/* Its last lines, written between our look and the rotation. */
	rc = forwards(r, &was);
	if (rc == 0)
		rc = log_files_open(&r->files, r->q->path, err);
	/* Between two files, or gone for good: the end is noticed elsewhere. */
	if (rc == -ENOENT) {
		r->files.items = xcalloc(1, sizeof(was));
		r->files.items[r->files.count++] = was;
		return 0;
	}
	for (from = 0; from < r->files.count && r->files.items[from].inode != was.inode;)
		from++;
	close(was.fd);
	/* In the middle of a rotation there is no present one, and ours may still be the newest. */
	if (from < r->files.count)
		r->files.items[from].at = was.at;
	while (from-- > 0 && rc == 0)
		rc = forwards(r, &r->files.items[from]);
	return rc;
}

static int follow(struct reader *r, struct err *err)
{
	const struct log_query *q = r->q;
	CLEAN(fd) int watched = watch(q->path);
	int rc = 0;

	while (rc == 0) {
		/* Asked first: what was written before the end is read in any case. */
		bool last = q->ended(q->arg);

		rc = forwards(r, &r->files.items[0]);
		if (rc == 0)
			rc = rotated(r, err);
		if (rc == 0 && q->idle)
			rc = q->idle(q->arg);
		if (last)
			break;
		if (rc == 0)
			pause_for(watched);
	}
	return rc;
}

int log_read(const struct log_query *q, struct err *err)
{
	struct reader r = { .q = q,
			    .parse = str_eq(q->driver, "json-file") ? log_parse_json :
								      log_parse_k8s };
	int rc = log_files_open(&r.files, q->path, err);

	if (rc == 0) {
		size_t i = q->tail_set ? tail_begin(&r) : r.files.count - 1;

		for (i++; i-- > 0 && rc == 0;)
			rc = forwards(&r, &r.files.items[i]);
	}
	if (rc == 0 && q->follow)
		rc = follow(&r, err);
	else if (rc == 0 && q->idle)
		rc = q->idle(q->arg);
	if (rc < 0 && !err->code)
		err_set(err, -rc, "read the log %s: %s", q->path, strerror(-rc));
	log_files_close(&r.files);
	str_free(&r.block);
	str_free(&r.scratch);
	return rc;
}
