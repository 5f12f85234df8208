#include "monitor/detach_keys.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

/* "a", "ctrl-a", "ctrl-@": the byte, or -1. */
static int key_of(const char *text)
{
	const char *c = text;

	if (strlen(text) == 1)
		return (unsigned char)*text;
	if (!str_starts(text, "ctrl-") || strlen(text) != 6)
		return -1;
	c += 5;
	if (*c >= 'a' && *c <= 'z')
		return *c - 'a' + 1;
	return strchr("@[\\]^_", *c) ? *c - '@' : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *err)
{
	CLEAN(strv) struct strv words = { 0 };

	*ret = (struct detach_keys){ 0 };
	if (!*text)
		return 0;
	strv_split(&words, text, ',');
	if (words.count > DETACH_KEYS_MAX)
		return err_set(err, EINVAL, "--detach-keys: more than %d keys", DETACH_KEYS_MAX);
	for (size_t i = 0; i < words.count; i++) {
		int key = key_of(words.items[i]);

		if (key < 0)
			return err_set(
				err, EINVAL,
				"--detach-keys: \"%s\" is not one character nor ctrl- with a "
				"letter or one of @[\\]^_",
				words.items[i]);
		ret->keys[ret->count++] = (char)key;
	}
	return 0;
}

bool detach_keys_filter(struct detach_keys *k, const char *typed, size_t len, char *out,
			size_t *ret_len)
{
	size_t n = 0;

	*ret_len = 0;
	for (size_t i = 0; i < len; i++) {
		if (k->count && typed[i] == k->keys[k->seen]) {
			if (++k->seen < k->count)
				continue;
			*ret_len = n;
			return true;
		}
		/* They were not: all of them but those that may be a beginning again. */
		memcpy(out + n, k->keys, k->seen);
		n += k->seen;
		k->seen = k->count && typed[i] == k->keys[0] && k->seen ? 1 : 0;
		if (!k->seen)
			out[n++] = typed[i];
	}
	*ret_len = n;
	return false;
}
