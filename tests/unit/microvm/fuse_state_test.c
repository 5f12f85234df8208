/* The table of files and handles that a snapshot has of a shared folder: as it was written it is read, else refused. */
#include "microvm/fuse_state.h"

#include "base/str.h"
#include "microvm/fuse_client.h"
#include "microvm/fuse_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ROOT FUSE_ROOT_ID
#define FDS 64

/* A folder "d", in it "f", which is open, and a pipe "p": where each is. */
#define NAMED (sizeof(struct fuse_state_node) + 2)
#define D sizeof(struct fuse_state_head)
#define F (D + NAMED)
#define P (F + NAMED)
#define H (P + NAMED)
#define END (H + sizeof(struct fuse_state_handle))
#define NAME sizeof(struct fuse_state_node)

struct written {
	struct client c;
	struct str bytes;
};

static void written_free(struct written *w)
{
	client_free(&w->c);
	str_free(&w->bytes);
}
CLEAN_DEFINE(written, struct written, written_free)

static void written_init(struct written *w)
{
	struct client *c = &w->c;
	struct fuse_open_in in = { .flags = O_RDWR };
	struct err err = { 0 };
	uint64_t file;

	w->bytes = (struct str){ 0 };
	client_init(c, false, FDS);
	assert_int_equal(mkdirat(c->share, "d", 0755), 0);
	assert_int_equal(mkfifoat(c->share, "p", 0600), 0);
	host_file(c, "d/f", "text");
	/* Places 1, 2, 3. */
	file = look(c, look(c, ROOT, "d"), "f");
	assert_true(look(c, ROOT, "p"));
	assert_true(ask(c, FUSE_OPEN, file, &in, sizeof(in), NULL, NULL) > 0);
	assert_int_equal(fuse_server_save(c->f, &w->bytes, &err), 0);
	assert_int_equal(w->bytes.len, END);
}

/* Into a fresh server, of the same folder; in memory of just that length. */
static int load(const struct written *w, const char *bytes, size_t len, struct fuse_server **ret,
		struct err *err)
{
	char *copy = malloc(len ? len : 1);
	int rc;

	memcpy(copy, bytes, len);
	assert_int_equal(fuse_server_make(openat(w->c.folder, "share", O_PATH | O_CLOEXEC),
					  "/proc/self/fd", false, FDS, ret, err),
			 0);
	rc = fuse_server_load(*ret, copy, len, err);
	free(copy);
	return rc;
}

static int try(const struct written *w, const char *bytes, size_t len, struct err *err)
{
	struct fuse_server *f = NULL;
	int rc = load(w, bytes, len, &f, err);

	/* None of it, or all. */
	if (rc < 0) {
		assert_int_equal(f->nodes.live, 0);
		assert_false(f->begun);
	}
	fuse_server_free(f);
	return rc;
}

static void test_what_was_written_is_read(void **state)
{
	CLEAN(written) struct written w;
	struct fuse_server *f = NULL;
	struct err err = { 0 };

	(void)state;
	written_init(&w);
	assert_int_equal(load(&w, w.bytes.text, w.bytes.len, &f, &err), 0);
	assert_int_equal(f->nodes.live, 3);
	assert_int_equal(f->nodes.used, 4);
	assert_int_equal(f->nodes.at[2].type, S_IFREG);
	assert_int_equal(f->nodes.at[3].type, S_IFIFO);
	assert_int_equal(f->handles.used, 1);
	assert_int_equal(f->handles.at[0].node, fuse_node_id(&f->nodes, &f->nodes.at[2]));
	assert_true(f->begun);
	assert_int_equal(f->flags, w.c.f->flags);
	assert_true(f->flags & FUSE_MAX_PAGES);
	fuse_server_free(f);
}

static void test_cut_or_too_long_it_is_refused(void **state)
{
	CLEAN(written) struct written w;
	struct err err = { 0 };

	(void)state;
	written_init(&w);
	for (size_t len = 0; len < w.bytes.len; len++)
		assert_int_equal(try(&w, w.bytes.text, len, &err), -EINVAL);
	str_add_bytes(&w.bytes, "", 1);
	assert_int_equal(try(&w, w.bytes.text, w.bytes.len, &err), -EINVAL);
	assert_non_null(strstr(err.text, "behind the last one"));
}

#define HEAD(field) \
	offsetof(struct fuse_state_head, field), sizeof(((struct fuse_state_head *)0)->field)
#define NODE(at, field) \
	(at) + offsetof(struct fuse_state_node, field), sizeof(((struct fuse_state_node *)0)->field)
#define HANDLE(field)                                  \
	H + offsetof(struct fuse_state_handle, field), \
		sizeof(((struct fuse_state_handle *)0)->field)

static const struct {
	size_t at, len;
	uint64_t value;
	const char *words;
	int rc; /* 0: -EINVAL */
} changes[] = {
	{ HEAD(version), 2, "is of version 2", -ENOTSUP },
	{ HEAD(flags), 1U << 31, "features of FUSE", -ENOTSUP },
	{ HEAD(flags), FUSE_POSIX_LOCKS, "features of FUSE", -ENOTSUP },
	{ HEAD(begun), 2, "neither" },
	{ HEAD(begun), 0, "before the beginning" },
	{ HEAD(readonly), 1, "was shared readonly", -ENOTSUP },
	{ HEAD(readonly), 3, "neither" },
	{ HEAD(zero), 1, "neither" },
	{ HEAD(devices), 0, "no root" },
	{ HEAD(devices), FUSE_DEVICES_MAX + 1, "no root" },
	{ HEAD(node_places), 0, "no root" },
	{ HEAD(node_places), 3, "a file's number that is none" },
	{ HEAD(node_places), FDS, "raise its limit", -ENFILE },
	{ HEAD(node_places), UINT32_MAX, "raise its limit", -ENFILE },
	{ HEAD(handle_places), 0, "a handle's number that is none" },
	{ HEAD(handle_places), UINT32_MAX, "raise its limit", -ENFILE },
	{ HEAD(nodes), 2, "a handle" },
	{ HEAD(nodes), 4, "cut" },
	{ HEAD(nodes), UINT32_MAX, "cut" },
	{ HEAD(handles), 0, "behind the last one" },
	{ HEAD(handles), 2, "cut" },
	{ HEAD(handles), UINT32_MAX, "cut" },
	{ NODE(D, lookups), 0, "known and isn't" },
	{ NODE(D, lookups), UINT64_MAX, "more often than can be" },
	{ NODE(D, place), 0, "a file's number that is none" },
	{ NODE(D, place), 4, "a file's number that is none" },
	{ NODE(D, place), UINT32_MAX, "a file's number that is none" },
	{ NODE(F, place), 1, "two files of one number" },
	{ NODE(D, folder), 1, "in no folder before it" }, /* itself */
	{ NODE(D, folder), 2, "in no folder before it" },
	{ NODE(F, folder), 3, "in no folder before it" },
	{ NODE(P, folder), 2, "in no folder before it" }, /* a file */
	{ NODE(F, folder), UINT32_MAX, "in no folder before it" },
	{ NODE(D, type), S_IFREG >> 12, "in no folder before it" },
	{ NODE(F, type), 0, "of no kind" },
	{ NODE(F, type), 3, "of no kind" },
	{ NODE(F, type), 255, "of no kind" },
	{ NODE(F, type), S_IFIFO >> 12, "never opened" },
	{ NODE(F, type), S_IFLNK >> 12, "never opened" },
	{ NODE(F, type), S_IFDIR >> 12, "writes where nothing does" },
	{ NODE(F, device), 1, "of no kind" },
	{ NODE(F, zero), 1, "of no kind" },
	{ NODE(F, name_bytes), 0, "one part of a path" },
	{ NODE(F, name_bytes), 2, "one part of a path" },
	{ NODE(F, name_bytes), 255, "cut" },
	{ F + NAME, 1, '/', "one part of a path" },
	{ F + NAME, 1, '.', "one part of a path" },
	{ F + NAME, 1, '\0', "one part of a path" },
	{ F + NAME + 1, 1, 'x', "one part of a path" },
	{ HANDLE(place), 1, "a handle's number that is none" },
	{ HANDLE(node), 4, "a handle of no file" },
	{ HANDLE(node), 3, "never opened" }, /* the pipe */
	{ HANDLE(node), 1, "writes where nothing does" },
	{ HANDLE(node), 0, "writes where nothing does" }, /* the root */
	{ HANDLE(flags), O_RDWR | O_TRUNC, "flags that none has" },
	{ HANDLE(flags), O_RDWR | O_CREAT, "flags that none has" },
	{ HANDLE(flags), O_RDWR | O_PATH, "flags that none has" },
	{ HANDLE(flags), UINT32_MAX, "flags that none has" },
};

static void test_what_cannot_be_is_refused(void **state)
{
	CLEAN(written) struct written w;

	(void)state;
	written_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		CLEAN(free) char *copy = malloc(w.bytes.len);
		struct err err = { 0 };
		int rc;

		memcpy(copy, w.bytes.text, w.bytes.len);
		memcpy(copy + changes[i].at, &changes[i].value, changes[i].len);
		rc = try(&w, copy, w.bytes.len, &err);
		if (rc != (changes[i].rc ? changes[i].rc : -EINVAL) ||
		    !strstr(err.text, changes[i].words))
			fail_msg("change %zu: %d, %s", i, rc, err.text);
	}
}

/* Two dots, and names with a way in them, in a table that is right but for that. */
static void test_no_name_leads_out(void **state)
{
	static const char *const names[] = { "..", "../secret", "d/f", "/etc/passwd", "" };
	CLEAN(written) struct written w;

	(void)state;
	written_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct fuse_state_head head = {
			.version = FUSE_STATE_VERSION,
			.begun = 1,
			.devices = 1,
			.node_places = 2,
			.nodes = 1,
		};
		const struct fuse_state_node node = { .lookups = 1,
						      .place = 1,
						      .type = S_IFREG >> 12,
						      .name_bytes = (uint8_t)strlen(names[i]) };
		CLEAN(str) struct str table = { 0 };
		struct err err = { 0 };

		str_add_bytes(&table, &head, sizeof(head));
		str_add_bytes(&table, &node, sizeof(node));
		str_add_bytes(&table, names[i], strlen(names[i]) + 1);
		if (!*names[i])
			str_add_bytes(&table, "\0", 2);
		assert_int_equal(try(&w, table.text, table.len, &err), -EINVAL);
		assert_non_null(strstr(err.text, "one part of a path"));
	}
}

/* Some of these are other good tables; none of them has anything that isn't in the folder. */
static void test_with_any_bit_changed_nothing_leads_out(void **state)
{
	CLEAN(written) struct written w;
	unsigned int read = 0, refused = 0;

	(void)state;
	written_init(&w);
	for (size_t bit = 0; bit < 8 * w.bytes.len; bit++) {
		struct fuse_server *f = NULL;
		struct err err = { 0 };

		w.bytes.text[bit / 8] ^= (char)(1 << bit % 8);
		if (load(&w, w.bytes.text, w.bytes.len, &f, &err) < 0) {
			assert_true(*err.text);
			refused++;
		} else {
			read++;
			for (uint32_t i = 1; i < f->nodes.used; i++)
				assert_true(f->nodes.at[i].fd < 0 || f->nodes.at[i].lookups);
			assert_true(f->nodes.live <= 3);
		}
		fuse_server_free(f);
		w.bytes.text[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_true(read && refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_cut_or_too_long_it_is_refused),
		cmocka_unit_test(test_what_cannot_be_is_refused),
		cmocka_unit_test(test_no_name_leads_out),
		cmocka_unit_test(test_with_any_bit_changed_nothing_leads_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
