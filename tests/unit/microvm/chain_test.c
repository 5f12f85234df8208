#include "base/str.h"
#include "microvm/driver.h"
#include "microvm/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define AT DRIVER_BUFFER_GPA
#define END MEMORY_MIN_BYTES

/* One chain from descriptor 0 on; those from 100 on are in the indirect table. */
struct row {
	unsigned int index;
	uint64_t gpa;
	uint32_t len;
	uint16_t flags, next;
};

static void put_rows(struct driver *d, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count && rows[i].index + rows[i].gpa + rows[i].flags; i++) {
		const struct row *r = &rows[i];

		driver_put(r->index < 100 ? &d->table[r->index] : &d->indirect[r->index - 100],
			   r->gpa, r->len, r->flags, r->next);
	}
}

static void test_chains_that_are_taken(void **state)
{
	static const struct {
		struct row rows[9];
		size_t readable, count;
		uint32_t readable_bytes, writable_bytes;
	} cases[] = {
		{ { { 0, AT, 5, 0, 9 } }, 1, 1, 5, 0 },
		{ { { 0, AT, 5, WRITE, 9 } }, 0, 1, 0, 5 },
		{ { { 0, AT, 5, NEXT, 7 }, { 7, AT, 6, NEXT | WRITE, 3 }, { 3, AT, 7, WRITE, 0 } },
		  1,
		  3,
		  5,
		  13 },
		{ { { 0, AT, 0, NEXT, 1 }, { 1, AT, 1, NEXT, 2 }, { 2, END, 0, WRITE, 0 } },
		  1,
		  1,
		  1,
		  0 },
		{ { { 0, END - 9, 9, 0, 0 } }, 1, 1, 9, 0 },
		/* As long as the queue. */
		{ { { 0, AT, 1, NEXT, 1 },
		    { 1, AT, 1, NEXT, 2 },
		    { 2, AT, 1, NEXT, 3 },
		    { 3, AT, 1, NEXT, 4 },
		    { 4, AT, 1, NEXT, 5 },
		    { 5, AT, 1, NEXT, 6 },
		    { 6, AT, 1, NEXT, 7 },
		    { 7, AT, 1, 0, 0 } },
		  8,
		  8,
		  8,
		  0 },
		/* Indirect alone, and behind another; its WRITE says nothing. */
		{ { { 0, DRIVER_INDIRECT_GPA, 32, INDIRECT | WRITE, 0 },
		    { 100, AT, 3, NEXT, 1 },
		    { 101, AT, 4, WRITE, 0 } },
		  1,
		  2,
		  3,
		  4 },
		{ { { 0, AT, 2, NEXT, 1 },
		    { 1, DRIVER_INDIRECT_GPA, 16, INDIRECT, 0 },
		    { 100, AT, 3, 0, 0 } },
		  2,
		  2,
		  5,
		  0 },
		/* The table at an odd address. */
		{ { { 0, 0x30001, 16, INDIRECT, 0 } }, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(driver) struct driver d;
		struct queue q;
		struct chain c;

		driver_init(&d);
		q = driver_queue(&d, true, false);
		put_rows(&d, cases[i].rows, ARRAY_LEN(cases[i].rows));
		driver_offer(&d, 0);
		assert_int_equal(queue_pop(&q, &c), 1);
		assert_int_equal(c.head, 0);
		assert_int_equal(c.readable, cases[i].readable);
		assert_int_equal(c.count, cases[i].count);
		assert_int_equal(c.readable_bytes, cases[i].readable_bytes);
		assert_int_equal(c.writable_bytes, cases[i].writable_bytes);
		assert_int_equal(queue_pop(&q, &c), 0);
	}
}

static void test_chains_that_break_a_rule(void **state)
{
	static const struct {
		const char *offence;
		struct row rows[9];
		bool plain; /* the feature of indirect tables was not taken */
	} cases[] = {
		{ "a descriptor is in its table", { { 0, AT, 1, NEXT, 8 } } },
		{ "a descriptor is in its table", { { 0, AT, 1, NEXT, 0xffff } } },
		{ "a chain is no longer than its queue", { { 0, AT, 1, NEXT, 0 } } },
		{ "a chain is no longer than its queue",
		  { { 0, AT, 0, NEXT, 1 }, { 1, AT, 0, NEXT, 0 } } },
		{ "a buffer lies in memory", { { 0, END - 8, 9, 0, 0 } } },
		{ "a buffer lies in memory", { { 0, END + 1, 0, 0, 0 } } },
		{ "a buffer lies in memory", { { 0, UINT64_MAX, 2, WRITE, 0 } } },
		{ "a buffer lies in memory", { { 0, AT, UINT32_MAX, WRITE, 0 } } },
		{ "a buffer lies in memory", { { 0, 0xfee00000, 4, WRITE, 0 } } },
		{ "what is read comes before what is written",
		  { { 0, AT, 1, WRITE | NEXT, 1 }, { 1, AT, 1, 0, 0 } } },
		{ "no indirect table without the feature",
		  { { 0, DRIVER_INDIRECT_GPA, 16, INDIRECT, 0 } },
		  true },
		{ "no indirect table in an indirect table",
		  { { 0, DRIVER_INDIRECT_GPA, 16, INDIRECT, 0 },
		    { 100, DRIVER_INDIRECT_GPA, 16, INDIRECT, 0 } } },
		{ "nothing follows an indirect table",
		  { { 0, DRIVER_INDIRECT_GPA, 16, INDIRECT | NEXT, 1 } } },
		{ "an indirect table has whole descriptors",
		  { { 0, DRIVER_INDIRECT_GPA, 0, INDIRECT, 0 } } },
		{ "an indirect table has whole descriptors",
		  { { 0, DRIVER_INDIRECT_GPA, 24, INDIRECT, 0 } } },
		{ "an indirect table lies in memory", { { 0, END - 16, 32, INDIRECT, 0 } } },
		{ "an indirect table lies in memory",
		  { { 0, UINT64_MAX - 15, 0xfffffff0, INDIRECT, 0 } } },
		{ "a descriptor is in its table",
		  { { 0, DRIVER_INDIRECT_GPA, 16, INDIRECT, 0 }, { 100, AT, 1, NEXT, 1 } } },
		{ "a chain is no longer than its queue",
		  { { 0, DRIVER_INDIRECT_GPA, 160, INDIRECT, 0 }, { 100, AT, 1, NEXT, 0 } } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(driver) struct driver d;
		struct queue q;
		struct chain c;

		driver_init(&d);
		q = driver_queue(&d, !cases[i].plain, false);
		put_rows(&d, cases[i].rows, ARRAY_LEN(cases[i].rows));
		driver_offer(&d, 0);
		assert_int_equal(queue_pop(&q, &c), -EPROTO);
		assert_string_equal(q.offence, cases[i].offence);
		/* Not even what is right comes through from now on. */
		driver_put(d.table, AT, 1, 0, 0);
		driver_offer(&d, 0);
		assert_int_equal(queue_pop(&q, &c), -EPROTO);
		assert_int_equal(d.used->idx, 0);
	}
}

static void test_requests_that_add_up_to_4_gib_are_an_offence(void **state)
{
	CLEAN(driver) struct driver d = { .memory = MEMORY_NONE };
	struct queue q;
	struct chain c;

	(void)state;
	/* Nobody touches it, so no host has to give it. */
	d.memory.size = d.memory.low = 3ULL << 30;
	d.memory.base = mmap(NULL, d.memory.size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(d.memory.base, MAP_FAILED);
	d.table = (void *)(d.memory.base + DRIVER_TABLE_GPA);
	d.avail = (void *)(d.memory.base + DRIVER_AVAIL_GPA);
	driver_put(&d.table[0], 0, 0x80000000, NEXT, 1);
	driver_put(&d.table[1], 0, 0x7fffffff, NEXT, 2);
	driver_put(&d.table[2], 0, 0x80000000, NEXT | WRITE, 3);
	driver_put(&d.table[3], 0, 0x80000000, WRITE, 3);
	q = driver_queue(&d, false, false);
	driver_offer(&d, 1);
	driver_offer(&d, 0);
	assert_int_equal(queue_pop(&q, &c), -EPROTO);
	assert_string_equal(q.offence, "a request has fewer than 4 GiB");
}

static void test_bytes_of_a_chain(void **state)
{
	char in[] = "abcdefgh", out[8] = "", bytes[16] = "";
	struct iovec slice[4];
	struct chain c = { .readable = 3,
			   .count = 4,
			   .pieces = { { in, 1 }, { in + 1, 3 }, { in + 4, 4 }, { out, 7 } } };

	(void)state;
	assert_int_equal(chain_read(&c, 0, bytes, 16), 8);
	assert_memory_equal(bytes, "abcdefgh", 9);
	assert_int_equal(chain_read(&c, 3, bytes, 2), 2);
	assert_memory_equal(bytes, "decd", 4);
	assert_int_equal(chain_read(&c, 8, bytes, 2), 0);
	assert_int_equal(chain_write(&c, 2, "123456789", 9), 5);
	assert_memory_equal(out, "\0\00012345", 8);
	assert_int_equal(chain_slice(&c, false, 2, 4, slice), 2);
	assert_ptr_equal(slice[0].iov_base, in + 2);
	assert_int_equal(slice[0].iov_len, 2);
	assert_ptr_equal(slice[1].iov_base, in + 4);
	assert_int_equal(slice[1].iov_len, 2);
	assert_int_equal(chain_slice(&c, true, 0, SIZE_MAX, slice), 1);
	assert_int_equal(slice[0].iov_len, 7);
	assert_int_equal(chain_slice(&c, true, 7, 1, slice), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains_that_are_taken),
		cmocka_unit_test(test_chains_that_break_a_rule),
		cmocka_unit_test(test_requests_that_add_up_to_4_gib_are_an_offence),
		cmocka_unit_test(test_bytes_of_a_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
