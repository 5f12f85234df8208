/* From struct spec to JSON, by the same tables. What was absent stays absent. */
#include "spec/fields.h"
#include "spec/load.h"

#include <string.h>

static void put(struct json_object *o, const char *key, struct json_object *value)
{
	/* The keys are the tables' own: they outlive every document. */
	json_object_object_add_ex(o, key, value,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

static struct json_object *words_of_bits(enum spec_words_id id, uint64_t bits)
{
	struct json_object *list = json_object_new_array();

	for (int bit = 0; bit < 64; bit++) {
		const struct spec_word *word = bits >> bit & 1 ? spec_word_of(id, bit) : NULL;

		if (word)
			json_object_array_add(list, json_object_new_string(word->word));
	}
	return list;
}

static struct json_object *list_json(const struct field *f, const void *from)
{
	struct json_object *list = json_object_new_array();
	size_t size = field_table(f->sub)->size;
	struct field_list items;

	memcpy(&items, from, sizeof(items));
	for (size_t i = 0; i < items.count; i++)
		json_object_array_add(list, field_write_object(f->sub, (const char *)items.items +
									       i * size));
	return list;
}

static struct json_object *keyed_json(const struct field *f, const void *from)
{
	struct json_object *o = json_object_new_object();
	size_t size = field_table(f->sub)->size;
	struct field_list items;

	memcpy(&items, from, sizeof(items));
	for (size_t i = 0; i < items.count; i++) {
		const void *element = (const char *)items.items + i * size;

		json_object_object_add(o, *(char *const *)element,
				       field_write_object(f->sub, element));
	}
	return o;
}

static struct json_object *u32_list_json(const void *from)
{
	struct json_object *list = json_object_new_array();
	struct field_list items;

	memcpy(&items, from, sizeof(items));
	for (size_t i = 0; i < items.count; i++)
		json_object_array_add(list,
				      json_object_new_uint64(((const uint32_t *)items.items)[i]));
	return list;
}

static struct json_object *namespaces_json(const struct spec_namespace *ns)
{
	struct json_object *list = json_object_new_array();

	for (enum spec_ns kind = 0; kind < NS_KINDS; kind++) {
		struct json_object *o;

		if (!ns[kind].wanted)
			continue;
		o = json_object_new_object();
		json_put_string(o, "type", spec_ns_name(kind));
		json_put_string(o, "path", ns[kind].path);
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *access_json(const bool *from)
{
	char text[4];
	size_t len = 0;

	for (int i = 0; i < 3; i++)
		if (from[i])
			text[len++] = "rwm"[i];
	return json_object_new_string_len(text, (int)len);
}

static struct json_object *number_json(const struct field *f, const void *from)
{
	bool always = f->flags & (REQUIRED | WRITE_ZERO);
	uint64_t u = 0;
	int64_t i = 0;

	switch (f->kind) {
	case FIELD_U32:
		u = *(const uint32_t *)from;
		break;
	case FIELD_U64:
		u = *(const uint64_t *)from;
		break;
	case FIELD_I32:
		i = *(const int32_t *)from;
		return i || always ? json_object_new_int64(i) : NULL;
	case FIELD_I64:
		i = *(const int64_t *)from;
		return i || always ? json_object_new_int64(i) : NULL;
	case FIELD_OPT_U64:
		u = ((const struct opt_u64 *)from)->value;
		return ((const struct opt_u64 *)from)->set ? json_object_new_uint64(u) : NULL;
	case FIELD_OPT_I64:
		i = ((const struct opt_i64 *)from)->value;
		return ((const struct opt_i64 *)from)->set ? json_object_new_int64(i) : NULL;
	default:
		i = ((const struct opt_i64 *)from)->value;
		return ((const struct opt_i64 *)from)->set ? json_object_new_boolean(i != 0) : NULL;
	}
	return u || always ? json_object_new_uint64(u) : NULL;
}

static struct json_object *string_json(const char *text)
{
	return text ? json_object_new_string(text) : NULL;
}

static struct json_object *word_json(const struct field *f, int64_t value)
{
	const struct spec_word *word = spec_word_of(f->sub, (int)value);

	return word ? json_object_new_string(word->word) : NULL;
}

static struct json_object *strv_json(const struct strv *v)
{
	struct json_object *list = json_object_new_array_ext((int)v->count);

	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(list, json_object_new_string(v->items[i]));
	return list;
}

static struct json_object *object_json(const struct field *f, const void *object, const void *from)
{
	if (f->set_at && !*((const bool *)((const char *)object + f->set_at)))
		return NULL;
	return field_write_object(f->sub, from);
}

static struct json_object *field_json(const struct field *f, const void *object)
{
	const void *from = (const char *)object + f->offset;

	switch (f->kind) {
	case FIELD_STRING:
	case FIELD_WORD_STRING:
		return string_json(*(char *const *)from);
	case FIELD_BOOL:
		return *(const bool *)from || (f->flags & REQUIRED) ?
			       json_object_new_boolean(*(const bool *)from) :
			       NULL;
	case FIELD_STRV:
	case FIELD_WORD_STRV:
		return strv_json(from);
	case FIELD_MAP:
		return json_from_map(from);
	case FIELD_U32_LIST:
		return u32_list_json(from);
	case FIELD_WORD:
		return word_json(f, *(const int *)from);
	case FIELD_WORD_CHAR:
		return word_json(f, *(const char *)from);
	case FIELD_OPT_WORD:
		return ((const struct opt_i64 *)from)->set ?
			       word_json(f, ((const struct opt_i64 *)from)->value) :
			       NULL;
	case FIELD_WORD_BITS:
		return words_of_bits(f->sub, *(const uint64_t *)from);
	case FIELD_OBJECT:
		return object_json(f, object, from);
	case FIELD_LIST:
		return list_json(f, from);
	case FIELD_KEYED:
		return keyed_json(f, from);
	case FIELD_NAMESPACES:
		return namespaces_json(from);
	case FIELD_ACCESS:
		return access_json(from);
	case FIELD_EMPTY:
	case FIELD_REFUSED:
		return NULL;
	default:
		return number_json(f, from);
	}
}

static bool is_empty(struct json_object *o)
{
	return json_object_is_type(o, json_type_array)  ? !json_object_array_length(o) :
	       json_object_is_type(o, json_type_object) ? !json_object_object_length(o) :
							  false;
}

struct json_object *field_write_object(enum table_id id, const void *object)
{
	const struct table *t = field_table(id);
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < t->count; i++) {
		const struct field *f = &t->fields[i];
		struct json_object *value = field_json(f, object);

		/* An object that was there is kept even when nothing in it is set; a list is not. */
		if (value && is_empty(value) && !f->set_at && !(f->flags & REQUIRED)) {
			json_object_put(value);
			value = NULL;
		}
		if (value)
			put(o, f->key, value);
	}
	return o;
}

struct json_object *spec_to_json(const struct spec *spec)
{
	return field_write_object(TABLE_SPEC, spec);
}
