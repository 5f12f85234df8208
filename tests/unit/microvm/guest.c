#include "microvm/guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void guest_init(struct guest *g)
{
	memset(g, 0, sizeof(*g));
	calls_init(&g->calls);
	driver_init(&g->driver);
	pci_init(&g->pci);
}

void guest_free(struct guest *g)
{
	virtio_pci_free(&g->t);
	if (g->v)
		virtio_free(g->v);
	driver_free(&g->driver);
}

static void address(struct guest *g, unsigned int offset)
{
	uint32_t value = 0x80000800U | (offset & 0xfc);

	assert_true(pci_port_write(&g->pci, 0xcf8, &value, 4));
}

uint32_t config_get(struct guest *g, unsigned int offset, size_t len)
{
	uint32_t value = 0;

	address(g, offset);
	assert_true(pci_port_read(&g->pci, (uint16_t)(0xcfc + (offset & 3)), &value, len));
	return value;
}

void config_put(struct guest *g, unsigned int offset, size_t len, uint32_t value)
{
	address(g, offset);
	assert_true(pci_port_write(&g->pci, (uint16_t)(0xcfc + (offset & 3)), &value, len));
}

uint32_t get(struct guest *g, uint32_t offset, size_t len)
{
	uint32_t value = 0;

	pci_memory_read(&g->pci, BAR + offset, &value, len);
	return value;
}

void put(struct guest *g, uint32_t offset, size_t len, uint32_t value)
{
	pci_memory_write(&g->pci, BAR + offset, &value, len);
}

void status(struct guest *g, uint8_t value)
{
	put(g, VIRTIO_PCI_COMMON_STATUS, 1, value);
}

void accept_features(struct guest *g, uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		put(g, VIRTIO_PCI_COMMON_GFSELECT, 4, i);
		put(g, VIRTIO_PCI_COMMON_GF, 4, (uint32_t)(features >> 32 * i));
	}
}

void guest_plug(struct guest *g, struct virtio *v)
{
	struct err err = { 0 };

	g->v = v;
	assert_int_equal(virtio_pci_init(&g->t, v, &g->calls.wires, &err), 0);
	assert_int_equal(pci_plug(&g->pci, &g->t.function, &err), 0);
	config_put(g, PCI_BASE_ADDRESS_0, 4, BAR);
	config_put(g, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	config_put(g, g->t.msix.capability + 2, 2, PCI_MSIX_FLAGS_ENABLE);
	for (uint32_t i = 0; i < 2; i++) {
		put(g, VIRTIO_BAR_TABLE + 16 * i, 4, 0xfee00000);
		put(g, VIRTIO_BAR_TABLE + 16 * i + 8, 4, 0x40 + i);
		put(g, VIRTIO_BAR_TABLE + 16 * i + 12, 4, 0);
	}
}

void guest_init_rng(struct guest *g)
{
	struct err err = { 0 };

	guest_init(g);
	assert_int_equal(virtio_rng_init(&g->rng, &g->driver.memory, &err), 0);
	guest_plug(g, &g->rng.virtio);
}

void place_queue(struct guest *g)
{
	put(g, VIRTIO_PCI_COMMON_Q_SIZE, 2, DRIVER_SIZE);
	put(g, VIRTIO_PCI_COMMON_Q_MSIX, 2, QUEUE_VECTOR);
	put(g, VIRTIO_PCI_COMMON_Q_DESCLO, 4, DRIVER_TABLE_GPA);
	put(g, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, DRIVER_AVAIL_GPA);
	put(g, VIRTIO_PCI_COMMON_Q_USEDLO, 4, DRIVER_USED_GPA);
}

void begin(struct guest *g, uint64_t features, uint16_t queue)
{
	status(g, 0);
	status(g, ACK);
	accept_features(g, 1ULL << VIRTIO_F_VERSION_1 | features);
	status(g, ACK | FEATURES);
	put(g, VIRTIO_PCI_COMMON_MSIX, 2, CONFIG_VECTOR);
	put(g, VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	place_queue(g);
	put(g, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	status(g, ACK | FEATURES | READY);
}

bool serve(struct guest *g, unsigned int queue)
{
	struct virtio_queue *q = &g->v->queues[queue];
	uint64_t count;

	if (read(q->bell, &count, sizeof(count)) < 0)
		return false;
	q->source.ready(q->source.arg, 0);
	return true;
}
