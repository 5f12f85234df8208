#include "runtime/vm_checkpoint.h"

#include "base/fd.h"
#include "runtime/criu_terms.h"
#include "runtime/events.h"
#include "runtime/life.h"
#include "runtime/vm_control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* Of a snapshot: microvm/snapshot.c. */
static const char *const files[] = { "state", "memory" };

#define SNAPSHOT_S 600 /* a large memory on a slow disk */

/* ---- what can't be had ------------------------------------------------------------------------------- */

/* What makes sense of a dump page by page, and of criu alone. */
static const char *no_such_flag(const struct checkpoint_options *o)
{
	const struct {
		bool given;
		const char *flag;
	} flags[] = {
		{ o->pre_dump, "--pre-dump" },
		{ o->lazy_pages, "--lazy-pages" },
		{ o->page_server, "--page-server" },
		{ o->parent_path, "--parent-path" },
		{ o->lsm_profile, "--lsm-profile" },
		{ o->lsm_mount_context, "--lsm-mount-context" },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (flags[i].given)
			return flags[i].flag;
	return NULL;
}

int vm_checkpoint_check(const struct spec *spec, const char *bundle, bool copy,
			const struct checkpoint_options *opt, struct err *err)
{
	const char *flag = no_such_flag(opt);

	if (spec_wants_emulated(spec))
		return err_set(err, ENOTSUP,
			       "a container in an emulator (--isolation emulated) can't be "
			       "checkpointed: the emulator's state is no matter of ours");
	if (flag)
		return err_set(err, ENOTSUP,
			       "%s: a micro-VM's checkpoint is the whole machine at one moment",
			       flag);
	/* Above the files that the checkpoint knows a copy has a layer of its own; above an image the layer is in it. */
	if (!vm_root_is_image(spec, bundle))
		return copy ? 0 : criu_rootfs_check(spec, err);
	if (vm_image_writes(spec, bundle))
		return err_set(
			err, ENOTSUP,
			"a container that writes to its image, %s, can't be checkpointed: "
			"what the guest knows of it would be wrong when it goes on; --overlay "
			"and --read-only only read it",
			spec->root_path);
	return 0;
}

int vm_image_check(const struct images *images, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (faccessat(images->dir, files[i], F_OK, 0) < 0)
			return err_set(err, ENOENT,
				       "no checkpoint of a micro-VM in %s: it has no file \"%s\"; "
				       "--image-path",
				       images->path, files[i]);
	return 0;
}

/* ---- checkpoint ---------------------------------------------------------------------------------------- */

static int new_file(const struct images *images, const char *name, int *ret, struct err *err)
{
	/* Of a checkpoint before: whoever goes on from that still has it. */
	if (unlinkat(images->dir, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s/%s", images->path, name);
	*ret = openat(images->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret < 0 ? err_sys(err, "make %s/%s", images->path, name) : 0;
}

static int write_machine(const struct container *c, const struct images *images, struct err *err)
{
	CLEAN(fd) int state = -1;
	CLEAN(fd) int memory = -1;
	int rc = new_file(images, files[0], &state, err);

	if (rc == 0)
		rc = new_file(images, files[1], &memory, err);
	if (rc == 0)
		rc = vm_control_files(c->dir, "snapshot", (int[]){ state, memory }, SNAPSHOT_S,
				      err);
	for (size_t i = 0; rc < 0 && i < ARRAY_LEN(files); i++)
		unlinkat(images->dir, files[i], 0);
	return rc;
}

/* Its launcher alone: what it runs in the guest dies with that. */
static int end(struct container *c, struct err *err)
{
	if (c->pidfd >= 0 && pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(err, "end the micro-VM's launcher");
	return checkpoint_write_end(c, err);
}

static int dump(struct container *c, const struct checkpoint_options *opt,
		const struct images *images, struct err *err)
{
	bool was_paused = c->state.status == STATUS_PAUSED;
	struct err ignored;
	int rc = was_paused ? launcher_freeze(c, false, err) : 0;

	/* Not one step beyond what is written down: what it does then, it would do twice. */
	if (rc == 0 && !was_paused)
		rc = vm_control(c->dir, "pause", err);
	if (rc < 0)
		return rc;
	rc = write_machine(c, images, err);
	if (rc == 0 && !opt->leave_running)
		return end(c, err);
	if (was_paused)
		(void)!launcher_freeze(c, true, &ignored);
	else if (vm_control(c->dir, "resume", rc < 0 ? &ignored : err) < 0 && rc == 0)
		rc = -err->code;
	return rc;
}

int vm_checkpoint(struct container *c, const struct checkpoint_options *opt, struct err *err)
{
	CLEAN(images) struct images images = IMAGES_INIT;
	CLEAN(spec) struct spec spec = { 0 };
	int rc = container_spec(c, &spec, err);

	if (rc == 0)
		rc = vm_checkpoint_check(&spec, c->state.bundle, false, opt, err);
	if (rc == 0)
		rc = images_open(opt, true, &images, err);
	if (rc == 0)
		rc = checkpoint_keep(c, &images, err);
	return rc < 0 ? rc : dump(c, opt, &images, err);
}

/* ---- restore ------------------------------------------------------------------------------------------- */

int vm_restore(int root, struct spec *spec, const struct create_options *opt,
	       const struct checkpoint_options *how, struct strv *warnings, struct container *ret,
	       struct err *err)
{
	CLEAN(images) struct images images = IMAGES_INIT;
	struct create_options o = *opt;
	struct err ignored;
	int rc = vm_checkpoint_check(spec, opt->bundle, opt->copy, how, err);

	*ret = CONTAINER_INIT;
	if (rc == 0)
		rc = images_open(how, false, &images, err);
	if (rc == 0)
		rc = vm_image_check(&images, err);
	if (rc == 0)
		rc = restore_take_over(root, opt->name, warnings, err);
	if (rc < 0)
		return rc;
	o.snapshot = images.path;
	o.start_by_caller = true;
	rc = container_create(root, spec, &o, warnings, ret, err);
	if (rc < 0)
		return rc;
	rc = container_start(ret, warnings, err);
	if (rc < 0) {
		(void)!container_delete(ret, true, warnings, &ignored);
		container_close(ret);
		return rc;
	}
	event_note(root, &ret->state, EVENT_RESTORE, NULL);
	return 0;
}
