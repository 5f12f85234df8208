/* From JSON to struct spec, by the tables. */
#include "spec/fields.h"
#include "spec/read_scalar.h"

#include <errno.h>
#include <string.h>

#define AT(object, f) ((void *)((char *)(object) + (f)->offset))

static int read_map(const struct json_at *at, struct strv *ret, struct err *err)
{
	int rc = json_want_object(at, err);

	if (rc < 0 || !at->value)
		return rc;
	json_object_object_foreach (at->value, key, value) {
		struct json_at item = json_get(at, key);
		CLEAN(free) char *text = NULL;

		(void)value;
		if (!*key)
			return json_fail(&item, err, EINVAL, "a key must not be empty");
		rc = json_read_string(&item, &text, err);
		if (rc == 0)
			rc = json_fail(&item, err, EINVAL, "expected a string, found null");
		if (rc < 0)
			return rc;
		json_map_add(ret, key, text);
	}
	return 0;
}

static int read_u32_list(const struct json_at *at, void *to, struct err *err)
{
	SPEC_LIST(uint32_t) *list = to;
	size_t count = json_count(at);
	int rc = json_want_array(at, err);

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		struct json_at item = json_item(at, i);
		uint64_t number = 0;

		rc = json_read_u64(&item, 0, UINT32_MAX - 1, &number, err);
		*SPEC_ADD(list) = (uint32_t)number;
	}
	return rc < 0 ? rc : 0;
}

/* Append a zeroed element of this size. */
static void *list_add(void *to, size_t size)
{
	struct field_list list;

	memcpy(&list, to, sizeof(list));
	list.items = xrealloc(list.items, list.count + 1, size);
	memset((char *)list.items + list.count * size, 0, size);
	list.count++;
	memcpy(to, &list, sizeof(list));
	return (char *)list.items + (list.count - 1) * size;
}

static int read_list(const struct field_reader *r, const struct field *f, const struct json_at *at,
		     void *to, struct err *err)
{
	size_t count = json_count(at), size = field_table(f->sub)->size;
	int rc = json_want_array(at, err);

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		struct json_at item = json_item(at, i);

		rc = item.value ? field_read_object(r, f->sub, &item, list_add(to, size), err) :
				  json_fail(&item, err, EINVAL, "expected an object, found null");
	}
	return rc < 0 ? rc : 0;
}

static int read_keyed(const struct field_reader *r, const struct field *f, const struct json_at *at,
		      void *to, struct err *err)
{
	size_t size = field_table(f->sub)->size;
	int rc = json_want_object(at, err);

	if (rc < 0 || !at->value)
		return rc;
	json_object_object_foreach (at->value, key, value) {
		struct json_at item = json_get(at, key);
		void *element = list_add(to, size);

		*(char **)element = xstrdup(key);
		if (!value)
			continue;
		rc = field_read_object(r, f->sub, &item, element, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_namespaces(const struct field_reader *r, const struct json_at *at,
			   struct spec_namespace *to, struct err *err)
{
	size_t count = json_count(at);
	int rc = json_want_array(at, err);

	for (size_t i = 0; rc >= 0 && i < count; i++) {
		struct json_at item = json_item(at, i);
		struct {
			int kind;
			char *path;
		} row = { 0 };

		rc = field_read_object(r, TABLE_NAMESPACE, &item, &row, err);
		if (rc >= 0 && to[row.kind].wanted)
			rc = json_fail(&item, err, EINVAL, "a second namespace of type \"%s\"",
				       spec_ns_name((enum spec_ns)row.kind));
		if (rc < 0) {
			free(row.path);
			return rc;
		}
		to[row.kind] = (struct spec_namespace){ true, row.path };
		/* "" is how some engines say that they have none. */
		if (row.path && !*row.path)
			free(take_ptr(to[row.kind].path));
	}
	return rc < 0 ? rc : 0;
}

static int read_access(const struct json_at *at, bool *to, struct err *err)
{
	static const char letters[] = "rwm";
	CLEAN(free) char *text = NULL;
	int rc = json_read_string(at, &text, err);

	if (rc < 0)
		return rc;
	for (int i = 0; i < 3; i++)
		to[i] = !text || strchr(text, letters[i]);
	if (text && strspn(text, letters) != strlen(text))
		return json_fail(at, err, EINVAL, "only the letters r, w and m are known");
	return rc;
}

static int refuse(const struct field *f, const struct json_at *at, struct err *err)
{
	if (!at->value)
		return 0;
	switch ((enum field_refusal)f->sub) {
	case REFUSED_HYPERVISOR:
		return json_fail(at, err, ENOTSUP, "a micro-VM's launcher is ctr-vm; leave it out");
	case REFUSED_IMAGE:
		return json_fail(at, err, ENOTSUP,
				 "a micro-VM's files are those of root.path; leave it out");
	case REFUSED_HARDWARE:
		return json_fail(at, err, ENOTSUP, "micro-VMs have no such hardware");
	case REFUSED_OTHER_PLATFORM:
		break;
	}
	return json_fail(at, err, ENOTSUP, "is for another platform; this is a runtime for Linux");
}

static int read_one_object(const struct field_reader *r, const struct field *f,
			   const struct json_at *at, void *object, struct err *err)
{
	int rc;

	if (!at->value)
		return 0;
	rc = field_read_object(r, f->sub, at, AT(object, f), err);
	if (rc >= 0 && f->set_at)
		*((bool *)((char *)object + f->set_at)) = true;
	return rc;
}

static int read_field(const struct field_reader *r, const struct field *f, const struct json_at *at,
		      void *object, struct err *err)
{
	void *to = AT(object, f);

	switch (f->kind) {
	case FIELD_STRING:
		return json_read_string(at, to, err);
	case FIELD_BOOL:
		return json_read_bool(at, to, err);
	case FIELD_STRV:
		return json_read_strv(at, to, err);
	case FIELD_MAP:
		return read_map(at, to, err);
	case FIELD_U32_LIST:
		return read_u32_list(at, to, err);
	case FIELD_WORD:
	case FIELD_WORD_CHAR:
	case FIELD_OPT_WORD:
	case FIELD_WORD_STRING:
	case FIELD_WORD_STRV:
	case FIELD_WORD_BITS:
		return read_a_word(r, f, at, to, err);
	case FIELD_OBJECT:
		return read_one_object(r, f, at, object, err);
	case FIELD_LIST:
		return read_list(r, f, at, to, err);
	case FIELD_KEYED:
		return read_keyed(r, f, at, to, err);
	case FIELD_NAMESPACES:
		return read_namespaces(r, at, to, err);
	case FIELD_ACCESS:
		return read_access(at, to, err);
	case FIELD_EMPTY:
		if (json_count(at))
			return json_fail(at, err, ENOTSUP,
					 "nothing that could stand here is known");
		return json_want_array(at, err);
	case FIELD_REFUSED:
		return refuse(f, at, err);
	default:
		return read_number(f, at, to, err);
	}
}

static bool is_known(const struct table *t, const char *key)
{
	for (size_t i = 0; i < t->count; i++)
		if (str_eq(t->fields[i].key, key))
			return true;
	return false;
}

static int unknown_keys(const struct field_reader *r, const struct table *t,
			const struct json_at *at, struct err *err)
{
	json_object_object_foreach (at->value, key, value) {
		struct json_at item = json_get(at, key);
		char path[256];

		(void)value;
		if (is_known(t, key))
			continue;
		item.up = at;
		item.key = key;
		if (t->closed || r->strict)
			return json_fail(&item, err, EINVAL, "no such key in runtime spec 1.3");
		json_path(&item, path, sizeof(path));
		if (r->warnings)
			strv_printf(r->warnings, "%s: not in runtime spec 1.3, ignored", path);
	}
	return 0;
}

int field_read_object(const struct field_reader *reader, enum table_id id, const struct json_at *at,
		      void *object, struct err *err)
{
	const struct table *t = field_table(id);
	int rc = json_want_object(at, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < t->count; i++) {
		struct json_at member = json_get(at, t->fields[i].key);

		if ((t->fields[i].flags & REQUIRED) && !member.value)
			return json_fail(&member, err, EINVAL, "is missing");
		rc = read_field(reader, &t->fields[i], &member, object, err);
		if (rc < 0)
			return rc;
	}
	rc = unknown_keys(reader, t, at, err);
	return rc < 0 || !t->check ? rc : t->check(at, object, err);
}
