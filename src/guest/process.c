#include "guest/process.h"

#include "base/fd.h"
#include "base/json.h"
#include "guest/boot.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STATE_ROOT "/run/ctr"
#define NAME "container"

static void fds_close(int fds[3])
{
	for (int i = 0; i < 3; i++)
		drop_fd(&fds[i]);
}

/* 0 is read by the process, 1 and 2 are written by it; our ends don't block. */
static int pipes_make(int theirs[3], int ours[3], struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_sys(err, "make a pipe for standard stream %d", i);
		theirs[i] = ends[i != 0];
		ours[i] = ends[i == 0];
		(void)fcntl(ours[i], F_SETFL, O_NONBLOCK);
	}
	return 0;
}

static int streams_make(bool terminal, int theirs[3], int ours[3], struct err *err)
{
	int rc;

	if (terminal)
		return 0;
	rc = pipes_make(theirs, ours, err);
	if (rc < 0) {
		fds_close(theirs);
		fds_close(ours);
	}
	return rc;
}

static int document(const char *text, size_t len, struct spec *ret, struct err *err)
{
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(strv) struct strv ignored = { 0 };
	int rc = json_parse_own(text, len, "the host's document", &doc, err);

	return rc < 0 ? rc : spec_from_json(doc, "the host's document", ret, &ignored, err);
}

static int first(struct spec *spec, const int stdio[3], struct container *c, struct err *err)
{
	const struct create_options opt = {
		.name = NAME,
		.stdio = { stdio[0], stdio[1], stdio[2] },
		.start_by_caller = true,
		.all_controllers = true,
	};
	CLEAN(strv) struct strv warnings = { 0 };
	/* The container's to keep: it outlives this. */
	int root = state_root_open(STATE_ROOT, err), rc;

	if (root < 0)
		return root;
	rc = container_create(root, spec, &opt, &warnings, c, err);
	if (rc == 0)
		rc = container_start(c, &warnings, err);
	return rc;
}

int process_first(const char *text, size_t len, struct container *c, struct process_made *ret,
		  struct err *err)
{
	CLEAN(spec) struct spec spec = { 0 };
	int theirs[3] = { -1, -1, -1 };
	int rc = document(text, len, &spec, err);

	*ret = (struct process_made){ .pidfd = -1, .terminal = -1, .ends = { -1, -1, -1 } };
	if (rc == 0)
		rc = boot_rootfs(spec_annotation(&spec, SPEC_ANNOTATION_IMAGE),
				 spec_annotation(&spec, SPEC_ANNOTATION_ROOTFS), err);
	if (rc == 0)
		rc = streams_make(spec.process.terminal, theirs, ret->ends, err);
	if (rc < 0)
		return rc;
	rc = first(&spec, theirs, c, err);
	fds_close(theirs);
	if (rc < 0) {
		fds_close(ret->ends);
		return rc;
	}
	ret->pidfd = c->pidfd;
	ret->terminal = c->terminal;
	return 0;
}

int process_more(const char *text, size_t len, struct container *c, struct process_made *ret,
		 struct err *err)
{
	CLEAN(spec) struct spec asked = { 0 };
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(strv) struct strv warnings = { 0 };
	struct exec_options opt = { .spec = &spec, .process = &asked.process };
	int theirs[3] = { -1, -1, -1 };
	int rc = document(text, len, &asked, err);

	*ret = (struct process_made){ .pidfd = -1, .terminal = -1, .ends = { -1, -1, -1 } };
	if (rc == 0)
		rc = container_spec(c, &spec, err);
	if (rc == 0)
		rc = streams_make(asked.process.terminal, theirs, ret->ends, err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < 3; i++)
		opt.stdio[i] = theirs[i];
	rc = (int)container_exec(c, &opt, &warnings, &ret->pidfd, &ret->terminal, err);
	fds_close(theirs);
	if (rc < 0)
		fds_close(ret->ends);
	return rc < 0 ? rc : 0;
}
