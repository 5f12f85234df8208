/* ctr cp, ctr export */
#include "ctr/verbs.h"

#include "base/fd.h"
#include "base/helper.h"
#include "base/path.h"
#include "ctr/files.h"
#include "ctr/run_make.h"
#include "runtime/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct opt_row cp_rows[] = {
	{ "archive", NULL, "Keep user and group ids: as the source has them", .kind = OPT_FLAG,
	  .letter = 'a', OPT_TO(struct cp_flags, archive) },
	{ "follow-link", NULL, "Copy what a symlink at SRC leads to, not the symlink",
	  .kind = OPT_FLAG, .letter = 'L', OPT_TO(struct cp_flags, follow) },
	{ "overwrite", NULL, "Let a folder take the place of a file, and the other way round",
	  .kind = OPT_FLAG, OPT_TO(struct cp_flags, overwrite) },
	{ "quiet", NULL, "Don't say how much was copied, as is done on a terminal",
	  .kind = OPT_FLAG, .letter = 'q', OPT_TO(struct cp_flags, quiet) },
	{ 0 },
};

const struct opt_row export_rows[] = {
	{ "output", "FILE", "Write the archive there (default: standard output)", "@file",
	  .kind = OPT_STRING, .letter = 'o', OPT_TO(struct export_flags, output) },
	{ 0 },
};

/* ---- sides ------------------------------------------------------------------------------- */

enum side_kind { SIDE_HOST, SIDE_CONTAINER, SIDE_STREAM };

struct side {
	enum side_kind kind;
	const char *text; /* as it was written */
	char *container;
	char *path; /* absolute, clean */
	char *name; /* the last part of it; ".": all that is in it */
	bool content, slash;
	struct files files;
};

static void side_free(struct side *s)
{
	free(s->container);
	free(s->path);
	free(s->name);
	files_free(&s->files);
}
CLEAN_DEFINE(side, struct side, side_free)

/* "CONTAINER:PATH", but for what begins as a path of the host does: /a:b, ./a:b. */
static void side_read(struct side *s, const char *text)
{
	const char *colon = strchr(text, ':'), *path = text, *last;
	CLEAN(free) char *below = NULL;

	*s = (struct side){ .text = text, .files = FILES_INIT };
	if (str_eq(text, "-")) {
		s->kind = SIDE_STREAM;
		return;
	}
	if (colon && colon != text && *text != '/' && *text != '.') {
		s->kind = SIDE_CONTAINER;
		s->container = xstrndup(text, (size_t)(colon - text));
		path = colon + 1;
		below = xasprintf("/%s", path);
	}
	s->path = below ? path_clean(below) : path_absolute(path);
	s->content = str_eq(path, ".") || str_ends(path, "/.") || str_eq(s->path, "/");
	s->slash = s->content || str_ends(path, "/");
	last = strrchr(s->path, '/') + 1;
	s->name = xstrdup(s->content ? "." : last);
}

/* What is mounted at the path, or above it: of several the innermost. NULL: nothing is. */
static const struct spec_mount *mount_of(const struct side *s)
{
	const struct spec_mount *ret = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < s->files.spec.mounts.count; i++) {
		const struct spec_mount *m = &s->files.spec.mounts.items[i];
		CLEAN(free) char *at = path_clean(m->destination);
		size_t len = strlen(at);

		if (len >= longest && strncmp(s->path, at, len) == 0 &&
		    (!s->path[len] || s->path[len] == '/')) {
			ret = m;
			longest = len;
		}
	}
	return ret;
}

/*
 * Without a process there are no mounts, and those that a guest has made are in there: a path on one would lead
 * below it, where the container never sees what is put there.
 */
static int check_mounts(const struct side *s, struct err *err)
{
	const struct spec_mount *m = mount_of(s);
	const struct container *c = &s->files.c;

	if (m && !s->files.live)
		return err_set(err, ESRCH,
			       "%s: container \"%s\" is stopped, and %s is mounted only while it "
			       "runs (from %s)",
			       s->text, c->state.name, m->destination,
			       m->source ? m->source : m->type);
	if (m && c->state.vm && m->type && vm_mounts_inside(m->type))
		return err_set(err, EXDEV,
			       "%s: %s is mounted inside of the guest (%s), where only its own "
			       "processes are: use ctr exec %s with tar or cat",
			       s->text, m->destination, m->type, c->state.name);
	return 0;
}

static int side_open(struct side *s, int state_root, struct err *err)
{
	int r;

	if (s->kind == SIDE_STREAM)
		return 0;
	if (s->kind == SIDE_HOST)
		return files_host(&s->files, err);
	r = files_open(state_root, s->container, &s->files, err);
	return r < 0 ? r : check_mounts(s, err);
}

/* ---- cp ---------------------------------------------------------------------------------- */

static struct archive_job job_of(const struct side *s, enum archive_kind kind, unsigned int flags)
{
	return (struct archive_job){
		.kind = kind,
		.flags = flags | (s->kind == SIDE_HOST ? ARCHIVE_HOST : 0u),
		.root = s->files.root,
		.lower = -1,
		.userns = s->files.userns,
		.path = s->path,
		.name = kind == ARCHIVE_PACK ? s->name : "",
	};
}

static struct archive_job job_pack(const struct side *s, const struct cp_flags *f)
{
	return job_of(s, ARCHIVE_PACK, f->follow || s->slash ? ARCHIVE_FOLLOW : 0u);
}

static struct archive_job job_unpack(const struct side *to, const struct side *from,
				     const struct cp_flags *f)
{
	unsigned int flags = (f->archive ? ARCHIVE_OWNERS : 0u) |
			     (f->overwrite ? ARCHIVE_OVERWRITE : 0u);

	if (from->kind != SIDE_STREAM)
		flags |= ARCHIVE_COPY | (from->content ? ARCHIVE_CONTENT : 0u) |
			 (to->slash ? ARCHIVE_SLASH : 0u);
	return job_of(to, ARCHIVE_UNPACK, flags);
}

static int check_sides(const struct side *from, const struct side *to, struct err *err)
{
	if (from->kind != SIDE_CONTAINER && to->kind != SIDE_CONTAINER)
		return err_set(err, EINVAL, "SRC or DST has to be in a container: CONTAINER:PATH");
	if (from->kind == SIDE_STREAM && isatty(STDIN_FILENO))
		return err_set(err, EINVAL,
			       "no archive comes from a terminal: redirect standard input");
	if (to->kind == SIDE_STREAM && isatty(STDOUT_FILENO))
		return err_set(err, EINVAL,
			       "an archive is nothing for a terminal: redirect standard output");
	return 0;
}

static int copy(struct side *from, struct side *to, const struct cp_flags *f, int state_root,
		struct archive_counts *counts, struct err *err)
{
	CLEAN(fd) int helper = helper_open(ARCHIVE_HELPER, err);
	struct archive_job pack, unpack;
	int r = helper < 0 ? helper : check_sides(from, to, err);

	if (r >= 0)
		r = side_open(from, state_root, err);
	if (r >= 0)
		r = side_open(to, state_root, err);
	if (r < 0)
		return r;
	pack = job_pack(from, f);
	unpack = job_unpack(to, from, f);
	if (to->kind == SIDE_STREAM) {
		pack.stream = STDOUT_FILENO;
		return archive_do(helper, &pack, counts, err);
	}
	if (from->kind == SIDE_STREAM) {
		unpack.stream = STDIN_FILENO;
		return archive_do(helper, &unpack, counts, err);
	}
	return archive_copy(helper, &pack, &unpack, counts, err);
}

/* On a terminal only, as docker does it: "2.05kB". */
static void say_copied(uint64_t bytes, const char *to)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double n = (double)bytes;
	size_t i = 0;

	while (n >= 1000 && i + 1 < ARRAY_LEN(units)) {
		n /= 1000;
		i++;
	}
	fprintf(stderr, "Successfully copied %.4g%s to %s\n", n, units[i], to);
}

int verb_cp(struct call *call)
{
	const struct cp_flags *f = call->flags;
	struct archive_counts counts = { 0 };
	CLEAN(side) struct side from = { 0 };
	CLEAN(side) struct side to = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r;

	side_read(&from, call->args[0]);
	side_read(&to, call->args[1]);
	r = root < 0 ? root : copy(&from, &to, f, root, &counts, &err);
	if (to.files.live)
		container_files_changed(&to.files.c);
	files_warn(call, &counts);
	call_warn(call);
	if (r < 0)
		return call_fail(call, &err);
	if (!f->quiet && to.kind != SIDE_STREAM && isatty(STDOUT_FILENO))
		say_copied(counts.bytes, to.text);
	return 0;
}

/* ---- export ------------------------------------------------------------------------------ */

/*
 * The file that an archive is to be: without a name until it is whole, so that nothing is left of one
 * that was broken off. Where the filesystem can't do that, or it is no regular file, the file itself.
 */
struct output {
	const char *path;
	char *folder;
	int fd;
	bool nameless;
};

static int output_open(struct output *o, struct err *err)
{
	const char *slash = strrchr(o->path, '/');
	struct stat st;

	o->folder = slash ? xstrndup(o->path, (size_t)(slash - o->path) + 1) : xstrdup("./");
	if (stat(o->path, &st) < 0 || S_ISREG(st.st_mode))
		o->fd = open(o->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	o->nameless = o->fd >= 0;
	if (o->fd < 0)
		o->fd = open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return o->fd < 0 ? err_sys(err, "--output %s", o->path) : 0;
}

static int output_name(const struct output *o, struct err *err)
{
	CLEAN(free) char *temp = xasprintf("%s.ctr-export-%d", o->folder, (int)getpid());
	char self[40];

	if (!o->nameless)
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, temp, AT_SYMLINK_FOLLOW) < 0)
		return err_sys(err, "--output %s: give it its name", o->path);
	if (rename(temp, o->path) < 0) {
		int r = err_sys(err, "--output %s", o->path);

		(void)unlink(temp);
		return r;
	}
	return 0;
}

static int export_to(const struct files *files, int stream, struct archive_counts *counts,
		     struct err *err)
{
	CLEAN(fd) int helper = helper_open(ARCHIVE_HELPER, err);
	struct archive_job job = {
		.kind = ARCHIVE_PACK,
		.flags = ARCHIVE_ONE_FS | (files->kind == FILES_PROGRAMS ? ARCHIVE_PROGRAMS : 0u),
		.root = files->root,
		.stream = stream,
		.lower = -1,
		.userns = files->userns,
		.path = "/",
		.name = "",
	};

	return helper < 0 ? helper : archive_do(helper, &job, counts, err);
}

int verb_export(struct call *call)
{
	const struct export_flags *f = call->flags;
	struct output out = { .path = f->output, .fd = -1 };
	CLEAN(files) struct files files = FILES_INIT;
	struct archive_counts counts = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	int r = root < 0 ? root : 0;

	if (r >= 0 && !f->output && isatty(STDOUT_FILENO))
		r = err_set(
			&err, EINVAL,
			"cowardly refusing to save to a terminal: use --output FILE, or redirect "
			"standard output");
	if (r >= 0)
		r = files_open(root, call->args[0], &files, &err);
	if (r >= 0 && f->output)
		r = output_open(&out, &err);
	if (r >= 0)
		r = export_to(&files, f->output ? out.fd : STDOUT_FILENO, &counts, &err);
	if (r >= 0 && f->output)
		r = output_name(&out, &err);
	clean_fd(&out.fd);
	free(out.folder);
	files_warn(call, &counts);
	call_warn(call);
	return r < 0 ? call_fail(call, &err) : 0;
}
