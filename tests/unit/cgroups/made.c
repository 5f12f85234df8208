#include "made.h"

#include <stdlib.h>

struct spec_resources res;
struct cgroup_settings made;
struct strv warnings;
struct err err;

int made_begin(void **state)
{
	(void)state;
	res = (struct spec_resources){ 0 };
	err = (struct err){ 0 };
	return 0;
}

int made_end(void **state)
{
	(void)state;
	cgroup_settings_free(&made);
	strv_free(&warnings);
	strv_free(&res.unified);
	free(res.block_io.weight_devices.items);
	free(res.block_io.read_bps.items);
	free(res.block_io.write_iops.items);
	free(res.hugepages.items);
	free(res.rdma.items);
	free(res.network.priorities.items);
	return 0;
}

int make(void)
{
	cgroup_settings_free(&made);
	strv_free(&warnings);
	return cgroup_settings_make(&res, &made, &warnings, &err);
}

const struct cgroup_setting *setting(const char *file)
{
	size_t i;

	for (i = 0; i < made.count; i++)
		if (str_eq(made.items[i].file, file))
			return &made.items[i];
	return NULL;
}

const char *value_of(const char *file)
{
	const struct cgroup_setting *s;

	assert_works(make(), &err);
	s = setting(file);
	return s ? s->value : "";
}
