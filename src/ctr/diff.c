/* ctr diff */
#include "ctr/verbs.h"

#include "base/file.h"
#include "base/helper.h"
#include "base/json.h"
#include "ctr/files.h"
#include "ctr/format.h"
#include "runtime/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIFF_MAX (1u << 30)

const struct opt_row diff_rows[] = {
	{ "format", "FORMAT", "json: an object of the lists changed, added, deleted", "json",
	  .kind = OPT_STRING, OPT_TO(struct format_flags, format) },
	{ 0 },
};

struct diff {
	const struct files *files;
	int helper, out; /* out: a memfd that collects all records */
};

/* The merged tree at `path` against the lower layer; `name` is in front of what is told. */
static int diff_one(const struct diff *d, const char *lower_path, const char *path,
		    const char *name, struct err *err)
{
	CLEAN(fd) int lower = open(lower_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct archive_counts counts;
	struct archive_job job = {
		.kind = ARCHIVE_DIFF,
		.root = d->files->root,
		.stream = d->out,
		.lower = lower,
		/* The layer below belongs to whom it belongs on the host: root reads it as root. */
		.userns = rootless() ? d->files->userns : -1,
		.path = path,
		.name = name,
	};

	if (lower < 0)
		return err_sys(err, "open the layer below, %s", lower_path);
	return archive_do(d->helper, &job, &counts, err);
}

static int diff_programs(const struct diff *d, struct err *err)
{
	static const char *const dirs[] = { "/bin",    "/lib",  "/lib32", "/lib64",
					    "/libx32", "/sbin", "/usr" };
	struct stat st;
	int r = 0;

	if (d->files->spec.root_readonly)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(dirs) && r >= 0; i++)
		if (lstat(dirs[i], &st) == 0 && S_ISDIR(st.st_mode))
			r = diff_one(d, dirs[i], dirs[i], dirs[i], err);
	return r;
}

static int diff_all(const struct diff *d, struct err *err)
{
	const struct files *f = d->files;
	CLEAN(free) char *lower = NULL;

	if (f->kind == FILES_PROGRAMS)
		return diff_programs(d, err);
	if (f->kind == FILES_PLAIN)
		return err_set(
			err, ENOTSUP,
			"container \"%s\" writes into its root itself, %s, and nobody keeps how "
			"that was before; --overlay would put a layer above it",
			f->c.state.name, f->spec.root_path ? f->spec.root_path : "a folder");
	lower = spec_root(&f->spec, f->c.state.bundle);
	return diff_one(d, lower, "/", "", err);
}

/* ---- said -------------------------------------------------------------------------------- */

static void print_lines(const char *text, size_t len, struct str *out)
{
	for (const char *at = text; at < text + len; at += strlen(at) + 1) {
		str_add_bytes(out, at, 1);
		str_add(out, " ");
		str_add_shown(out, at + 1, false);
		str_add(out, "\n");
	}
}

static void print_json(const char *text, size_t len, struct str *out)
{
	static const struct {
		char kind;
		const char *key;
	} keys[] = { { 'C', "changed" }, { 'A', "added" }, { 'D', "deleted" } };
	CLEAN(json) struct json_object *doc = json_object_new_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_object *list = json_object_new_array();

		for (const char *at = text; at < text + len; at += strlen(at) + 1)
			if (*at == keys[i].kind)
				json_object_array_add(list, json_object_new_string(at + 1));
		json_object_object_add(doc, keys[i].key, list);
	}
	format_json(doc, out);
}

int verb_diff(struct call *call)
{
	const struct format_flags *f = call->flags;
	CLEAN(files) struct files files = FILES_INIT;
	struct diff d = { .files = &files, .helper = -1, .out = -1 };
	CLEAN(free) char *text = NULL;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	CLEAN(fd) int root = call_root(call, &err);
	size_t len = 0;
	int r = root < 0 ? root : 0;

	if (r >= 0 && f->format && !str_eq(f->format, "json"))
		r = err_set(&err, EINVAL, "--format %s: json is there, or none", f->format);
	if (r >= 0)
		r = files_open(root, call->args[0], &files, &err);
	if (r >= 0)
		r = d.helper = helper_open(ARCHIVE_HELPER, &err);
	if (r >= 0 && (d.out = memfd_create("ctr-diff", MFD_CLOEXEC)) < 0)
		r = err_sys(&err, "memfd_create");
	if (r >= 0)
		r = diff_all(&d, &err);
	if (r >= 0 && lseek(d.out, 0, SEEK_SET) == 0)
		r = file_read_fd(d.out, "what changed", DIFF_MAX, &text, &len, &err);
	clean_fd(&d.helper);
	clean_fd(&d.out);
	if (r < 0)
		return call_fail(call, &err);
	if (f->format)
		print_json(text, len, &out);
	else
		print_lines(text, len, &out);
	return out.len ? call_print(call, out.text, out.len) : 0;
}
