/* A device that goes on from a snapshot, with the memory of the driver that had it before. */
#include "base/str.h"
#include "microvm/guest.h"
#include "microvm/virtio_state.h"
#include "microvm/virtio_vsock.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 64

/* A guest that has begun and been served once, with one request more under way; and what was saved of it. */
struct before {
	struct guest guest;
	uint8_t config[PCI_CONFIG_BYTES];
	struct virtio_pci_state state;
};

static void before_free(struct before *b)
{
	guest_free(&b->guest);
}
CLEAN_DEFINE(before, struct before, before_free)

static void offer(struct guest *g, uint16_t head)
{
	driver_put(&g->driver.table[head], DRIVER_BUFFER_GPA + head * BYTES, BYTES,
		   VRING_DESC_F_WRITE, 0);
	driver_offer(&g->driver, head);
}

static void before_init(struct before *b, uint64_t features)
{
	guest_init_rng(&b->guest);
	begin(&b->guest, features, 0);
	offer(&b->guest, 0);
	assert_true(serve(&b->guest, 0));
	assert_int_equal(b->guest.driver.used->idx, 1);
	offer(&b->guest, 1);
	put(&b->guest, VIRTIO_PCI_COMMON_Q_SELECT, 2, 3);
	put(&b->guest, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	memcpy(b->config, b->guest.t.function.config, sizeof(b->config));
	virtio_state_save(&b->guest.t, &b->state);
}

/* A fresh device over the memory of the other one's driver. */
static void after_init(struct guest *g, const struct before *b)
{
	struct err err = { 0 };

	guest_init(g);
	driver_free(&g->driver);
	g->driver = b->guest.driver;
	assert_int_equal(virtio_rng_init(&g->rng, &g->driver.memory, &err), 0);
	g->v = &g->rng.virtio;
	assert_int_equal(virtio_pci_init(&g->t, g->v, &g->calls.wires, &err), 0);
	assert_int_equal(pci_plug(&g->pci, &g->t.function, &err), 0);
}

static void after_free(struct guest *g)
{
	g->driver.memory = (struct memory)MEMORY_NONE;
	guest_free(g);
}
CLEAN_DEFINE(after, struct guest, after_free)

static int load(struct guest *g, const struct before *b, struct err *err)
{
	int rc;

	assert_int_equal(pci_load(&g->t.function, b->config), 0);
	pci_loaded(&g->pci, 0x80000800U);
	rc = virtio_state_load(&g->t, &b->state, err);
	if (rc == 0)
		virtio_state_loaded(&g->t);
	return rc;
}

static void goes_on(uint64_t features)
{
	CLEAN(before) struct before b;
	CLEAN(after) struct guest g;
	struct err err = { 0 };

	before_init(&b, features);
	after_init(&g, &b);
	assert_int_equal(load(&g, &b, &err), 0);
	/* The driver finds all where it was. */
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), ACK | FEATURES | READY);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_SELECT, 2), 3);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_DFSELECT, 4), 1);
	put(&g, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_USEDLO, 4), DRIVER_USED_GPA);
	assert_int_equal(get(&g, VIRTIO_BAR_TABLE + 16 + 8, 4), 0x41);
	/* KVM knows its doorbell and its message, and an interrupt may have been lost: so there was one. */
	assert_int_equal(g.calls.bell_count, 1);
	assert_int_equal(g.calls.bells[0].gpa, BAR + VIRTIO_BAR_NOTIFY);
	assert_int_equal(g.calls.messages[QUEUE_VECTOR].data, 0x41);
	assert_int_equal(calls_raised(&g.calls, QUEUE_VECTOR), 1);
	/* The request that was under way is served, without a ring, and not the one before it again. */
	g.driver.avail->ring[DRIVER_SIZE] = 1; /* "interrupt me for the second one" */
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->idx, 2);
	assert_int_equal(g.driver.used->ring[1].id, 1);
	assert_int_equal(g.driver.used->ring[1].len, BYTES);
	assert_int_equal(calls_raised(&g.calls, QUEUE_VECTOR), 1);
	offer(&g, 2);
	put(&g, VIRTIO_BAR_NOTIFY, 2, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->idx, 3);
	/* A reset is one. */
	status(&g, 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
}

static void test_it_goes_on_where_it_was(void **state)
{
	(void)state;
	goes_on(0);
	goes_on(1ULL << VIRTIO_RING_F_EVENT_IDX | 1ULL << VIRTIO_RING_F_INDIRECT_DESC);
}

static void test_one_that_has_not_begun_begins_then(void **state)
{
	CLEAN(before) struct before b;
	CLEAN(after) struct guest g;
	struct err err = { 0 };

	(void)state;
	before_init(&b, 0);
	status(&b.guest, 0);
	memcpy(b.config, b.guest.t.function.config, sizeof(b.config));
	virtio_state_save(&b.guest.t, &b.state);
	after_init(&g, &b);
	assert_int_equal(load(&g, &b, &err), 0);
	assert_false(serve(&g, 0));
	memset(g.driver.avail, 0, sizeof(*g.driver.avail));
	memset(g.driver.used, 0, sizeof(*g.driver.used));
	begin(&g, 0, 0);
	offer(&g, 0);
	assert_true(serve(&g, 0));
	assert_int_equal(g.driver.used->idx, 1);
}

/* What a guest couldn't have done, a file hasn't done either. */
static void test_states_that_cannot_be_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t len;
	} cases[] = {
#define CASE(field, value)                                 \
	{ offsetof(struct virtio_pci_state, field), value, \
	  sizeof(((struct virtio_pci_state *)0)->field) }
		CASE(id, 2),
		CASE(queues, 2),
		CASE(status, ACK | READY),
		CASE(status, 0x10 | ACK | FEATURES),
		CASE(status, ACK),
		CASE(offended, 1),
		CASE(accepted, 0),
		CASE(config_vector, 2),
		CASE(queue_states[0].vector, 2),
		CASE(queue_states[0].size, 7),
		CASE(queue_states[0].size, 16),
		CASE(queue_states[0].size, 0),
		CASE(queue_states[0].table_gpa, DRIVER_TABLE_GPA + 1),
		CASE(queue_states[0].avail_gpa, MEMORY_MIN_BYTES),
		CASE(queue_states[0].used_gpa, MEMORY_MIN_BYTES - 4),
		CASE(queue_states[0].used_gpa, UINT64_MAX - 3),
		CASE(msix.count, 3),
		CASE(msix.count, 1),
#undef CASE
	};
	CLEAN(before) struct before b;
	struct err err = { 0 };

	(void)state;
	before_init(&b, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct virtio_pci_state good = b.state;
		CLEAN(after) struct guest g;

		after_init(&g, &b);
		memcpy((char *)&b.state + cases[i].at, &cases[i].value, cases[i].len);
		assert_int_equal(load(&g, &b, &err), -EINVAL);
		assert_false(virtio_is_live(g.v, 0));
		b.state = good;
	}
}

static void test_what_is_not_offered_any_more_is_said(void **state)
{
	CLEAN(before) struct before b;
	CLEAN(after) struct guest g;
	struct err err = { 0 };

	(void)state;
	before_init(&b, 0);
	after_init(&g, &b);
	b.state.accepted |= 1ULL << 40;
	assert_int_equal(load(&g, &b, &err), -ENOTSUP);
	assert_string_equal(err.text, "the rng device offers less now than the guest has accepted: "
				      "give the same flags for it as at first");
}

static void test_another_function_is_refused(void **state)
{
	CLEAN(before) struct before b;
	CLEAN(after) struct guest g;

	(void)state;
	before_init(&b, 0);
	after_init(&g, &b);
	b.config[PCI_DEVICE_ID] ^= 1;
	assert_int_equal(pci_load(&g.t.function, b.config), -EINVAL);
	assert_int_equal(g.t.function.config[PCI_COMMAND], 0);
}

/* The places of BARs are what the guest has written: nonsense puts them nowhere. */
static void test_a_bar_that_is_nowhere_answers_nowhere(void **state)
{
	CLEAN(before) struct before b;
	CLEAN(after) struct guest g;
	struct err err = { 0 };

	(void)state;
	before_init(&b, 0);
	after_init(&g, &b);
	memset(b.config + PCI_BASE_ADDRESS_0, 0, 2);
	b.config[PCI_BASE_ADDRESS_0 + 2] = 0;
	b.config[PCI_BASE_ADDRESS_0 + 3] = 0x10;
	assert_int_equal(load(&g, &b, &err), 0);
	assert_int_equal(g.calls.bell_count, 0);
	assert_int_equal(get(&g, VIRTIO_PCI_COMMON_STATUS, 1), 0xff);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_goes_on_where_it_was),
		cmocka_unit_test(test_one_that_has_not_begun_begins_then),
		cmocka_unit_test(test_states_that_cannot_be_are_refused),
		cmocka_unit_test(test_what_is_not_offered_any_more_is_said),
		cmocka_unit_test(test_another_function_is_refused),
		cmocka_unit_test(test_a_bar_that_is_nowhere_answers_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
