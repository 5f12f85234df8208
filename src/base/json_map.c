/* A map of strings, kept as "KEY=VALUE" lines. */
#include "base/json.h"

#include <string.h>

/* What stands for a '=' of the key's own; no document that is meant for people has it. */
#define EQUALS '\x1f'

static void swap(char *key, char from, char to)
{
	for (; *key; key++)
		if (*key == from)
			*key = to;
}

void json_map_add(struct strv *map, const char *key, const char *value)
{
	CLEAN(free) char *kept = xstrdup(key);

	swap(kept, '=', EQUALS);
	strv_printf(map, "%s=%s", kept, value);
}

struct json_object *json_from_map(const struct strv *map)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < map->count; i++) {
		const char *text = map->items[i];
		size_t len = strcspn(text, "=");
		CLEAN(free) char *key = xstrndup(text, len);

		swap(key, EQUALS, '=');
		json_put_string(o, key, text[len] ? text + len + 1 : "");
	}
	return o;
}
