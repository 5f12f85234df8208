#include "spec/load.h"

#include "base/file.h"
#include "spec/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define IDENTIFIER "-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" DIGITS

/* A number without zeros in front: how long it is; 0: there is none. */
static size_t number_len(const char *s)
{
	size_t len = strspn(s, DIGITS);

	return *s == '0' && len > 1 ? 0 : len;
}

/* Where identifiers with dots between end; a number among them has no zeros in front, but in a build. */
static const char *identifiers_end(const char *s, bool build)
{
	for (;; s++) {
		size_t len = strspn(s, IDENTIFIER);

		if (!len || (!build && strspn(s, DIGITS) == len && !number_len(s)))
			return NULL;
		s += len;
		if (*s != '.')
			return s;
	}
}

/* Semantic versioning 2.0.0: MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD]. */
static bool is_version(const char *s, unsigned long *ret_minor)
{
	for (int i = 0; i < 3; i++) {
		size_t len = number_len(s);

		if (!len || (i < 2 && s[len] != '.'))
			return false;
		if (i == 1)
			*ret_minor = strtoul(s, NULL, 10);
		s += len + (i < 2);
	}
	if (*s == '-')
		s = identifiers_end(s + 1, false);
	if (s && *s == '+')
		s = identifiers_end(s + 1, true);
	return s && !*s;
}

/* Within a major version older is fine, and what is newer may say what we don't understand. */
static int version_check(const struct spec *spec, const char *name, struct strv *warnings,
			 struct err *err)
{
	const char *version = spec->oci_version;
	unsigned long minor = 0;

	if (!is_version(version, &minor))
		return err_set(err, EINVAL,
			       "%s: ociVersion: \"%.32s\" is no version like 1.2.0 (SemVer 2.0.0)",
			       name, version);
	if (!str_starts(version, "1."))
		return err_set(err, EINVAL,
			       "%s: ociVersion: \"%.32s\" is not a version 1 of the runtime spec",
			       name, version);
	if (minor > strtoul(&SPEC_OCI_VERSION[2], NULL, 10) && warnings)
		strv_printf(warnings, "ociVersion: %.32s is newer than %s, which is spoken here",
			    version, SPEC_OCI_VERSION);
	return 0;
}

int spec_from_json(struct json_object *o, const char *name, struct spec *ret, struct strv *warnings,
		   struct err *err)
{
	const struct field_reader reader = { .warnings = warnings };
	const struct json_at root = { .value = o };
	int rc = field_read_object(&reader, TABLE_SPEC, &root, ret, err);

	if (rc < 0)
		err_wrap(err, "%s: ", name);
	else
		rc = version_check(ret, name, warnings, err);
	if (rc < 0)
		spec_free(ret);
	return rc < 0 ? rc : 0;
}

int spec_parse(const char *text, size_t len, const char *name, struct spec *ret,
	       struct strv *warnings, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int rc = json_parse(text, len, name, &o, err);

	return rc < 0 ? rc : spec_from_json(o, name, ret, warnings, err);
}

int spec_load(int dir, const char *path, struct spec *ret, struct strv *warnings, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	int rc = json_parse_file(dir, path, &o, err);

	return rc < 0 ? rc : spec_from_json(o, path, ret, warnings, err);
}

int spec_load_own(int dir, const char *path, struct spec *ret, struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(free) char *text = NULL;
	size_t len;
	int rc = file_read(dir, path, JSON_SIZE_MAX, &text, &len, err);

	if (rc == 0)
		rc = json_parse_own(text, len, path, &o, err);
	return rc < 0 ? rc : spec_from_json(o, path, ret, NULL, err);
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
