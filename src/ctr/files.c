#include "ctr/files.h"

#include "base/process.h"
#include "runtime/userns.h"
#include "runtime/vm.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

void files_free(struct files *f)
{
	container_close(&f->c);
	spec_free(&f->spec);
	clean_fd(&f->root);
	clean_fd(&f->userns);
	*f = FILES_INIT;
}

/* ---- containers ---------------------------------------------------------------------------- */

/* Its init's root. The number is its own as long as it hasn't ended, which is looked at afterwards. */
static int open_live(struct files *f, struct err *err)
{
	CLEAN(free) char *userns = xasprintf("/proc/%d/ns/user", (int)f->c.state.pid);

	f->root = container_files_open(&f->c);
	errno = f->root < 0 ? -f->root : 0;
	if (f->root >= 0)
		f->userns = open(userns, O_RDONLY | O_CLOEXEC);
	if (f->root < 0 || f->userns < 0) {
		if (errno == EACCES && f->c.state.status == STATUS_CREATED)
			return err_set(
				err, EBUSY,
				"container \"%s\" was not started yet, and nobody but root may look "
				"into it before; start it first",
				f->c.state.name);
		if (!process_ended(f->c.pidfd, 0))
			return err_sys(err, "enter the root of container \"%s\"", f->c.state.name);
	}
	f->live = !process_ended(f->c.pidfd, 0);
	if (f->live)
		return 0;
	clean_fd(&f->root);
	clean_fd(&f->userns);
	f->root = f->userns = -1;
	return 0;
}

static int open_stopped(struct files *f, struct err *err)
{
	const struct spec_namespace *user = &f->spec.lin.namespaces[NS_USER];
	const char *root = f->spec.root_path, *bundle = f->c.state.bundle;
	CLEAN(free) char *path = NULL;

	if (f->kind != FILES_PLAIN)
		return err_set(
			err, ESRCH,
			"container \"%s\" has stopped, and what it wrote is gone with its last process: "
			"its root was a throw-away layer (SOURCE host or busybox, --overlay); do this while "
			"it runs, or give it a --rootfs or a --volume",
			f->c.state.name);
	if (!root || (*root != '/' && !bundle))
		return err_set(err, ENOENT, "container \"%s\": its config.json has no root.path",
			       f->c.state.name);
	path = spec_root(&f->spec, bundle);
	f->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->root < 0)
		return err_sys(err, "the root of container \"%s\": %s", f->c.state.name, path);
	if (!user->wanted)
		return 0;
	f->userns = user->path ? open(user->path, O_RDONLY | O_CLOEXEC) :
				 userns_make(&f->spec.lin.uid_maps, &f->spec.lin.gid_maps, err);
	return f->userns >= 0 ? 0 : user->path ? err_sys(err, "open %s", user->path) : f->userns;
}

int files_open(int state_root, const char *name, struct files *ret, struct err *err)
{
	const char *kind;
	int r = container_open(state_root, name, &ret->c, err);

	if (r >= 0)
		r = container_spec(&ret->c, &ret->spec, err);
	if (r < 0)
		return r;
	if (vm_root_is_image(&ret->spec, ret->c.state.bundle))
		return err_set(
			err, ENOTSUP,
			"container \"%s\" has its files in an image, %s, which only its guest "
			"reads; a --volume is there for both, and so is the output of exec",
			name, ret->spec.root_path);
	kind = spec_annotation(&ret->spec, SPEC_ANNOTATION_ROOTFS);
	ret->kind = !kind ? FILES_PLAIN : str_eq(kind, "host") ? FILES_PROGRAMS : FILES_OVERLAY;
	if (ret->c.state.status == STATUS_CREATING)
		return err_set(err, EBUSY, "container \"%s\" is being created", name);
	if (ret->c.pidfd >= 0)
		r = open_live(ret, err);
	if (r >= 0 && !ret->live)
		r = open_stopped(ret, err);
	return r;
}

int files_host(struct files *ret, struct err *err)
{
	ret->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->root < 0 ? err_sys(err, "open /") : 0;
}

void files_warn(struct call *call, const struct archive_counts *counts)
{
	const struct {
		uint64_t count;
		const char *words;
	} rows[] = {
		{ counts->sockets, "left out: sockets, which no archive has" },
		{ counts->devices, "left out: devices" },
		{ counts->bits, "copied without the rights that they give (setuid, setgid, file "
				"capabilities)" },
		{ counts->owners, "copied, but not given to their owners: that is root's to do" },
		{ counts->xattrs,
		  "or more lost an extended attribute that the filesystem here doesn't take" },
		{ counts->changed, "became shorter while they were read, and end in zeros" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].count)
			strv_printf(&call->warnings, "%llu file%s %s",
				    (unsigned long long)rows[i].count,
				    rows[i].count == 1 ? "" : "s", rows[i].words);
}
