/* Limits on what passes through a queue: the network's have both directions. */
#include "base/str.h"
#include "microvm/net_machine.h"

#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <cmocka.h>

static long seconds_left(struct machine *m, unsigned int queue)
{
	struct itimerspec at;

	assert_int_equal(timerfd_gettime(m->net.virtio.queues[queue].limit.timer, &at), 0);
	return at.it_value.tv_sec;
}

/* One byte a second: the first packet is let through, the next when it's paid for. */
static void limit(struct machine *m, unsigned int queue)
{
	struct err err = { 0 };

	assert_int_equal(virtio_limit(&m->net.virtio, queue, &(struct bucket_rates){ .bytes = 1 },
				      1, HEAD, &m->io, &err),
			 0);
}

static void test_guest_that_sends_too_much_waits(void **state)
{
	CLEAN(machine) struct machine m;
	struct driver *d = &m.driver[TX];

	(void)state;
	machine_init(&m, ALL, false);
	limit(&m, TX);
	assert_int_equal(transmit(&m, &(struct virtio_net_hdr_v1){ 0 }, 1000), HEAD + 1000);
	driver_offer(d, 0);
	m.net.virtio.ops->serve(&m.net.virtio, TX);
	assert_int_equal(d->used->idx, 1);
	assert_in_range(seconds_left(&m, TX), 500, 1000);
	/* No way around: a reset doesn't fill the bucket. */
	virtio_set_status(&m.net.virtio, 0);
	agree(&m, ALL, false);
	d->used->idx = 0;
	m.net.virtio.ops->serve(&m.net.virtio, TX);
	assert_int_equal(d->used->idx, 0);
}

static void test_what_is_too_much_for_the_guest_waits_in_the_tap(void **state)
{
	CLEAN(machine) struct machine m;

	(void)state;
	machine_init(&m, ALL, false);
	limit(&m, RX);
	offer(&m, 0, 2000);
	offer(&m, 1, 2000);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 1000);
	send_packet(&m, (struct virtio_net_hdr_v1){ 0 }, 1000);
	ready(&m);
	assert_got(&m, 0, 1, 1000);
	assert_int_equal(m.net.packet_bytes, 0);
	assert_int_equal(m.net.watched, 0);
	assert_in_range(seconds_left(&m, RX), 500, 1000);
}

static void test_bell_rings_when_the_next_one_may_pass(void **state)
{
	CLEAN(machine) struct machine m;
	struct virtio_queue *q;
	struct epoll_event e;
	uint64_t count;

	(void)state;
	machine_init(&m, ALL, false);
	q = &m.net.virtio.queues[TX];
	assert_int_equal(virtio_limit(&m.net.virtio, TX, &(struct bucket_rates){ .operations = 2 },
				      1, HEAD, &m.io, &(struct err){ 0 }),
			 0);
	/* More than one where this machine has stood still in between. */
	while (virtio_limit_passes(&m.net.virtio, TX))
		virtio_limit_take(&m.net.virtio, TX, HEAD);
	assert_int_equal(epoll_wait(m.io.epoll, &e, 1, -1), 1);
	assert_ptr_equal(e.data.ptr, &q->limit.source);
	q->limit.source.ready(q->limit.source.arg, e.events);
	assert_int_equal(read(q->bell, &count, sizeof(count)), sizeof(count));
	assert_true(virtio_limit_passes(&m.net.virtio, TX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_that_sends_too_much_waits),
		cmocka_unit_test(test_what_is_too_much_for_the_guest_waits_in_the_tap),
		cmocka_unit_test(test_bell_rings_when_the_next_one_may_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
