/* A container's processes into a folder. */
#include "runtime/criu_terms.h"
#include "runtime/events.h"
#include "runtime/vm_checkpoint.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "cgroups/leaf.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOG_FILE "dump.log"
#define CONFIG_MAX (16u << 20)
/* How long the kernel may take to end what criu has killed. */
#define END_MS 10000

/* All of one checkpoint. */
struct dumping {
	const struct checkpoint_options *opt;
	struct container *c;
	struct images images;
	struct criu_options terms;
	struct spec spec;
	struct strv streams, points; /* criu_terms.h */
	char *criu, *freezer;
	int status_fd; /* -1: none, or told */
};

static void dumping_free(struct dumping *d)
{
	images_close(&d->images);
	criu_options_free(&d->terms);
	spec_free(&d->spec);
	strv_free(&d->streams);
	strv_free(&d->points);
	free(d->criu);
	free(d->freezer);
}
CLEAN_DEFINE(dumping, struct dumping, dumping_free)

static int check_status(const struct container *c, struct err *err)
{
	if (c->state.status == STATUS_RUNNING || c->state.status == STATUS_PAUSED)
		return 0;
	return err_set(
		err, EINVAL,
		"container \"%s\" can't be checkpointed: it is %s, and only one that runs can be",
		c->state.name, status_name(c->state.status));
}

/* A changed page is known by comparison with an earlier dump, which lies beside this one. */
static int check_parent(const struct dumping *d, struct err *err)
{
	const char *parent = d->opt->parent_path;
	struct stat st;

	if (!parent)
		return 0;
	if (*parent == '/')
		return err_set(err, EINVAL, "--parent-path %s: it must be relative to --image-path",
			       parent);
	if (fstatat(d->images.dir, parent, &st, 0) < 0)
		return err_sys(err, "--parent-path %s, from %s", parent, d->images.path);
	return S_ISDIR(st.st_mode) ?
		       0 :
		       err_set(err, ENOTDIR, "--parent-path %s: not a folder", parent);
}

static int check_status_fd(struct dumping *d, struct err *err)
{
	const struct opt_i64 *fd = &d->opt->status_fd;
	int flags;

	d->status_fd = -1;
	if (!fd->set || fd->value < 0)
		return 0;
	flags = fcntl((int)fd->value, F_GETFL);
	if (flags < 0)
		return err_sys(err, "--status-fd %d", (int)fd->value);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return err_set(err, EBADF, "--status-fd %d: not open for writing", (int)fd->value);
	d->status_fd = (int)fd->value;
	return 0;
}

/* By its cgroup all of it is stopped at one moment; one by one, new processes could be missed. */
static int freezer_find(struct dumping *d, struct err *err)
{
	CLEAN(cgroup_host) struct cgroup_host host = CGROUP_HOST_INIT;
	int rc;

	if (!d->c->state.cgroup)
		return 0;
	rc = cgroup_host_find(&host, err);
	if (rc == 0 && host.mount)
		d->freezer = xasprintf("%s%s", host.mount, d->c->state.cgroup);
	d->terms.freeze_cgroup = d->freezer;
	return rc;
}

static int prepare(struct dumping *d, struct strv *warnings, struct err *err)
{
	const struct checkpoint_options *opt = d->opt;
	CLEAN(strv) struct strv unknown = { 0 };
	struct criu_options *o = &d->terms;
	pid_t pid = d->c->state.pid;
	int rc = container_spec(d->c, &d->spec, err);

	if (rc == 0)
		rc = criu_rootfs_check(&d->spec, err);
	if (rc == 0)
		rc = criu_terms(opt, &d->images, &d->spec, LOG_FILE, o, err);
	if (rc == 0)
		rc = criu_namespaces_dump(&d->spec, pid, o, err);
	if (rc == 0)
		rc = criu_mounts_dump(&d->spec, pid, &d->points, &unknown, err);
	if (rc == 0)
		rc = criu_streams_look(pid, &d->streams, &o->external, err);
	if (rc == 0)
		rc = freezer_find(d, err);
	for (size_t i = 0; i < d->points.count; i++)
		strv_printf(&o->external, "mnt[%s]:%s", d->points.items[i], d->points.items[i]);
	/* criu knows better than we do what it can; this may help to understand what it says. */
	for (size_t i = 0; i < unknown.count; i++)
		strv_printf(warnings, "the mount %s is not in config.json", unknown.items[i]);
	o->pid = pid;
	o->leave_running = opt->leave_running;
	o->parent_img = opt->parent_path;
	o->track_mem = opt->parent_path || opt->pre_dump;
	return rc;
}

/* ---- the image folder's own files ---------------------------------------------------- */

int checkpoint_keep(const struct container *c, const struct images *images, struct err *err)
{
	CLEAN(free) char *text = NULL;
	size_t len;
	int rc = file_read(c->dir, "config.json", CONFIG_MAX, &text, &len, err);

	if (rc == 0)
		rc = file_write_atomic(images->dir, "config.json", 0600, text, len, err);
	if (rc == 0)
		rc = state_write(images->dir, &c->state, err);
	return rc < 0 ? err_wrap(err, "--image-path %s: ", images->path) : 0;
}

static int keep_facts(const struct dumping *d, struct err *err)
{
	int rc = criu_list_write(&d->images, STREAMS_FILE, &d->streams, err);

	if (rc == 0)
		rc = criu_list_write(&d->images, MOUNTS_FILE, &d->points, err);
	return rc < 0 ? err_wrap(err, "--image-path %s: ", d->images.path) :
			checkpoint_keep(d->c, &d->images, err);
}

/* ---- criu ---------------------------------------------------------------------------- */

static int step(void *data, const char *name, pid_t pid, int *fd, struct err *err)
{
	struct dumping *d = data;

	(void)pid;
	(void)fd;
	(void)err;
	/* Whoever fetches the pages may do so from now on, and be gone already. */
	if (str_eq(name, "status-ready") && d->status_fd >= 0) {
		(void)!fd_write_all(d->status_fd, "", 1);
		close(take_fd(&d->status_fd));
	}
	return 0;
}

static int check_feature(const struct dumping *d, struct err *err)
{
	const struct criu_call call = { .program = d->criu, .job = CRIU_FEATURES, .cgroup = -1 };
	struct criu_answer has = { 0 };
	int rc;

	if (!d->opt->pre_dump && !d->opt->lazy_pages)
		return 0;
	rc = criu_run(&call, &has, err);
	if (rc < 0)
		return rc;
	if (d->opt->pre_dump && !has.mem_track)
		return err_set(err, ENOTSUP,
			       "--pre-dump: this kernel does not track changed pages (soft-dirty)");
	if (d->opt->lazy_pages && !has.lazy_pages)
		return err_set(err, ENOTSUP,
			       "--lazy-pages: this kernel has no userfaultfd that criu could use");
	return 0;
}

/* Gone as criu says; its parent may still have to take note of it. */
int checkpoint_write_end(struct container *c, struct err *err)
{
	CLEAN(fd) int mark = -1;
	struct timespec now;

	if (c->pidfd >= 0 && !process_ended(c->pidfd, END_MS))
		return err_set(err, ETIMEDOUT,
			       "container \"%s\": its init does not end after the checkpoint",
			       c->state.name);
	clock_gettime(CLOCK_REALTIME, &now);
	c->state.status = STATUS_STOPPED;
	c->state.finished_unix_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	/* A file of its own: whoever waits for the init writes the state anew, from what it knew before. */
	mark = openat(c->dir, STATE_CHECKPOINT_MARK, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (mark < 0)
		return err_sys(err, "write down that container \"%s\" was checkpointed",
			       c->state.name);
	c->end_untold = false;
	return state_write(c->dir, &c->state, err);
}

static int dump(struct dumping *d, struct err *err)
{
	const struct criu_call call = {
		.program = d->criu,
		.job = d->opt->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP,
		.options = &d->terms,
		.cgroup = -1,
		.notify = step,
		.data = d,
	};
	CLEAN(free) char *what = xasprintf("container \"%s\": criu fails", d->c->state.name);
	int rc = d->opt->pre_dump ? 0 : keep_facts(d, err);

	if (rc < 0)
		return rc;
	rc = criu_run(&call, NULL, err);
	if (rc < 0)
		return criu_said(what, &d->images, LOG_FILE, err);
	return d->opt->leave_running || d->opt->pre_dump ? 0 : checkpoint_write_end(d->c, err);
}

/* criu would dump it, and nobody could restore it: its program has no file. */
static int check_init(const struct container *c, struct err *err)
{
	if (!str_eq(strv_env_get(&c->state.annotations, SPEC_ANNOTATION_INIT), "true"))
		return 0;
	return err_set(err, ENOTSUP,
		       "container \"%s\" can't be checkpointed: its process 1 is the small init "
		       "(--init), which has no file that a restore would find",
		       c->state.name);
}

static int checkpoint_locked(struct dumping *d, struct strv *warnings, struct err *err)
{
	int rc = check_status(d->c, err);

	if (rc == 0 && d->c->state.vm)
		return vm_checkpoint(d->c, d->opt, err);
	if (rc == 0)
		rc = check_init(d->c, err);
	if (rc == 0)
		rc = check_status_fd(d, err);
	if (rc == 0)
		rc = criu_ready(d->opt, &d->criu, err);
	if (rc == 0)
		rc = images_open(d->opt, true, &d->images, err);
	if (rc == 0)
		rc = check_parent(d, err);
	if (rc == 0)
		rc = check_feature(d, err);
	if (rc == 0)
		rc = prepare(d, warnings, err);
	return rc < 0 ? rc : dump(d, err);
}

int container_checkpoint(struct container *c, const struct checkpoint_options *opt,
			 struct strv *warnings, struct err *err)
{
	CLEAN(dumping)
	struct dumping d = {
		.opt = opt,
		.c = c,
		.images = IMAGES_INIT,
		.terms = CRIU_OPTIONS_INIT,
	};
	int rc = container_lock(c, err);

	if (rc == 0)
		rc = checkpoint_locked(&d, warnings, err);
	if (rc == 0)
		event_note(c->root, &c->state, EVENT_CHECKPOINT, NULL);
	container_unlock(c);
	return rc;
}
