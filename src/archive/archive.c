/* The asking side of ctr-archive, and the looks at what passes. */
#include "archive/archive.h"

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/helper.h"
#include "base/process.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

bool archive_request_ok(const struct archive_request *r, size_t fds)
{
	size_t want = 2 + (r->kind == ARCHIVE_DIFF) + (r->has_userns != 0);

	return r->magic == ARCHIVE_MAGIC && r->version == ARCHIVE_VERSION &&
	       r->kind >= ARCHIVE_PACK && r->kind <= ARCHIVE_DIFF && fds == want &&
	       memchr(r->path, '\0', sizeof(r->path)) && memchr(r->name, '\0', sizeof(r->name));
}

int archive_entry_place(const char *path, const char *top, char **ret)
{
	CLEAN(str) struct str place = { 0 };
	bool first = true;

	str_add(&place, "");
	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && path[0] == '.' && path[1] == '.')
			return -EINVAL;
		/* A leading "." is the name of the whole, which `top` replaces; any other is nothing. */
		if (len && !(len == 1 && path[0] == '.' && !(first && top))) {
			bool renamed = first && top;

			if (place.len && !(renamed && !*top))
				str_add(&place, "/");
			if (renamed)
				str_add(&place, top);
			else
				str_add_bytes(&place, path, len);
			first = false;
		}
		path += len;
	}
	*ret = take_ptr(place.text);
	return 0;
}

static int request_make(const struct archive_job *job, struct archive_request *r, struct err *err)
{
	*r = (struct archive_request){
		.magic = ARCHIVE_MAGIC,
		.version = ARCHIVE_VERSION,
		.kind = job->kind,
		.flags = job->flags,
		.has_userns = job->userns >= 0,
	};
	if (strlen(job->path) >= sizeof(r->path) || strlen(job->name) >= sizeof(r->name))
		return err_set(err, ENAMETOOLONG, "%.200s...: the path is too long", job->path);
	memcpy(r->path, job->path, strlen(job->path) + 1);
	memcpy(r->name, job->name, strlen(job->name) + 1);
	return 0;
}

int archive_do(int helper, const struct archive_job *job, struct archive_counts *ret,
	       struct err *err)
{
	struct archive_request request;
	struct archive_answer answer = { 0 };
	int fds[ARCHIVE_FDS] = { job->root, job->stream };
	size_t count = 2;
	struct helper_call call = {
		.exe = helper,
		.name = ARCHIVE_HELPER,
		.request = &request,
		.request_len = sizeof(request),
		.fds = fds,
		.answer = &answer,
		.answer_len = sizeof(answer),
		.timeout_ms = -1,
	};
	int rc = request_make(job, &request, err);

	if (rc < 0)
		return rc;
	if (job->kind == ARCHIVE_DIFF)
		fds[count++] = job->lower;
	if (job->userns >= 0)
		fds[count++] = job->userns;
	call.fd_count = count;
	rc = helper_ask(&call, err);
	if (rc < 0)
		return rc;
	if (answer.magic != ARCHIVE_MAGIC || answer.version != ARCHIVE_VERSION)
		return err_set(err, EPROTO,
			       ARCHIVE_HELPER
			       " is of another version than we are: install both anew");
	answer.err.text[sizeof(answer.err.text) - 1] = '\0';
	*ret = answer.counts;
	if (answer.err.code <= 0)
		return 0;
	*err = answer.err;
	return -err->code;
}

/* ---- two of them ------------------------------------------------------------------------ */

/* What the packing side tells, in memory that both processes see. */
struct other {
	int rc;
	struct archive_counts counts;
	struct err err;
};

static void add_counts(struct archive_counts *to, const struct archive_counts *from)
{
	to->sockets += from->sockets;
	to->devices += from->devices;
	to->bits += from->bits;
	to->xattrs += from->xattrs;
	to->owners += from->owners;
	to->changed += from->changed;
}

/* A side that broke down breaks the other one: then it is the first one's words that help. */
static int judge(int rc, const struct other *o, struct archive_counts *ret, struct err *err)
{
	add_counts(ret, &o->counts);
	if (o->rc < 0 && (rc == 0 || o->rc != -EPIPE)) {
		*err = o->err;
		return o->rc;
	}
	return rc;
}

int archive_copy(int helper, const struct archive_job *pack, const struct archive_job *unpack,
		 struct archive_counts *ret, struct err *err)
{
	struct archive_job from = *pack, to = *unpack;
	CLEAN(fd) int pidfd = -1;
	struct other *o;
	int ends[2], status, rc;
	pid_t pid;

	/* cppcheck-suppress invalidFunctionArg */
	o = mmap(NULL, sizeof(*o), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (o == MAP_FAILED)
		return err_sys(err, "memory for two processes");
	if (pipe2(ends, O_CLOEXEC) < 0) {
		munmap(o, sizeof(*o));
		return err_sys(err, "make a pipe");
	}
	to.stream = ends[0];
	from.stream = ends[1];
	o->rc = err_set(&o->err, EIO, "the packing side ended without a word");
	pid = process_clone(0, -1, &pidfd);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		o->rc = archive_do(helper, &from, &o->counts, &o->err);
		_exit(0);
	}
	close(ends[1]);
	rc = pid < 0 ? err_set(err, -pid, "clone: %s", strerror(-pid)) :
		       archive_do(helper, &to, ret, err);
	close(ends[0]);
	if (pid >= 0 && process_wait(pidfd, &status) == 0)
		rc = judge(rc, o, ret, err);
	munmap(o, sizeof(*o));
	return rc;
}
