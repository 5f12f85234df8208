/* A balloon, and a driver that gives pages back, its own or others. */
#include "base/str.h"
#include "microvm/guest.h"
#include "microvm/virtio_balloon.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE 4096U
#define PAGE_AT 0x1000U /* its number: behind all that the driver has */
#define STATS (1ULL << VIRTIO_BALLOON_F_STATS_VQ)
#define REPORTING (1ULL << VIRTIO_BALLOON_F_REPORTING)

struct machine {
	struct guest guest;
	struct virtio_balloon balloon;
};

static void machine_free(struct machine *m)
{
	guest_free(&m->guest);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void machine_init(struct machine *m, uint64_t features, uint16_t queue)
{
	struct err err = { 0 };

	guest_init(&m->guest);
	assert_int_equal(virtio_balloon_init(&m->balloon, 100, false, &m->guest.driver.memory,
					     &err),
			 0);
	guest_plug(&m->guest, &m->balloon.virtio);
	/* All that the driver has is taken already, for who counts. */
	memset(m->guest.driver.memory.base + DRIVER_TABLE_GPA, 0,
	       DRIVER_BUFFER_GPA + PAGE - DRIVER_TABLE_GPA);
	begin(&m->guest, features, queue);
}

static char *at(struct machine *m, uint64_t gpa)
{
	return m->guest.driver.memory.base + gpa;
}

/* Pages from PAGE_AT on, each with its mark. */
static void mark(struct machine *m, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		memset(at(m, (PAGE_AT + i) * (uint64_t)PAGE), 'a' + (int)i, PAGE);
}

/* Which of those still have their mark, as digits. */
static const char *marked(struct machine *m, unsigned int count)
{
	static char text[16];
	size_t n = 0;

	for (unsigned int i = 0; i < count; i++)
		if (*at(m, (PAGE_AT + i) * (uint64_t)PAGE) == (char)('a' + i))
			text[n++] = (char)('0' + i);
	text[n] = '\0';
	return text;
}

static int64_t taken_bytes(const struct machine *m)
{
	static unsigned char there[MEMORY_MIN_BYTES / PAGE];
	int64_t bytes = 0;

	assert_int_equal(mincore(m->guest.driver.memory.base, MEMORY_MIN_BYTES, there), 0);
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		bytes += there[i] & 1 ? PAGE : 0;
	return bytes;
}

/* One buffer, with these bytes in it. */
static void give(struct machine *m, unsigned int queue, const void *data, uint32_t len,
		 uint16_t flags)
{
	struct driver *d = &m->guest.driver;

	memcpy(at(m, DRIVER_BUFFER_GPA), data, len);
	driver_put(&d->table[0], DRIVER_BUFFER_GPA, len, flags, 0);
	driver_offer(d, 0);
	put(&m->guest, VIRTIO_BAR_NOTIFY + queue * VIRTIO_BELL_BYTES, 2, queue);
	assert_true(serve(&m->guest, queue));
}

static void test_pages_that_are_given_are_the_hosts(void **state)
{
	static const uint32_t pfns[] = { PAGE_AT + 1, PAGE_AT + 2, PAGE_AT + 7,
					 PAGE_AT + 6, PAGE_AT + 4, PAGE_AT + 4 };
	CLEAN(machine) struct machine m;
	int64_t before;

	(void)state;
	machine_init(&m, 0, 0);
	mark(&m, 9);
	before = taken_bytes(&m);
	give(&m, 0, pfns, sizeof(pfns), 0);
	assert_int_equal(before - taken_bytes(&m), 5 * PAGE);
	assert_string_equal(marked(&m, 9), "0358");
	assert_int_equal(*at(&m, (PAGE_AT + 6) * (uint64_t)PAGE), 0);
	assert_int_equal(m.guest.driver.used->idx, 1);
	assert_int_equal(calls_raised(&m.guest.calls, QUEUE_VECTOR), 1);
}

static void test_more_pages_than_a_driver_sends_at_once(void **state)
{
	CLEAN(machine) struct machine m;
	uint32_t pfns[1000];
	int64_t before;

	(void)state;
	machine_init(&m, 0, 0);
	memset(at(&m, PAGE_AT * (uint64_t)PAGE), 1, 1001ULL * PAGE);
	before = taken_bytes(&m);
	for (uint32_t i = 0; i < ARRAY_LEN(pfns); i++)
		pfns[i] = PAGE_AT + (uint32_t)ARRAY_LEN(pfns) - 1 - i;
	give(&m, 0, pfns, sizeof(pfns), 0);
	assert_int_equal(before - taken_bytes(&m), 1000 * PAGE);
	assert_int_equal(*at(&m, (PAGE_AT + 1000) * (uint64_t)PAGE), 1);
}

static void test_what_is_no_page_of_memory_is_an_offence(void **state)
{
	static const struct {
		uint32_t pfn, len;
		uint16_t flags;
		const char *rule;
	} cases[] = {
		{ (uint32_t)(MEMORY_MIN_BYTES / PAGE), 8, 0, "a balloon's pages are memory" },
		{ UINT32_MAX, 8, 0, "a balloon's pages are memory" },
		{ (uint32_t)(MEMORY_HIGH_GPA / PAGE), 8, 0, "a balloon's pages are memory" },
		{ PAGE_AT, 7, 0, "a balloon's pages are numbers of 32 bits, for reading" },
		{ PAGE_AT, 8, VRING_DESC_F_WRITE,
		  "a balloon's pages are numbers of 32 bits, for reading" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(machine) struct machine m;

		machine_init(&m, 0, 0);
		mark(&m, 1);
		give(&m, 0, (uint32_t[]){ PAGE_AT, cases[i].pfn }, cases[i].len, cases[i].flags);
		assert_string_equal(m.balloon.virtio.offence, cases[i].rule);
		assert_string_equal(marked(&m, 1), "0");
		assert_int_equal(m.guest.driver.used->idx, 0);
	}
}

static void test_pages_that_are_taken_back_are_there(void **state)
{
	static const uint32_t pfns[] = { PAGE_AT, 0xffffffff };
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, 0, 1);
	mark(&m, 1);
	give(&m, 1, pfns, sizeof(pfns), 0);
	assert_null(m.balloon.virtio.offence);
	assert_string_equal(marked(&m, 1), "0");
	assert_int_equal(m.guest.driver.used->idx, 1);
}

/* The number of their queue depends on what else there is; or it is the standard's. */
static void test_free_pages_are_reported_as_whole_pages(void **state)
{
	static const struct {
		uint64_t features;
		uint16_t queue;
		const char *marked;
	} cases[] = {
		{ REPORTING, 2, "014" },
		{ STATS | REPORTING, 3, "014" },
		{ STATS | REPORTING, 4, "014" },
		{ STATS, 3, "01234" },
		{ 0, 2, "01234" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(machine) struct machine m;
		struct driver *d = &m.guest.driver;

		machine_init(&m, cases[i].features, cases[i].queue);
		mark(&m, 5);
		/* From the middle of page 1 to that of page 4, in two pieces. */
		driver_put(&d->table[0], PAGE_AT * PAGE + 6144, 2 * PAGE - 2048,
			   VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
		driver_put(&d->table[1], (PAGE_AT + 3) * PAGE, PAGE + 2048, VRING_DESC_F_WRITE, 0);
		driver_offer(d, 0);
		put(&m.guest, VIRTIO_BAR_NOTIFY + cases[i].queue * VIRTIO_BELL_BYTES, 2, 0);
		assert_true(serve(&m.guest, cases[i].queue));
		assert_null(m.balloon.virtio.offence);
		assert_string_equal(marked(&m, 5), cases[i].marked);
	}
}

static void test_free_pages_are_not_for_reading(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, REPORTING, 2);
	give(&m, 2, "abcd", 4, 0);
	assert_string_equal(m.balloon.virtio.offence,
			    "free pages are reported as buffers for writing");
}

static void test_statistics_are_kept_and_asked_for(void **state)
{
	static const struct virtio_balloon_stat said[] = {
		{ .tag = VIRTIO_BALLOON_S_MEMTOT, .val = 12345678901 },
		{ .tag = VIRTIO_BALLOON_S_NR, .val = 1 },
		{ .tag = 0xffff, .val = 2 },
		{ .tag = VIRTIO_BALLOON_S_MEMFREE, .val = 7 },
	};
	CLEAN(machine) struct machine m;
	struct balloon_stats s;

	(void)state;
	machine_init(&m, STATS, 2);
	s = virtio_balloon_stats(&m.balloon);
	assert_true(s.values[VIRTIO_BALLOON_S_MEMTOT] == UINT64_MAX);
	/* The last one is cut. */
	give(&m, 2, said, sizeof(said) - 1, 0);
	assert_int_equal(m.guest.driver.used->idx, 0);
	s = virtio_balloon_stats(&m.balloon);
	assert_true(s.values[VIRTIO_BALLOON_S_MEMTOT] == 12345678901);
	assert_true(s.values[VIRTIO_BALLOON_S_MEMFREE] == UINT64_MAX);
	assert_true(s.values[VIRTIO_BALLOON_S_SWAP_IN] == UINT64_MAX);
	assert_int_equal(m.guest.driver.used->idx, 1);
	assert_int_equal(calls_raised(&m.guest.calls, QUEUE_VECTOR), 1);
	/* It has the buffer, and is not to get it twice. */
	(void)virtio_balloon_stats(&m.balloon);
	assert_int_equal(m.guest.driver.used->idx, 1);
	give(&m, 2, said, sizeof(said), 0);
	s = virtio_balloon_stats(&m.balloon);
	assert_true(s.values[VIRTIO_BALLOON_S_MEMFREE] == 7);
	assert_int_equal(m.guest.driver.used->idx, 2);
}

/* Linux 6.12 knows sixteen kinds, and says what counts last. */
static void test_more_statistics_than_we_know(void **state)
{
	struct virtio_balloon_stat said[17];
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, STATS, 2);
	for (uint16_t i = 0; i < 16; i++)
		said[i] = (struct virtio_balloon_stat){ .tag = 100 + i, .val = 1 };
	said[16] = (struct virtio_balloon_stat){ .tag = VIRTIO_BALLOON_S_AVAIL, .val = 77 };
	give(&m, 2, said, sizeof(said), 0);
	assert_true(virtio_balloon_stats(&m.balloon).values[VIRTIO_BALLOON_S_AVAIL] == 77);
}

static void test_statistics_come_one_at_a_time(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, STATS, 2);
	give(&m, 2, "", 0, 0);
	assert_null(m.balloon.virtio.offence);
	give(&m, 2, "", 0, 0);
	assert_string_equal(m.balloon.virtio.offence,
			    "statistics come in one buffer at a time, for reading");
	/* What was kept is nobody's after a reset. */
	begin(&m.guest, STATS, 2);
	(void)virtio_balloon_stats(&m.balloon);
	assert_int_equal(m.guest.driver.used->idx, 0);
}

static void test_a_firm_one_is_not_taken_back_from(void **state)
{
	CLEAN(driver) struct driver d;
	struct virtio_balloon b;
	struct err err = { 0 };

	(void)state;
	driver_init(&d);
	for (int firm = 0; firm < 2; firm++) {
		assert_int_equal(virtio_balloon_init(&b, 0, firm, &d.memory, &err), 0);
		assert_int_equal(b.virtio.offered >> VIRTIO_BALLOON_F_DEFLATE_ON_OOM & 1, !firm);
		virtio_free(&b.virtio);
	}
}

static void expect_size(struct machine *m, uint32_t wanted, uint32_t actual)
{
	uint32_t pages[2];

	virtio_balloon_size(&m->balloon, &pages[0], &pages[1]);
	assert_int_equal(pages[0], wanted);
	assert_int_equal(pages[1], actual);
}

static void test_its_size_is_wanted_and_told(void **state)
{
	CLEAN(machine) struct machine m;
	struct err err = { 0 };

	(void)state;
	machine_init(&m, 0, 0);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE, 4), 100);
	assert_int_equal(calls_raised(&m.guest.calls, CONFIG_VECTOR), 0);
	assert_int_equal(virtio_balloon_target(&m.balloon, 200, &err), 0);
	assert_int_equal(calls_raised(&m.guest.calls, CONFIG_VECTOR), 1);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE, 4), 200);
	/* The driver may write how large it is, and nothing else. */
	put(&m.guest, VIRTIO_BAR_DEVICE, 4, 5);
	put(&m.guest, VIRTIO_BAR_DEVICE + 4, 4, 150);
	put(&m.guest, VIRTIO_BAR_DEVICE + 4, 1, 7);
	put(&m.guest, VIRTIO_BAR_DEVICE + 8, 4, 8);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE, 4), 200);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 4, 4), 150);
	expect_size(&m, 200, 150);
	assert_int_equal(virtio_balloon_target(&m.balloon, MEMORY_MIN_BYTES / PAGE, &err), -EINVAL);
	assert_string_equal(err.text,
			    "a balloon of 32m for a guest that has 32m: it can't give back "
			    "all of it; --balloon");
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE, 4), 200);
	status(&m.guest, 0);
	expect_size(&m, 200, 0);
	/* Nobody is there to be told. */
	assert_int_equal(virtio_balloon_target(&m.balloon, 300, &err), 0);
	assert_int_equal(calls_raised(&m.guest.calls, CONFIG_VECTOR), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_that_are_given_are_the_hosts),
		cmocka_unit_test(test_more_pages_than_a_driver_sends_at_once),
		cmocka_unit_test(test_what_is_no_page_of_memory_is_an_offence),
		cmocka_unit_test(test_pages_that_are_taken_back_are_there),
		cmocka_unit_test(test_free_pages_are_reported_as_whole_pages),
		cmocka_unit_test(test_free_pages_are_not_for_reading),
		cmocka_unit_test(test_statistics_are_kept_and_asked_for),
		cmocka_unit_test(test_more_statistics_than_we_know),
		cmocka_unit_test(test_statistics_come_one_at_a_time),
		cmocka_unit_test(test_a_firm_one_is_not_taken_back_from),
		cmocka_unit_test(test_its_size_is_wanted_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
