/* spec */
#include "oci/oci.h"

#include "base/fd.h"
#include "base/json.h"
#include "spec/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
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

static int write_new(const char *dir, const struct str *text, struct err *err)
{
	CLEAN(free) char *path = xasprintf("%s/config.json", dir);
	CLEAN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r;

	if (fd < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "%s is there already; remove it first", path);
	if (fd < 0)
		return err_sys(err, "write %s", path);
	r = fd_write_all(fd, text->text, text->len);
	if (r < 0)
		(void)unlink(path);
	return r < 0 ? err_set(err, -r, "write %s: %s", path, strerror(-r)) : 0;
}

int oci_verb_spec(struct call *call)
{
	const struct oci_spec_flags *f = call->flags;
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(spec) struct spec spec = { 0 };
	CLEAN(str) struct str text = { 0 };
	struct err err = { 0 };

	spec_default(&spec);
	spec.process.terminal = true;
	spec.root_readonly = true;
	if (f->rootless)
		make_rootless(&spec);
	doc = spec_to_json(&spec);
	oci_put_json(&text, doc, true);
	return write_new(f->bundle ? f->bundle : ".", &text, &err) < 0 ? call_fail(call, &err) : 0;
}
