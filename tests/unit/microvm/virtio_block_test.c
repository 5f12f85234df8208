/* A disk of eight sectors, and a driver that asks it for all kinds of things. */
#include "base/str.h"
#include "microvm/guest.h"
#include "microvm/virtio_block.h"

#include <linux/virtio_blk.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define SECTORS 8
#define HEAD_GPA DRIVER_BUFFER_GPA
#define DATA_GPA (DRIVER_BUFFER_GPA + 0x1000)
#define STATUS_GPA (DRIVER_BUFFER_GPA + 0x10000)
#define UNTOUCHED 0x77

struct machine {
	struct guest guest;
	struct virtio_block block;
	int fd; /* the block device's */
};

static void machine_free(struct machine *m)
{
	disk_close(&m->block.disk);
	guest_free(&m->guest);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void machine_init(struct machine *m, bool readonly)
{
	struct disk d = { .bytes = SECTORS * 512, .readonly = readonly, .id = "root" };
	struct err err = { 0 };

	m->fd = d.fd = memfd_create("disk", MFD_CLOEXEC);
	assert_int_equal(ftruncate(d.fd, SECTORS * 512), 0);
	for (int i = 0; i < SECTORS; i++)
		assert_int_equal(pwrite(d.fd, (char[]){ (char)('a' + i) }, 1, i * 512), 1);
	guest_init(&m->guest);
	assert_int_equal(virtio_block_init(&m->block, &d, &m->guest.driver.memory, &err), 0);
	guest_plug(&m->guest, &m->block.virtio);
	begin(&m->guest, readonly ? 0 : 1ULL << VIRTIO_BLK_F_FLUSH, 0);
}

static char *at(struct machine *m, uint64_t gpa)
{
	return m->guest.driver.memory.base + gpa;
}

/* Header, data, status, in a descriptor each: what becomes of the status. */
static uint8_t ask(struct machine *m, uint32_t type, uint64_t sector, uint32_t len, uint16_t flags)
{
	struct virtio_blk_outhdr head = { .type = type, .sector = sector };
	struct driver *d = &m->guest.driver;

	memcpy(at(m, HEAD_GPA), &head, sizeof(head));
	*at(m, STATUS_GPA) = UNTOUCHED;
	driver_put(&d->table[0], HEAD_GPA, sizeof(head), VRING_DESC_F_NEXT, len ? 1 : 2);
	driver_put(&d->table[1], DATA_GPA, len, VRING_DESC_F_NEXT | flags, 2);
	driver_put(&d->table[2], STATUS_GPA, 1, VRING_DESC_F_WRITE, 0);
	driver_offer(d, 0);
	put(&m->guest, VIRTIO_BAR_NOTIFY, 2, 0);
	assert_true(serve(&m->guest, 0));
	return (uint8_t)*at(m, STATUS_GPA);
}

static void test_configuration(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, false);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE, 4), SECTORS);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 4, 4), 0);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 12, 4), 254);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 20, 4), 512);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 24, 4), 0);
	assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 0xffc, 4), 0);
}

static void test_what_may_be_asked(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t len;
		uint16_t flags;
		uint8_t status, readonly; /* of a disk that can be written to; of one that can't */
	} cases[] = {
		{ VIRTIO_BLK_T_IN, 0, 512, VRING_DESC_F_WRITE, 0, 0 },
		{ VIRTIO_BLK_T_IN, 7, 512, VRING_DESC_F_WRITE, 0, 0 },
		{ VIRTIO_BLK_T_IN, 0, 4096, VRING_DESC_F_WRITE, 0, 0 },
		{ VIRTIO_BLK_T_IN, 1, 4096, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, 8, 512, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, 8, 0, VRING_DESC_F_WRITE, 0, 0 },
		{ VIRTIO_BLK_T_IN, 9, 0, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, UINT64_MAX, 512, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, 1ULL << 55, 512, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, 0, 511, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, 0, 513, VRING_DESC_F_WRITE, 1, 1 },
		{ VIRTIO_BLK_T_IN, 0, 512, 0, 0, 0 }, /* nothing is asked for */
		{ VIRTIO_BLK_T_OUT, 0, 512, 0, 0, 1 },
		{ VIRTIO_BLK_T_OUT, 1, 4096, 0, 1, 1 },
		{ VIRTIO_BLK_T_OUT, 0, 100, 0, 1, 1 },
		{ VIRTIO_BLK_T_OUT, UINT64_MAX, 512, 0, 1, 1 },
		{ VIRTIO_BLK_T_FLUSH, 0, 0, 0, 0, 0 },
		{ VIRTIO_BLK_T_FLUSH, UINT64_MAX, 0, 0, 0, 0 },
		{ VIRTIO_BLK_T_GET_ID, 0, 20, VRING_DESC_F_WRITE, 0, 0 },
		{ VIRTIO_BLK_T_DISCARD, 0, 16, 0, 2, 2 },
		{ 77, 0, 512, 0, 2, 2 },
		{ 0xffffffff, 0, 512, VRING_DESC_F_WRITE, 2, 2 },
	};
	CLEAN(machine) struct machine plain, readonly;

	(void)state;
	machine_init(&plain, false);
	machine_init(&readonly, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(ask(&plain, cases[i].type, cases[i].sector, cases[i].len,
				     cases[i].flags),
				 cases[i].status);
		assert_int_equal(ask(&readonly, cases[i].type, cases[i].sector, cases[i].len,
				     cases[i].flags),
				 cases[i].readonly);
	}
	/* None of these was an offence. */
	assert_int_equal(get(&plain.guest, VIRTIO_PCI_COMMON_STATUS, 1), ACK | FEATURES | READY);
	assert_int_equal(lseek(plain.fd, 0, SEEK_END), SECTORS * 512);
}

static void test_bytes_go_where_they_should(void **state)
{
	CLEAN(machine) struct machine m;
	char byte;

	(void)state;
	machine_init(&m, false);
	assert_int_equal(ask(&m, VIRTIO_BLK_T_IN, 3, 1024, VRING_DESC_F_WRITE), 0);
	assert_int_equal(*at(&m, DATA_GPA), 'd');
	assert_int_equal(*at(&m, DATA_GPA + 512), 'e');
	assert_int_equal(*at(&m, DATA_GPA + 1024), 0);
	assert_int_equal(m.guest.driver.used->ring[0].len, 1025);
	assert_int_equal(calls_raised(&m.guest.calls, QUEUE_VECTOR), 1);
	*at(&m, DATA_GPA) = 'X';
	assert_int_equal(ask(&m, VIRTIO_BLK_T_OUT, 6, 512, 0), 0);
	assert_int_equal(pread(m.fd, &byte, 1, 6 * 512), 1);
	assert_int_equal(byte, 'X');
	assert_int_equal(pread(m.fd, &byte, 1, 7 * 512), 1);
	assert_int_equal(byte, 'h');
	assert_int_equal(m.guest.driver.used->ring[1].len, 1);
	assert_int_equal(ask(&m, VIRTIO_BLK_T_GET_ID, 0, 20, VRING_DESC_F_WRITE), 0);
	assert_string_equal(at(&m, DATA_GPA), "root");
}

/* A driver may lay a request out as it likes: the header in two pieces, data and status in one. */
static void test_pieces_of_any_shape(void **state)
{
	CLEAN(machine) struct machine m;
	struct virtio_blk_outhdr head = { .type = VIRTIO_BLK_T_IN, .sector = 2 };
	struct driver *d = &m.guest.driver;

	(void)state;
	machine_init(&m, false);
	memcpy(at(&m, HEAD_GPA), &head, 3);
	memcpy(at(&m, HEAD_GPA + 100), (char *)&head + 3, 13);
	driver_put(&d->table[0], HEAD_GPA, 3, VRING_DESC_F_NEXT, 1);
	driver_put(&d->table[1], HEAD_GPA + 100, 13, VRING_DESC_F_NEXT, 2);
	driver_put(&d->table[2], DATA_GPA, 1, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 3);
	driver_put(&d->table[3], DATA_GPA + 1, 512, VRING_DESC_F_WRITE, 0);
	*at(&m, DATA_GPA + 512) = UNTOUCHED;
	driver_offer(d, 0);
	assert_true(serve(&m.guest, 0));
	assert_int_equal(*at(&m, DATA_GPA), 'c');
	assert_int_equal(*at(&m, DATA_GPA + 512), 0);
	assert_int_equal(d->used->ring[0].len, 513);
}

static void test_request_without_header_or_status_is_an_offence(void **state)
{
	static const struct {
		uint32_t len;
		uint16_t flags;
		const char *rule;
	} cases[] = {
		{ 15, VRING_DESC_F_NEXT, "a request to a disk begins with its header" },
		{ 0, VRING_DESC_F_NEXT, "a request to a disk begins with its header" },
		{ 16, VRING_DESC_F_WRITE, "a request to a disk begins with its header" },
		{ 16, 0, "a request to a disk ends with room for its status" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEAN(machine) struct machine m;
		struct driver *d = &m.guest.driver;

		machine_init(&m, false);
		driver_put(&d->table[0], HEAD_GPA, cases[i].len, cases[i].flags, 1);
		driver_put(&d->table[1], STATUS_GPA, 1, VRING_DESC_F_WRITE, 0);
		driver_offer(d, 0);
		assert_true(serve(&m.guest, 0));
		assert_string_equal(m.block.virtio.offence, cases[i].rule);
		assert_int_equal(d->used->idx, 0);
	}
}

static void test_file_that_became_shorter_is_an_error(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, false);
	assert_int_equal(ftruncate(m.fd, 700), 0);
	assert_int_equal(ask(&m, VIRTIO_BLK_T_IN, 0, 512, VRING_DESC_F_WRITE), 0);
	assert_int_equal(ask(&m, VIRTIO_BLK_T_IN, 1, 512, VRING_DESC_F_WRITE), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_what_may_be_asked),
		cmocka_unit_test(test_bytes_go_where_they_should),
		cmocka_unit_test(test_pieces_of_any_shape),
		cmocka_unit_test(test_request_without_header_or_status_is_an_offence),
		cmocka_unit_test(test_file_that_became_shorter_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
