/* linux.resources of a container that is there, changed in its own config.json. */
#include "base/file.h"
#include "spec/fields.h"
#include "spec/load.h"

#include <errno.h>
#include <string.h>

#define CONFIG_MAX JSON_SIZE_MAX

/* What tells an element of a list from the others: a disk, a size of pages. */
static const char *const element_keys[] = { "major", "minor", "pageSize" };

static bool same_element(struct json_object *a, struct json_object *b)
{
	for (size_t i = 0; i < ARRAY_LEN(element_keys); i++) {
		struct json_object *of_a = json_object_object_get(a, element_keys[i]),
				   *of_b = json_object_object_get(b, element_keys[i]);

		if (!json_object_equal(of_a, of_b))
			return false;
	}
	return true;
}

/* References are taken by json_object_get(): both documents are freed. */
static void merge_list(struct json_object *to, struct json_object *from)
{
	for (size_t i = 0; i < json_object_array_length(from); i++) {
		struct json_object *element = json_object_array_get_idx(from, i);
		size_t n = json_object_array_length(to), k = 0;

		while (k < n && !same_element(json_object_array_get_idx(to, k), element))
			k++;
		json_object_array_put_idx(to, k, json_object_get(element));
	}
}

/* An empty text is how docker asks for nothing. */
static void merge(struct json_object *to, struct json_object *from)
{
	json_object_object_foreach (from, key, value) {
		struct json_object *there = json_object_object_get(to, key);

		if (json_object_is_type(value, json_type_string) &&
		    !json_object_get_string_len(value))
			continue;
		if (there && json_object_is_type(value, json_type_object) &&
		    json_object_is_type(there, json_type_object))
			merge(there, value);
		else if (there && json_object_is_type(value, json_type_array) &&
			 json_object_is_type(there, json_type_array))
			merge_list(there, value);
		else
			json_object_object_add(to, key, json_object_get(value));
	}
}

/* The member, made where it is missing. */
static struct json_object *member(struct json_object *in, const char *key)
{
	struct json_object *o = json_object_object_get(in, key);

	if (!json_object_is_type(o, json_type_object)) {
		o = json_object_new_object();
		json_object_object_add(in, key, o);
	}
	return o;
}

static struct json_object *wishes(const struct spec_resources *res)
{
	struct json_object *o = field_write_object(TABLE_RESOURCES, res), *memory;

	json_object_object_del(o, "devices");
	/* Of one update, not of the container. */
	if (json_object_object_get_ex(o, "memory", &memory))
		json_object_object_del(memory, "checkBeforeUpdate");
	return o;
}

bool spec_resources_empty(const struct spec_resources *res)
{
	CLEAN(json) struct json_object *o = wishes(res);

	return !json_object_object_length(o);
}

int spec_update_resources(int dir, const char *path, const struct spec_resources *res,
			  struct err *err)
{
	CLEAN(json) struct json_object *o = NULL;
	CLEAN(json) struct json_object *from = wishes(res);
	CLEAN(free) char *text = NULL;
	const char *written;
	size_t len;
	int r = file_read(dir, path, CONFIG_MAX, &text, &len, err);

	if (r == 0)
		r = json_parse_own(text, len, path, &o, err);
	if (r < 0)
		return r;
	if (!json_object_is_type(o, json_type_object))
		return err_set(err, EINVAL, "%s: expected an object", path);
	merge(member(member(o, "linux"), "resources"), from);
	written = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN, &len);
	return file_write_atomic(dir, path, 0600, written, len, err);
}
