/* The device around the server: what a driver sees of it, and that a reset takes all away. */
#include "microvm/fuse_parts.h"
#include "microvm/guest.h"
#include "microvm/virtio_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ids.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TAG_36 "123456789012345678901234567890123456"
#define IN_GPA DRIVER_BUFFER_GPA
#define OUT_GPA (DRIVER_BUFFER_GPA + 0x1000)

static const struct fuse_init_in init = { .major = 7, .minor = 38 };

struct machine {
	struct guest guest;
	struct virtio_fs fs;
};

static void machine_free(struct machine *m)
{
	fuse_server_free(m->fs.server);
	guest_free(&m->guest);
}
CLEAN_DEFINE(machine, struct machine, machine_free)

static void machine_init(struct machine *m, const char *tag)
{
	struct fuse_server *f = NULL;
	struct err err = { 0 };

	memset(m, 0, sizeof(*m));
	guest_init(&m->guest);
	assert_int_equal(fuse_server_make(open("/", O_PATH | O_CLOEXEC), "/proc/self/fd", true, 64,
					  &f, &err),
			 0);
	assert_int_equal(virtio_fs_init(&m->fs, tag, f, &m->guest.driver.memory, &err), 0);
	guest_plug(&m->guest, &m->fs.virtio);
}

/* A request with its header in a descriptor, and its doorbell. */
static void request(struct machine *m, unsigned int queue, uint32_t opcode, uint64_t node,
		    const void *in, uint32_t len)
{
	struct driver *d = &m->guest.driver;
	struct fuse_in_header head = { .len = (uint32_t)sizeof(head) + len,
				       .opcode = opcode,
				       .nodeid = node };
	struct fuse_out_header out = { .error = 1 };

	memcpy(d->memory.base + IN_GPA, &head, sizeof(head));
	if (len)
		memcpy(d->memory.base + IN_GPA + sizeof(head), in, len);
	memcpy(d->memory.base + OUT_GPA, &out, sizeof(out));
	driver_put(&d->table[0], IN_GPA, head.len, VRING_DESC_F_NEXT, 1);
	driver_put(&d->table[1], OUT_GPA, 4096, VRING_DESC_F_WRITE, 0);
	driver_offer(d, 0);
	virtio_ring(&m->fs.virtio, queue);
}

/* The answer's error; 1: none came. */
static int ask(struct machine *m, unsigned int queue, uint32_t opcode, uint64_t node,
	       const void *in, uint32_t len)
{
	struct driver *d = &m->guest.driver;
	struct fuse_out_header out;

	request(m, queue, opcode, node, in, len);
	assert_true(serve(&m->guest, queue));
	memcpy(&out, d->memory.base + OUT_GPA, sizeof(out));
	return out.error;
}

static void test_configuration(void **state)
{
	static const char *const tags[] = { "a", TAG_36 };
	char tag[37] = "";

	(void)state;
	for (size_t t = 0; t < 2; t++) {
		CLEAN(machine) struct machine m;

		machine_init(&m, tags[t]);
		assert_int_equal(config_get(&m.guest, PCI_DEVICE_ID, 2), 0x1040 + VIRTIO_ID_FS);
		for (uint32_t i = 0; i < 36; i++)
			tag[i] = (char)get(&m.guest, VIRTIO_BAR_DEVICE + i, 1);
		assert_string_equal(tag, tags[t]);
		assert_int_equal(get(&m.guest, VIRTIO_BAR_DEVICE + 36, 4), 1);
		assert_int_equal(get(&m.guest, VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	}
}

static void test_reset_takes_all_away(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, "root");
	begin(&m.guest, 0, 1);
	assert_int_equal(ask(&m, 1, FUSE_STATFS, 1, NULL, 0), -EIO);
	assert_int_equal(ask(&m, 1, FUSE_INIT, 0, &init, sizeof(init)), 0);
	assert_int_equal(ask(&m, 1, FUSE_STATFS, 1, NULL, 0), 0);
	assert_int_equal(m.guest.driver.used->idx, 3);
	memset(m.guest.driver.avail, 0, 4);
	memset(m.guest.driver.used, 0, 4);
	begin(&m.guest, 0, 1);
	assert_int_equal(ask(&m, 1, FUSE_STATFS, 1, NULL, 0), -EIO);
}

/* The queue before the others has what needs no answer, and isn't another kind. */
static void test_first_queue(void **state)
{
	CLEAN(machine) struct machine m;
	const struct fuse_forget_in forget = { .nlookup = 1 };

	(void)state;
	machine_init(&m, "root");
	begin(&m.guest, 0, 0);
	assert_int_equal(ask(&m, 0, FUSE_INIT, 0, &init, sizeof(init)), 0);
	assert_int_equal(ask(&m, 0, FUSE_FORGET, 5, &forget, sizeof(forget)), 1);
	assert_int_equal(m.guest.driver.used->idx, 2);
	assert_int_equal(m.guest.driver.used->ring[1].len, 0);
}

static void test_offence(void **state)
{
	CLEAN(machine) struct machine m;
	struct driver *d = &m.guest.driver;

	(void)state;
	machine_init(&m, "root");
	begin(&m.guest, 0, 1);
	driver_put(&d->table[0], IN_GPA, 39, VRING_DESC_F_NEXT, 1);
	driver_put(&d->table[1], OUT_GPA, 4096, VRING_DESC_F_WRITE, 0);
	driver_offer(d, 0);
	assert_true(serve(&m.guest, 1));
	assert_string_equal(
		m.fs.virtio.offence,
		"a request for files begins with its header, and has the length that it says");
	assert_true(get(&m.guest, VIRTIO_PCI_COMMON_STATUS, 1) & BROKEN);
	assert_int_equal(d->used->idx, 0);
}

/* ---- snapshots ----------------------------------------------------------------------------- */

static void start_thread(struct machine *m, struct io *io)
{
	struct err err = { 0 };

	assert_int_equal(io_make(io, &err), 0);
	assert_int_equal(virtio_attach(&m->fs.virtio, io, &err), 0);
	assert_int_equal(io_start(io, &err), 0);
}

static int used(struct virtio *v, void *arg, struct err *err)
{
	(void)v;
	(void)err;
	return ((const struct driver *)arg)->used->idx;
}

/* As the device's thread sees it, behind all that has rung before. */
static int used_by_then(struct machine *m)
{
	struct err err;

	(void)!virtio_do(&m->fs.virtio, used, &m->guest.driver, &err);
	return virtio_do(&m->fs.virtio, used, &m->guest.driver, &err);
}

static void save(struct machine *m, struct str *ret)
{
	struct err err = { 0 };

	assert_int_equal(m->fs.virtio.ops->save_more(&m->fs.virtio, ret, &err), 0);
}

static void test_it_stands_still_from_its_saving_on(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(str) struct str saved = { 0 };
	CLEAN(io) struct io io = IO_NONE;

	(void)state;
	machine_init(&m, "root");
	begin(&m.guest, 0, 1);
	assert_int_equal(ask(&m, 1, FUSE_INIT, 0, &init, sizeof(init)), 0);
	start_thread(&m, &io);
	assert_int_equal(used_by_then(&m), 1);
	save(&m, &saved);
	request(&m, 1, FUSE_STATFS, 1, NULL, 0);
	assert_int_equal(used_by_then(&m), 1);
	/* Nobody rings again. */
	virtio_go_on(&m.fs.virtio);
	for (int i = 0; i < 500 && used_by_then(&m) == 1; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_int_equal(used_by_then(&m), 2);
}

/* Whether its driver has begun or not. */
static int load(const char *tag, const char *bytes, size_t len, bool *ret_begun, struct err *err)
{
	CLEAN(machine) struct machine m;
	CLEAN(io) struct io io = IO_NONE;
	int rc;

	machine_init(&m, tag);
	start_thread(&m, &io);
	rc = m.fs.virtio.ops->load_more(&m.fs.virtio, bytes, len, err);
	*ret_begun = m.fs.server->begun;
	return rc;
}

static void test_only_what_is_of_this_share_is_loaded(void **state)
{
	CLEAN(machine) struct machine m;
	CLEAN(str) struct str saved = { 0 };
	CLEAN(io) struct io io = IO_NONE;
	struct err err = { 0 };
	bool begun;

	(void)state;
	machine_init(&m, "root");
	begin(&m.guest, 0, 1);
	assert_int_equal(ask(&m, 1, FUSE_INIT, 0, &init, sizeof(init)), 0);
	start_thread(&m, &io);
	save(&m, &saved);
	assert_int_equal(load("root", saved.text, saved.len, &begun, &err), 0);
	assert_true(begun);
	assert_int_equal(load("roots", saved.text, saved.len, &begun, &err), -EINVAL);
	assert_string_equal(err.text, "--share roots: the guest's share in this place had another "
				      "tag: give the same flags, in the same order, as at first");
	assert_int_equal(load("root", saved.text, 35, &begun, &err), -EINVAL);
	assert_int_equal(load("root", saved.text, 36, &begun, &err), -EINVAL);
	assert_string_equal(err.text,
			    "--share root: no server of a shared folder has written that: "
			    "its head is cut");
	assert_false(begun);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_reset_takes_all_away),
		cmocka_unit_test(test_first_queue),
		cmocka_unit_test(test_offence),
		cmocka_unit_test(test_it_stands_still_from_its_saving_on),
		cmocka_unit_test(test_only_what_is_of_this_share_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
