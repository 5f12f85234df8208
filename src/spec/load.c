#include "spec/load.h"

#include "base/file.h"
#include "spec/fields.h"

#include <errno.h>
#include <string.h>

static int version_check(const struct spec *spec, const char *name, struct err *err)
{
	if (str_starts(spec->oci_version, "1."))
		return 0;
	return err_set(err, EINVAL,
		       "%s: ociVersion: \"%.32s\" is not a version 1 of the runtime spec", name,
		       spec->oci_version);
}

static int from_json(struct json_object *o, const char *name, struct spec *ret,
		     struct strv *warnings, struct err *err)
{
	const struct field_reader reader = { .warnings = warnings };
	const struct json_at root = { .value = o };
	int rc = field_read_object(&reader, TABLE_SPEC, &root, ret, err);

	if (rc < 0)
		err_wrap(err, "%s: ", name);
	else
		rc = version_check(ret, name, err);
	if (rc < 0)
		spec_free(ret);
	return rc < 0 ? rc : 0;
}

int spec_parse(const char *text, size_t len, const char *name, struct spec *ret,
	       struct strv *warnings, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int rc = json_parse(text, len, name, &o, err);

	return rc < 0 ? rc : from_json(o, name, ret, warnings, err);
}

int spec_load(int dir, const char *path, struct spec *ret, struct strv *warnings, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int rc = json_parse_file(dir, path, &o, err);

	return rc < 0 ? rc : from_json(o, path, ret, warnings, err);
}

int spec_load_own(int dir, const char *path, struct spec *ret, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(free) char *text = NULL;
	size_t len;
	int rc = file_read(dir, path, JSON_SIZE_MAX, &text, &len, err);

	if (rc == 0)
		rc = json_parse_own(text, len, path, &o, err);
	return rc < 0 ? rc : from_json(o, path, ret, NULL, err);
}

int spec_load_process(int dir, const char *path, struct spec_process *ret, struct strv *warnings,
		      struct err *err)
{
	const struct field_reader reader = { .warnings = warnings };
	CLEAN(json) struct json_object *o = NULL;
	struct json_at root = { 0 };
	int rc = json_parse_file(dir, path, &o, err);

	if (rc < 0)
		return rc;
	root.value = o;
	rc = field_read_object(&reader, TABLE_PROCESS, &root, ret, err);
	if (rc < 0) {
		err_wrap(err, "%s: ", path);
		spec_process_free(ret);
	}
	return rc < 0 ? rc : 0;
}

static int resources_from_json(struct json_object *o, const char *name, struct spec_resources *ret,
			       struct strv *warnings, struct err *err)
{
	const struct field_reader reader = { .warnings = warnings };
	const struct json_at root = { .value = o };
	int rc = field_read_object(&reader, TABLE_RESOURCES, &root, ret, err);

	return rc < 0 ? err_wrap(err, "%s: ", name) : 0;
}

int spec_load_resources(int dir, const char *path, struct spec_resources *ret,
			struct strv *warnings, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int rc = json_parse_file(dir, path, &o, err);

	return rc < 0 ? rc : resources_from_json(o, path, ret, warnings, err);
}

int spec_parse_resources(const char *text, size_t len, const char *name, struct spec_resources *ret,
			 struct strv *warnings, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int rc = json_parse(text, len, name, &o, err);

	return rc < 0 ? rc : resources_from_json(o, name, ret, warnings, err);
}
