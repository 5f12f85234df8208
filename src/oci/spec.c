/* spec */
#include "oci/oci.h"

#include "base/file.h"
#include "base/json.h"
#include "spec/load.h"

#include <fcntl.h>
#include <unistd.h>

const struct opt_row oci_spec_rows[] = {
	{ "bundle", "DIR", "Folder to write config.json into (default: this one)", "@dir",
	  .kind = OPT_STRING, .letter = 'b', OPT_TO(struct oci_spec_flags, bundle) },
	{ "rootless", NULL, "One for an ordinary user: root of a user namespace, no limits",
	  .kind = OPT_FLAG, OPT_TO(struct oci_spec_flags, rootless) },
	{ 0 },
};

static void map_one(void *list, uint32_t host_id)
{
	spec_id_maps *maps = list;
	struct spec_id_map *m = SPEC_ADD(maps);

	*m = (struct spec_id_map){ .container_id = 0, .host_id = host_id, .size = 1 };
}

/* Ids but 0 don't exist there, and limits need a delegated group. */
static void make_rootless(struct spec *spec)
{
	spec->lin.namespaces[NS_USER].wanted = true;
	map_one(&spec->lin.uid_maps, geteuid());
	map_one(&spec->lin.gid_maps, getegid());
	spec_resources_free(&spec->lin.resources);
	for (size_t i = 0; i < spec->mounts.count; i++) {
		struct strv kept = { 0 }, *options = &spec->mounts.items[i].options;

		for (size_t k = 0; k < options->count; k++)
			if (!str_starts(options->items[k], "gid=") &&
			    !str_starts(options->items[k], "uid="))
				strv_add(&kept, options->items[k]);
		strv_free(options);
		*options = kept;
	}
}

int oci_verb_spec(struct call *call)
{
	const struct oci_spec_flags *f = call->flags;
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(str) struct str text = { 0 };
	CLEAN(free) char *path = NULL;
	struct err err = { 0 };

	spec_default(&spec);
	spec.process.terminal = true;
	spec.root_readonly = true;
	if (f->rootless)
		make_rootless(&spec);
	doc = spec_to_json(&spec);
	oci_put_json(&text, doc, true);
	path = xasprintf("%s/config.json", f->bundle ? f->bundle : ".");
	return file_write_new(AT_FDCWD, path, text.text, &err) < 0 ? call_fail(call, &err) : 0;
}
