/*
 * MSI-X: the table in which the guest says which message each of a function's interrupts is, and whether it
 * wants it now. PCI Local Bus 3.0, 6.8.2. For any thread.
 */
#ifndef CTR_MICROVM_MSIX_H
#define CTR_MICROVM_MSIX_H

#include "base/cleanup.h"
#include "microvm/pci.h"
#include "microvm/wires.h"

#define MSIX_MAX 64 /* so that the pending bits are one word */
#define MSIX_ENTRY_BYTES 16

struct msix_vector {
	uint32_t words[4]; /* as in the table: address, its upper half, data, control */
	bool told;         /* KVM has this message */
	unsigned int number;
	int fd; /* its wire */
};

struct msix {
	pthread_mutex_t lock;
	struct wires *wires; /* borrowed */
	unsigned int count, capability;
	bool enabled, masked; /* by the capability, for all */
	uint64_t pending;
	struct msix_vector vectors[MSIX_MAX];
};

/*
 * `count` interrupts for a function whose table is at `table` in `bar`, its pending bits at `pending`: the
 * capability, and a wire each. All zero is none, and can be freed.
 */
int msix_init(struct msix *m, unsigned int count, struct wires *wires, struct pci_function *f,
	      unsigned int bar, uint32_t table, uint32_t pending, struct err *err) MUST_CHECK;

/* The guest has written to configuration space: these may be our control bits. */
void msix_config_written(struct msix *m, const struct pci_function *f);

/* The table's bytes; what is not four or eight, aligned, goes nowhere. */
void msix_table_read(struct msix *m, uint32_t offset, void *data, size_t len);
void msix_table_write(struct msix *m, uint32_t offset, const void *data, size_t len);
void msix_pending_read(struct msix *m, uint32_t offset, void *data, size_t len);

/* Interrupt the guest: now, or once it unmasks the vector. False: it has not enabled MSI-X. */
bool msix_raise(struct msix *m, unsigned int vector);

/* For a snapshot, the table's words and what is pending; and into a fresh one, behind pci_load() of its function. */
struct msix_state {
	uint64_t pending;
	uint32_t count, zero;
	uint32_t words[MSIX_MAX][4];
};

void msix_save(struct msix *m, struct msix_state *ret);
/* -EINVAL: it has another number of interrupts. */
int msix_load(struct msix *m, const struct pci_function *f, const struct msix_state *s) MUST_CHECK;

void msix_free(struct msix *m);

#endif
