/* --blkio-weight, --device-read-bps and their kin. */
#include "ctr/run_make.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* DEVICE:VALUE; *ret_value points into text. */
static int disk_parse(const char *flag, const char *text, struct stat *st, const char **ret_value,
		      struct err *err)
{
	const char *colon = strrchr(text, ':');
	CLEAN(free) char *path = NULL;

	if (!colon || colon == text || !colon[1])
		return err_set(err, EINVAL, "--%s: \"%s\" is not DEVICE:VALUE", flag, text);
	path = xstrndup(text, (size_t)(colon - text));
	if (stat(path, st) < 0)
		return err_sys(err, "--%s: %s", flag, path);
	if (!S_ISBLK(st->st_mode))
		return err_set(err, ENOTBLK, "--%s: %s is not a disk", flag, path);
	*ret_value = colon + 1;
	return 0;
}

#define FLAG(field) offsetof(struct run_flags, field)
#define SPEC(field) offsetof(struct spec_resources, block_io.field)

static const struct throttle {
	const char *flag;
	size_t from, to;
	bool bytes;
} throttles[] = {
	{ "device-read-bps", FLAG(read_bps), SPEC(read_bps), true },
	{ "device-write-bps", FLAG(write_bps), SPEC(write_bps), true },
	{ "device-read-iops", FLAG(read_iops), SPEC(read_iops), false },
	{ "device-write-iops", FLAG(write_iops), SPEC(write_iops), false },
};

static int throttle_add(const struct throttle *t, const char *text, spec_throttles *to,
			struct err *err)
{
	const char *value = NULL;
	uint64_t rate = 0;
	struct stat st;
	int r = disk_parse(t->flag, text, &st, &value, err);

	if (r < 0)
		return r;
	r = t->bytes ? str_to_bytes(value, &rate) : str_to_u64(value, 0, UINT64_MAX, &rate);
	if (r < 0)
		return err_set(err, -r, "--%s: \"%s\" is no %s", t->flag, value,
			       t->bytes ? "number of bytes a second" : "number a second");
	*SPEC_ADD(to) = (struct spec_throttle){ major(st.st_rdev), minor(st.st_rdev), rate };
	return 0;
}

static int weight_add(const char *text, struct spec_resources *res, struct err *err)
{
	struct spec_weight_device *d;
	const char *value = NULL;
	uint64_t weight;
	struct stat st;
	int r = disk_parse("blkio-weight-device", text, &st, &value, err);

	if (r < 0)
		return r;
	r = str_to_u64(value, 10, 1000, &weight);
	if (r < 0)
		return err_set(err, -r, "--blkio-weight-device: \"%s\" is not from 10 to 1000",
			       value);
	d = SPEC_ADD(&res->block_io.weight_devices);
	d->major = (int64_t)major(st.st_rdev);
	d->minor = (int64_t)minor(st.st_rdev);
	d->weight = (struct opt_u64){ true, weight };
	return 0;
}

int block_io_resources(const struct run_flags *f, struct spec_resources *res, struct err *err)
{
	int r = 0;

	if (f->blkio_weight.set && f->blkio_weight.value) {
		if (f->blkio_weight.value < 10)
			return err_set(err, ERANGE, "--blkio-weight: from 10 to 1000 (0: unset)");
		res->block_io.weight = (struct opt_u64){ true, (uint64_t)f->blkio_weight.value };
	}
	for (size_t i = 0; i < f->blkio_weight_device.count && r >= 0; i++)
		r = weight_add(f->blkio_weight_device.items[i], res, err);
	for (size_t i = 0; i < ARRAY_LEN(throttles); i++) {
		const struct strv *from = (const void *)((const char *)f + throttles[i].from);
		spec_throttles *to = (void *)((char *)res + throttles[i].to);

		for (size_t j = 0; j < from->count && r >= 0; j++)
			r = throttle_add(&throttles[i], from->items[j], to, err);
	}
	return r;
}

int run_block_io(const struct run_flags *f, struct run_made *m, struct err *err)
{
	return block_io_resources(f, &m->spec.lin.resources, err);
}
