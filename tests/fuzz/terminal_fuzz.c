/*
 * What a container says to a service manager, and to a terminal that is left before its program ends.
 *
 * max: 4096
 * words: src/monitor/sdnotify.c src/monitor/modes.c
 */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "monitor/modes.h"
#include "monitor/sdnotify.h"

#include <stdlib.h>
#include <string.h>

/* What passes is bounded, without control characters, and passes again as it is. */
static void notify(const char *message, size_t len, bool ready_only)
{
	char text[SDNOTIFY_MESSAGE_MAX], again[SDNOTIFY_MESSAGE_MAX];
	bool ready, ready_again;
	size_t out = sdnotify_filter(message, len, ready_only, text, &ready), second;

	if (out > sizeof(text))
		fuzz_broken("%zu bytes of %zu pass", out, len);
	for (size_t i = 0; i < out; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\n')
			fuzz_broken("a control character passes");
	if (memmem(text, out, "MAINPID=", 8) && !memmem(text, out, "STATUS=", 7))
		fuzz_broken("a container says which pid is the main one");
	second = sdnotify_filter(text, out, ready_only, again, &ready_again);
	if (second != out || memcmp(text, again, out) != 0 || ready != ready_again)
		fuzz_broken("what passes does not pass again");
	if (ready != (memmem(text, out, "READY=1", 7) && ready))
		fuzz_broken("ready is not what is said");
}

/* The same wherever it is cut; what comes out leads there and back. */
static void terminal(const char *bytes, size_t len)
{
	struct modes whole = { 0 }, cut = { 0 }, there = { 0 };
	CLEAN(str) struct str go = { 0 };
	CLEAN(str) struct str back = { 0 };

	modes_follow(&whole, bytes, len);
	for (size_t i = 0; i < len; i++)
		modes_follow(&cut, bytes + i, 1);
	if (memcmp(&whole, &cut, sizeof(cut)) != 0)
		fuzz_broken("the end depends on the cuts");
	modes_do(&whole, &go);
	modes_undo(&whole, &back);
	modes_follow(&there, go.text ? go.text : "", go.len);
	if (there.changed != whole.changed)
		fuzz_broken("it leads to %x, not to %x", there.changed, whole.changed);
	modes_follow(&there, back.text ? back.text : "", back.len);
	if (there.changed)
		fuzz_broken("%x stays", there.changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	notify(exact, size, false);
	notify(exact, size, true);
	terminal(exact, size);
	free(exact);
	return 0;
}
