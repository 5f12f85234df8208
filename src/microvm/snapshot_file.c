#include "microvm/snapshot_file.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "ctr-vm\n\x1a";

struct head {
	char magic[8];
	uint32_t version, sections;
	uint64_t bytes; /* of the whole file */
	uint8_t id[SNAPSHOT_ID_BYTES];
	uint64_t hash; /* of what is before */
};

struct section {
	uint32_t kind, index;
	uint64_t bytes, hash; /* of the data behind */
	uint64_t head_hash;   /* of what is before, and where it is */
};

_Static_assert(sizeof(struct head) == 48 && sizeof(struct section) == 32, "as it is in the file");

static uint64_t head_hash(const struct head *h)
{
	return hash_bytes(h, offsetof(struct head, hash), SNAPSHOT_VERSION);
}

static uint64_t section_hash(const struct section *s, size_t at)
{
	return hash_bytes(s, offsetof(struct section, head_hash), at);
}

/* ---- writing --------------------------------------------------------------------------------- */

void snapshot_begin(struct str *out)
{
	const struct head none = { 0 };

	str_add_bytes(out, &none, sizeof(none));
}

void snapshot_add(struct str *out, enum snapshot_kind kind, uint32_t index, const void *data,
		  size_t len)
{
	struct section s = {
		.kind = kind, .index = index, .bytes = len, .hash = hash_bytes(data, len, kind)
	};

	s.head_hash = section_hash(&s, out->len);
	str_add_bytes(out, &s, sizeof(s));
	str_add_bytes(out, data, len);
}

void snapshot_end(struct str *out, const uint8_t id[SNAPSHOT_ID_BYTES])
{
	struct head h = { .version = SNAPSHOT_VERSION, .bytes = out->len };
	size_t at = sizeof(h);

	for (; at < out->len; h.sections++) {
		struct section s;

		memcpy(&s, out->text + at, sizeof(s));
		at += sizeof(s) + s.bytes;
	}
	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.id, id, sizeof(h.id));
	h.hash = head_hash(&h);
	memcpy(out->text, &h, sizeof(h));
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The section there, which was checked, and where the next one is. */
static size_t step(const struct snapshot *s, size_t at, struct section *ret)
{
	memcpy(ret, s->bytes + at, sizeof(*ret));
	return at + sizeof(*ret) + ret->bytes;
}

static int check_head(const struct snapshot *s, struct head *ret, struct err *err)
{
	if (s->len < sizeof(*ret) || memcmp(s->bytes, magic, sizeof(magic)) != 0)
		return err_set(err, EINVAL,
			       "it is no snapshot of ctr-vm's, or its beginning alone");
	memcpy(ret, s->bytes, sizeof(*ret));
	if (ret->hash != head_hash(ret) && ret->version == SNAPSHOT_VERSION)
		return err_set(err, EINVAL, "its head is damaged");
	if (ret->version != SNAPSHOT_VERSION)
		return err_set(err, ENOTSUP,
			       "it is of version %u, and this ctr-vm reads version %d alone",
			       ret->version, SNAPSHOT_VERSION);
	if (ret->bytes != s->len)
		return err_set(err, EINVAL, "it has %zu bytes, and had %llu when it was written",
			       s->len, (unsigned long long)ret->bytes);
	return 0;
}

static int check_section(const struct snapshot *s, size_t at, struct section *ret, struct err *err)
{
	size_t left = s->len - at;

	if (left < sizeof(*ret))
		return err_set(err, EINVAL, "a section is cut");
	memcpy(ret, s->bytes + at, sizeof(*ret));
	if (ret->head_hash != section_hash(ret, at) || ret->bytes > left - sizeof(*ret))
		return err_set(err, EINVAL, "the head of a section at byte %zu is damaged", at);
	if (ret->hash != hash_bytes(s->bytes + at + sizeof(*ret), ret->bytes, ret->kind))
		return err_set(err, EINVAL, "section %u.%u at byte %zu is damaged", ret->kind,
			       ret->index, at);
	return 0;
}

static int check(struct snapshot *s, struct err *err)
{
	struct head h;
	struct section section;
	size_t at = sizeof(h);
	int rc = check_head(s, &h, err);

	for (uint32_t i = 0; rc == 0 && i < h.sections; i++) {
		rc = check_section(s, at, &section, err);
		at += sizeof(section) + section.bytes;
	}
	if (rc == 0 && at != s->len)
		rc = err_set(err, EINVAL, "there is something behind its last section");
	memcpy(s->id, h.id, sizeof(s->id));
	return rc;
}

int snapshot_parse(char *bytes, size_t len, struct snapshot *ret, struct err *err)
{
	CLEAN(snapshot) struct snapshot s = { .bytes = bytes, .len = len };
	int rc = check(&s, err);

	if (rc < 0)
		return rc;
	*ret = s;
	s = (struct snapshot)SNAPSHOT_NONE;
	return 0;
}

const char *snapshot_find(const struct snapshot *s, enum snapshot_kind kind, uint32_t index,
			  size_t *ret_len)
{
	for (size_t at = sizeof(struct head), next; at < s->len; at = next) {
		struct section section;

		next = step(s, at, &section);
		if (section.kind != kind || section.index != index)
			continue;
		*ret_len = section.bytes;
		return s->bytes + at + sizeof(section);
	}
	return NULL;
}

int snapshot_get(const struct snapshot *s, enum snapshot_kind kind, uint32_t index, void *to,
		 size_t len, struct err *err)
{
	size_t there = 0;
	const char *bytes = snapshot_find(s, kind, index, &there);

	if (!bytes || there != len)
		return err_set(err, EINVAL, "section %u.%u has %zu bytes, not %zu", kind, index,
			       there, len);
	memcpy(to, bytes, len);
	return 0;
}

const char *snapshot_take(struct snapshot_rest *r, size_t len)
{
	const char *at = r->at;

	if (len > r->left)
		return NULL;
	r->at += len;
	r->left -= len;
	return at;
}

bool snapshot_copy(struct snapshot_rest *r, void *to, size_t len)
{
	const char *at = snapshot_take(r, len);

	if (at)
		memcpy(to, at, len);
	return at != NULL;
}

void snapshot_free(struct snapshot *s)
{
	free(s->bytes);
	*s = (struct snapshot)SNAPSHOT_NONE;
}
