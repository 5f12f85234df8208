/* A user namespace that stands for a container's: for who works on its files from outside. */
#include "runtime/userns.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "rootfs/mnt.h"
#include "runtime/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define MAP_BYTES 65536 /* a map has up to 340 lines */

/* Lines of three numbers, user_namespaces(7): first id inside, first id outside, count. */
static int map_read(const char *path, spec_id_maps *ret, struct err *err)
{
	CLEAN(free) char *text = NULL;
	unsigned long number[3];
	size_t have = 0;
	int r = file_read(AT_FDCWD, path, MAP_BYTES, &text, NULL, err);

	if (r < 0)
		return r;
	ret->count = 0;
	for (char *at = text, *end; (number[have] = strtoul(at, &end, 10), end != at); at = end) {
		have = (have + 1) % ARRAY_LEN(number);
		if (have == 0)
			*SPEC_ADD(ret) = (struct spec_id_map){ .container_id = (uint32_t)number[0],
							       .host_id = (uint32_t)number[0],
							       .size = (uint32_t)number[2] };
	}
	return ret->count ? 0 : err_set(err, EINVAL, "%s says nothing", path);
}

int userns_same_ids(spec_id_maps *ret_uids, spec_id_maps *ret_gids, struct err *err)
{
	int r = map_read("/proc/self/uid_map", ret_uids, err);

	return r < 0 ? r : map_read("/proc/self/gid_map", ret_gids, err);
}

int userns_make(const spec_id_maps *uids, const spec_id_maps *gids, struct err *err)
{
	return rootless() ? mnt_userns_open(rootless_map_write, uids, gids, err) :
			    mnt_idmap_open(uids, gids, err);
}
