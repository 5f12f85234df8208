/* A guest of one device, at slot 1, whose driver is a test: registers, one ring, what KVM is asked for. */
#ifndef TESTS_UNIT_MICROVM_GUEST_H
#define TESTS_UNIT_MICROVM_GUEST_H

#include "microvm/calls.h"
#include "microvm/driver.h"
#include "microvm/virtio_pci.h"
#include "microvm/virtio_rng.h"

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#define BAR 0xc0000000U
#define ACK (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define FEATURES VIRTIO_CONFIG_S_FEATURES_OK
#define READY VIRTIO_CONFIG_S_DRIVER_OK
#define BROKEN VIRTIO_CONFIG_S_NEEDS_RESET
#define CONFIG_VECTOR 0
#define QUEUE_VECTOR 1
#define NO_VECTOR 0xffff

struct guest {
	struct calls calls;
	struct driver driver;
	struct pci pci;
	struct virtio *v;
	struct virtio_pci t;
	struct virtio_rng rng;
};

/* The driver's memory is there first, for the device that is plugged then: placed, MSI-X enabled. */
void guest_init(struct guest *g);
void guest_plug(struct guest *g, struct virtio *v);
/* Both, with the simplest device there is. */
void guest_init_rng(struct guest *g);
/* The device too, but not what it begins with besides struct virtio. */
void guest_free(struct guest *g);
CLEAN_DEFINE(guest, struct guest, guest_free)

/* Configuration space. */
uint32_t config_get(struct guest *g, unsigned int offset, size_t len);
void config_put(struct guest *g, unsigned int offset, size_t len, uint32_t value);

/* The BAR. */
uint32_t get(struct guest *g, uint32_t offset, size_t len);
void put(struct guest *g, uint32_t offset, size_t len, uint32_t value);
void status(struct guest *g, uint8_t value);
void accept_features(struct guest *g, uint64_t features);

/* Say where the selected queue is; all of a driver's beginning, with the ring as that queue. */
void place_queue(struct guest *g);
void begin(struct guest *g, uint64_t features, uint16_t queue);

/* What the device's thread does when that queue's doorbell has rung; does it ring? */
bool serve(struct guest *g, unsigned int queue);

#endif
