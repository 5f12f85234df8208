#include "ctr/volumes.h"

#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/path.h"
#include "base/process.h"
#include "ctr/files.h"
#include "monitor/volumes.h"
#include "runtime/rootless.h"
#include "runtime/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int volumes_data_root(const char *flag, char **ret, struct err *err)
{
	const char *said = flag ? flag : getenv("CTR_DATA_ROOT");

	*ret = said && *said ? path_absolute(said) : call_usual_data();
	if (!*ret)
		return err_set(err, ENOENT,
			       "there is no home to keep volumes in: set HOME, XDG_DATA_HOME or "
			       "--data-root");
	return 0;
}

int volumes_open(const struct call *call, struct volume_store *ret, struct err *err)
{
	CLEAN(free) char *data = NULL;
	int r = volumes_data_root(call->data_root, &data, err);

	return r < 0 ? r : volumes_store_open(data, ret, err);
}

/* ---- filled when it is new --------------------------------------------------------------- */

/* Whom the container's root is, outside. */
static uint32_t outer_root(const spec_id_maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		if (maps->items[i].container_id == 0)
			return maps->items[i].host_id;
	return 0;
}

/* The folder that the root has there, below. Not where the root is put together of the machine's own. */
static int image_open(const struct run_made *m, const char *at, int *ret_root)
{
	const char *kind = spec_annotation(&m->spec, SPEC_ANNOTATION_ROOTFS);
	CLEAN(free) char *path = spec_root(&m->spec, m->bundle);
	CLEAN(fd) int folder = -1;

	if (str_eq(kind, "host") || !*path)
		return -ENOENT;
	*ret_root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_root < 0)
		return -errno;
	folder = path_open_in_root(*ret_root, at, O_PATH | O_DIRECTORY, 0, NULL);
	return folder < 0 ? folder : 0;
}

static int copy_up(const struct run_made *m, const struct run_volume *v, int image, int to,
		   int userns, struct err *err)
{
	const char *kind = spec_annotation(&m->spec, SPEC_ANNOTATION_ROOTFS);
	struct archive_job pack = {
		.kind = ARCHIVE_PACK,
		.flags = ARCHIVE_FOLLOW | ARCHIVE_ONE_FS,
		.root = image,
		.lower = -1,
		/* A layer below an overlay belongs to the host's ids; a plain folder to the container's. */
		.userns = kind && !rootless() ? -1 : userns,
		.path = v->destination,
		.name = ".",
	};
	struct archive_job unpack = {
		.kind = ARCHIVE_UNPACK,
		.flags = ARCHIVE_OWNERS | ARCHIVE_TOP,
		.root = to,
		.lower = -1,
		.userns = userns,
		.path = "/",
		.name = "",
	};
	struct archive_counts counts = { 0 };
	CLEAN(fd) int helper = helper_open(ARCHIVE_HELPER, err);

	return helper < 0 ? helper : archive_copy(helper, &pack, &unpack, &counts, err);
}

/* Beside the empty one, and then in its place: nobody sees a part of it. */
static int fill(const struct volume_store *s, const struct run_made *m, const struct run_volume *v,
		struct err *err)
{
	const struct spec_linux *lin = &m->spec.lin;
	bool mapped = lin->namespaces[NS_USER].wanted && !lin->namespaces[NS_USER].path;
	CLEAN(fd) int image = -1;
	CLEAN(fd) int userns = -1;
	CLEAN(fd) int to = -1;
	int dir = v->use.dir, r = s->remove_tree(dir, "_new", err);
	bool copies = !v->nocopy && image_open(m, v->destination, &image) == 0;

	if (r < 0)
		return r;
	if (mkdirat(dir, "_new", 0755) < 0 || fchmodat(dir, "_new", 0755, 0) < 0 ||
	    (to = openat(dir, "_new", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return err_sys(err, "make a folder in volume %s", v->name);
	if (mapped && !rootless() &&
	    fchown(to, outer_root(&lin->uid_maps), outer_root(&lin->gid_maps)) < 0)
		return err_sys(err, "give volume %s to the container's root", v->name);
	if (copies && mapped)
		r = userns = userns_make(&lin->uid_maps, &lin->gid_maps, err);
	if (r >= 0 && copies)
		r = copy_up(m, v, image, to, userns, err);
	if (r >= 0 && renameat(dir, "_new", dir, "_data") < 0)
		r = err_sys(err, "fill volume %s", v->name);
	return r < 0 ? err_wrap(err, "volume %s: copy what the root has at %s: ", v->name,
				v->destination) :
		       0;
}

/* ---- a container's ----------------------------------------------------------------------- */

static int begin_one(const struct volume_store *s, const struct run_made *m, const char *root,
		     struct run_volume *v, struct err *err)
{
	const struct volume wanted = { .name = v->name, .anonymous = v->anonymous };
	const struct volume_user user = { .root = root, .name = m->name, .id = m->id };
	int r = volume_use(s, &wanted, &user, &v->use, err);

	if (r >= 0 && v->use.first)
		r = fill(s, m, v, err);
	if (v->use.dir >= 0)
		volume_use_ready(&v->use, r >= 0);
	return r;
}

int volumes_begin(const struct call *call, struct run_made *m, struct err *err)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	char root[PATH_MAX];
	int r;

	if (!m->volumes.count)
		return 0;
	r = fd_path(m->state_root, root, sizeof(root), err);
	if (r >= 0)
		r = volumes_open(call, &s, err);
	for (size_t i = 0; i < m->volumes.count && r >= 0; i++)
		r = begin_one(&s, m, root, &m->volumes.items[i], err);
	return r < 0 ? r : 0;
}

int volumes_release(struct call *call, const char *id, bool remove_anonymous)
{
	CLEAN(volume_store) struct volume_store s = { .fd = -1 };
	CLEAN(free) char *data = NULL, *path = NULL;
	struct err err = { 0 };
	int r = volumes_data_root(call->data_root, &data, &err);

	/* Nobody here has ever had a volume. */
	if (r < 0 || !id)
		return 0;
	path = xasprintf("%s/volumes", data);
	if (access(path, F_OK) < 0)
		return 0;
	r = volumes_open(call, &s, &err);
	if (r >= 0)
		r = volume_release(&s, id, remove_anonymous, &err);
	return r < 0 ? call_fail(call, &err) : 0;
}
