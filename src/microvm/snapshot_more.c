#include "microvm/snapshot_more.h"

#include <errno.h>

int snapshot_more_take(const struct devices *d, struct snapshot_more *ret, struct err *err)
{
	int rc = 0;

	*ret = (struct snapshot_more){ .devices = d };
	for (size_t i = 0; rc == 0 && i < d->plugged_count; i++) {
		struct virtio *v = d->plugged[i]->device;

		if (v->ops->save_more)
			rc = v->ops->save_more(v, &ret->of[i], err);
	}
	return rc;
}

void snapshot_more_add(struct snapshot_more *more, struct str *out)
{
	for (uint32_t i = 0; i < more->devices->plugged_count; i++) {
		struct virtio *v = more->devices->plugged[i]->device;
		struct str *of = &more->of[i];

		if (v->ops->save_held)
			v->ops->save_held(v, of);
		if (of->len)
			snapshot_add(out, SNAPSHOT_MORE, i, of->text, of->len);
	}
}

void snapshot_more_free(struct snapshot_more *more)
{
	for (size_t i = 0; more->devices && i < more->devices->plugged_count; i++)
		virtio_go_on(more->devices->plugged[i]->device);
	for (size_t i = 0; i < PCI_SLOTS; i++)
		str_free(&more->of[i]);
}

static int load(struct virtio *v, const struct snapshot *s, uint32_t index, struct err *err)
{
	size_t len = 0;
	const char *bytes = snapshot_find(s, SNAPSHOT_MORE, index, &len);

	if (!bytes)
		return err_set(err, EINVAL, "what the %s device has had is not in it",
			       v->ops->name);
	return v->ops->load_more(v, bytes, len, err);
}

int snapshot_more_load(const struct devices *d, const struct snapshot *s, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < d->plugged_count; i++)
		if (d->plugged[i]->device->ops->load_more)
			rc = load(d->plugged[i]->device, s, i, err);
	return rc;
}
