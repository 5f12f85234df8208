/* The keys by which one leaves a container's terminal: docker's. */
#ifndef CTR_MONITOR_DETACH_KEYS_H
#define CTR_MONITOR_DETACH_KEYS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define DETACH_KEYS_MAX 16
#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

struct detach_keys {
	size_t count; /* 0: there are none */
	char keys[DETACH_KEYS_MAX];
	size_t seen; /* how many of them were typed just now */
};

/* "ctrl-p,ctrl-q", "a,b", "" for none. -EINVAL says what a key can be. */
int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *err) MUST_CHECK;

/*
 * What was typed: keys that may be the beginning are held back, and come with what shows that they were
 * not. Writes what goes through to out, which has room for len + DETACH_KEYS_MAX, and its length to
 * *ret_len. True: they have all been typed; what was behind them is dropped.
 */
bool detach_keys_filter(struct detach_keys *k, const char *typed, size_t len, char *out,
			size_t *ret_len);

#endif
