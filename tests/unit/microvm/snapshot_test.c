/* The files of a snapshot: whole they are read, and in no other way. */
#include "base/fd.h"
#include "base/str.h"
#include "microvm/memory_file.h"
#include "microvm/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#define PAGE 4096

static const uint8_t id[SNAPSHOT_ID_BYTES] = "one machine";
static const uint8_t other[SNAPSHOT_ID_BYTES] = "another one";

/* Three sections, one of which is empty, and one no multiple of eight bytes. */
static void write_one(struct str *out)
{
	snapshot_begin(out);
	snapshot_add(out, SNAPSHOT_SHAPE, 0, "shape", 5);
	snapshot_add(out, SNAPSHOT_CPU, 0, "", 0);
	snapshot_add(out, SNAPSHOT_CPU, 7, "the seventh processor", 21);
	snapshot_end(out, id);
}

static int parse(const char *bytes, size_t len, struct snapshot *ret, struct err *err)
{
	/* Without a byte to spare, so that one too far is seen. */
	char *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	return snapshot_parse(copy, len, ret, err);
}

static void test_what_was_written_is_read(void **state)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(snapshot) struct snapshot s = SNAPSHOT_NONE;
	struct err err = { 0 };
	size_t len = 99;
	char text[21];

	(void)state;
	write_one(&out);
	assert_int_equal(parse(out.text, out.len, &s, &err), 0);
	assert_memory_equal(s.id, id, sizeof(id));
	assert_memory_equal(snapshot_find(&s, SNAPSHOT_SHAPE, 0, &len), "shape", 5);
	assert_int_equal(len, 5);
	assert_non_null(snapshot_find(&s, SNAPSHOT_CPU, 0, &len));
	assert_int_equal(len, 0);
	assert_null(snapshot_find(&s, SNAPSHOT_CPU, 1, &len));
	assert_null(snapshot_find(&s, SNAPSHOT_PORTS, 0, &len));
	assert_int_equal(snapshot_get(&s, SNAPSHOT_CPU, 7, text, sizeof(text), &err), 0);
	assert_memory_equal(text, "the seventh processor", 21);
	assert_int_equal(snapshot_get(&s, SNAPSHOT_CPU, 7, text, 20, &err), -EINVAL);
	assert_string_equal(err.text, "section 3.7 has 21 bytes, not 20");
	assert_int_equal(snapshot_get(&s, SNAPSHOT_CPU, 8, text, 0, &err), -EINVAL);
}

static void test_cut_anywhere_it_is_refused(void **state)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(snapshot) struct snapshot s = SNAPSHOT_NONE;
	struct err err = { 0 };

	(void)state;
	write_one(&out);
	for (size_t len = 0; len < out.len; len++) {
		assert_int_equal(parse(out.text, len, &s, &err), -EINVAL);
		assert_null(s.bytes);
	}
	str_add_bytes(&out, "", 1);
	assert_int_equal(parse(out.text, out.len, &s, &err), -EINVAL);
}

static void test_with_any_bit_changed_it_is_refused(void **state)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(snapshot) struct snapshot s = SNAPSHOT_NONE;
	struct err err = { 0 };

	(void)state;
	write_one(&out);
	for (size_t bit = 0; bit < 8 * out.len; bit++) {
		out.text[bit / 8] ^= (char)(1 << bit % 8);
		assert_true(parse(out.text, out.len, &s, &err) < 0);
		assert_null(s.bytes);
		out.text[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(parse(out.text, out.len, &s, &err), 0);
}

static void test_what_it_is_not_is_said(void **state)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(snapshot) struct snapshot s = SNAPSHOT_NONE;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(
		parse("\177ELF and so on, of no interest to anybody who looks for snapshots", 64,
		      &s, &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "no snapshot"));
	write_one(&out);
	out.text[8] = 1;
	assert_int_equal(parse(out.text, out.len, &s, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "version 1"));
}

/* ---- the memory's file ------------------------------------------------------------------------ */

struct memories {
	struct memory memory;
	struct memory_file known;
	int fd;
};

static void memories_free(struct memories *m)
{
	memory_free(&m->memory);
	drop_fd(&m->fd);
}
CLEAN_DEFINE(memories, struct memories, memories_free)

static int new_file(void)
{
	char name[] = "/tmp/ctr-memory-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	return fd;
}

/* Some pages of it are used, two of which have zeros alone. */
static void memories_init(struct memories *m)
{
	static const size_t pages[] = { 0, 1, 2, 100, 1000, MEMORY_MIN_BYTES / PAGE - 1 };
	struct err err = { 0 };

	*m = (struct memories){ .memory = MEMORY_NONE, .fd = new_file() };
	assert_int_equal(memory_make(MEMORY_MIN_BYTES, &m->memory, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		m->memory.base[pages[i] * PAGE + i] = i % 3 == 1 ? 0 : (char)(i + 1);
	assert_int_equal(memory_file_write(&m->memory, m->fd, id, &m->known, &err), 0);
}

static int map(const struct memories *m, bool checked, struct memory *ret, struct err *err)
{
	return memory_file_map(dup(m->fd), &m->known, checked, ret, err);
}

static void test_memory_is_as_it_was_and_its_own(void **state)
{
	CLEAN(memories) struct memories m;
	CLEAN(memory) struct memory a = MEMORY_NONE, b = MEMORY_NONE;
	struct memory_file again;
	struct err err = { 0 };
	struct stat st;
	CLEAN(fd) int fd = new_file();

	(void)state;
	memories_init(&m);
	assert_int_equal(fstat(m.fd, &st), 0);
	assert_int_equal(st.st_size, MEMORY_MIN_BYTES + PAGE);
	/* Four pages and one behind them, as far as a filesystem has no larger ones; what is zero is a hole. */
	assert_in_range(st.st_blocks, 5 * PAGE / 512, 5 * 65536 / 512);
	assert_int_equal(map(&m, true, &a, &err), 0);
	assert_int_equal(map(&m, true, &b, &err), 0);
	assert_memory_equal(a.base, m.memory.base, MEMORY_MIN_BYTES);
	a.base[5] = 77;
	a.base[50 * PAGE] = 78;
	assert_int_equal(b.base[5], 0);
	assert_int_equal(map(&m, true, &b, &err), 0);
	/* What has gone on from a snapshot can be one again, with what came since, and without what went. */
	a.base[2 * PAGE + 2] = 0;
	assert_int_equal(memory_file_write(&a, fd, other, &again, &err), 0);
	memory_free(&b);
	assert_int_equal(memory_file_map(take_fd(&fd), &again, true, &b, &err), 0);
	assert_memory_equal(a.base, b.base, MEMORY_MIN_BYTES);
	/* What is given up of it is the file's again. */
	memory_give_up(&a, a.base, PAGE);
	assert_int_equal(a.base[5], 0);
	assert_int_equal(a.base[0], m.memory.base[0]);
}

static void expect_refused_with_change_at(const struct memories *m, off_t at)
{
	CLEAN(memory) struct memory got = MEMORY_NONE;
	struct err err = { 0 };
	char byte;

	assert_int_equal(pread(m->fd, &byte, 1, at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(m->fd, &byte, 1, at), 1);
	assert_int_equal(map(m, true, &got, &err), -EINVAL);
	byte ^= 4;
	assert_int_equal(pwrite(m->fd, &byte, 1, at), 1);
}

static void test_memory_that_was_changed_is_refused(void **state)
{
	CLEAN(memories) struct memories m;
	CLEAN(memory) struct memory got = MEMORY_NONE;
	struct err err = { 0 };

	(void)state;
	memories_init(&m);
	for (off_t at = 0; at < 3 * PAGE; at += 511)
		expect_refused_with_change_at(&m, at);
	for (off_t at = 3 * PAGE; at < (off_t)MEMORY_MIN_BYTES; at += 1000003)
		expect_refused_with_change_at(&m, at);
	/* All that is said in the page behind. */
	for (off_t at = 0; at < 56; at++)
		expect_refused_with_change_at(&m, (off_t)MEMORY_MIN_BYTES + at);
	assert_int_equal(map(&m, true, &got, &err), 0);
}

static void test_memory_that_is_another_or_cut_is_refused(void **state)
{
	CLEAN(memories) struct memories m, n;
	CLEAN(memory) struct memory got = MEMORY_NONE;
	struct err err = { 0 };

	(void)state;
	memories_init(&m);
	memories_init(&n);
	/* The same bytes, of another snapshot. */
	assert_int_equal(ftruncate(n.fd, 0), 0);
	assert_int_equal(memory_file_write(&n.memory, n.fd, other, &n.known, &err), 0);
	assert_int_equal(memory_file_map(dup(n.fd), &m.known, false, &got, &err), -EINVAL);
	assert_string_equal(err.text, "its memory is another snapshot's");
	assert_int_equal(ftruncate(m.fd, MEMORY_MIN_BYTES + PAGE - 1), 0);
	assert_int_equal(map(&m, false, &got, &err), -EINVAL);
	/* The end of it was never written. */
	assert_int_equal(ftruncate(m.fd, MEMORY_MIN_BYTES), 0);
	assert_int_equal(ftruncate(m.fd, MEMORY_MIN_BYTES + PAGE), 0);
	assert_int_equal(map(&m, false, &got, &err), -EINVAL);
	assert_string_equal(err.text, "its memory is not complete, or no snapshot's");
	n.known.bytes = UINT64_MAX - PAGE + 1;
	assert_int_equal(map(&n, false, &got, &err), -EINVAL);
	n.known.bytes = PAGE;
	assert_int_equal(map(&n, false, &got, &err), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_written_is_read),
		cmocka_unit_test(test_cut_anywhere_it_is_refused),
		cmocka_unit_test(test_with_any_bit_changed_it_is_refused),
		cmocka_unit_test(test_what_it_is_not_is_said),
		cmocka_unit_test(test_memory_is_as_it_was_and_its_own),
		cmocka_unit_test(test_memory_that_was_changed_is_refused),
		cmocka_unit_test(test_memory_that_is_another_or_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
