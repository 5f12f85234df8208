/*
 * A --format template, and after a form feed the document that it is put over.
 *
 * max: 256
 * words: src/ctr/format.c tests/fuzz/format_fuzz.c
 */
#include "fuzz.h"

#include "base/json.h"
#include "ctr/format.h"

#include <string.h>

static const char usual[] =
	"{\"Name\":\"a\",\"State\":{\"Pid\":1,\"List\":[1,\"two\",null]},\"Empty\":{}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(json) struct json_object *doc = NULL;
	CLEAN(str) struct str out = { 0 };
	struct err err = { 0 };
	const char *json;
	char *texts[2];
	int rc;

	fuzz_texts(data, size, texts, ARRAY_LEN(texts));
	json = *texts[1] ? texts[1] : usual;
	rc = json_parse(json, strlen(json), "document", &doc, &err);
	fuzz_check(rc, &err);
	if (rc == 0) {
		fuzz_check(format_render(texts[0], doc, &out, &err), &err);
		format_json(doc, &out);
	}
	fuzz_texts_free(texts, ARRAY_LEN(texts));
	return 0;
}
