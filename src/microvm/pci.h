/*
 * A PCI bus with one function per slot, and the configuration space of a function: what the guest finds at
 * ports cf8 and cfc, and in the window of memory where it places the functions' registers (BARs). PCI Local
 * Bus 3.0, chapter 6. Knows nothing of KVM; takes calls from any number of processors at once.
 */
#ifndef CTR_MICROVM_PCI_H
#define CTR_MICROVM_PCI_H

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_SLOTS 32
#define PCI_BARS 6
#define PCI_CONFIG_BYTES 256

/* Where BARs may be: what the DSDT says, above all memory below 4 GiB and below the interrupt controllers. */
#define PCI_WINDOW_GPA 0xc0000000U
#define PCI_WINDOW_END_GPA 0xfec00000U

/*
 * What a function does beside being found; NULL: nothing. bar_* come from any processor's thread, at any
 * time, with offset + len within the BAR; the others one at a time.
 */
struct pci_ops {
	void (*bar_read)(void *arg, unsigned int bar, uint32_t offset, void *data, size_t len);
	void (*bar_write)(void *arg, unsigned int bar, uint32_t offset, const void *data,
			  size_t len);
	/* The BAR answers at gpa from now on; 0: nowhere. */
	void (*bar_placed)(void *arg, unsigned int bar, uint32_t gpa);
	/* These bytes are about to be read; were written (those that can be). */
	void (*config_read)(void *arg, unsigned int offset, size_t len);
	void (*config_written)(void *arg, unsigned int offset, size_t len);
};

struct pci_function {
	const struct pci_ops *ops;
	void *arg;
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES]; /* its bits that the guest may change */
	uint32_t bar_bytes[PCI_BARS];       /* 0: there is none */
	uint32_t bar_gpa[PCI_BARS];         /* where it answers; 0: nowhere */
	unsigned int end;                   /* of the capabilities so far */
};

struct pci_id {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class; /* 24 bits: class, subclass, interface */
};

/* A function without BARs and capabilities. */
void pci_function_init(struct pci_function *f, const struct pci_id *id, const struct pci_ops *ops,
		       void *arg);

/* 32-bit memory of so many bytes, a power of two from 16 up. */
void pci_add_bar(struct pci_function *f, unsigned int bar, uint32_t bytes);

/*
 * A capability that begins with id and a link, which are put there, then `body`. Returns where it is: at a
 * multiple of 4. There is room for 192 bytes in all.
 */
unsigned int pci_add_capability(struct pci_function *f, uint8_t id, const void *body, size_t len);

uint32_t pci_get(const struct pci_function *f, unsigned int offset, size_t len) MUST_CHECK;
void pci_put(struct pci_function *f, unsigned int offset, size_t len, uint32_t value);

struct pci {
	pthread_mutex_t lock; /* of the address, and of all configuration spaces */
	uint32_t address;     /* what port cf8 holds */
	struct pci_function bridge;
	struct pci_function *slots[PCI_SLOTS]; /* borrowed */
};

/* The bus and its host bridge. */
void pci_init(struct pci *p);

/* Into the next free slot; the function stays where it is. -ENOSPC: there is none. */
int pci_plug(struct pci *p, struct pci_function *f, struct err *err) MUST_CHECK;

/*
 * For a snapshot, when no processor runs: the bytes of a function that is plugged in, and the address of port cf8.
 * Loaded are those of all functions first (-EINVAL: what the guest can't write differs from ours, it is another one),
 * then their BARs are put where they say.
 */
int pci_load(struct pci_function *f, const uint8_t config[PCI_CONFIG_BYTES]) MUST_CHECK;
void pci_loaded(struct pci *p, uint32_t address);

/* Ports cf8 to cff, `size` 1, 2 or 4. False: this access is not for the bus. */
bool pci_port_read(struct pci *p, uint16_t port, void *data, size_t size) MUST_CHECK;
bool pci_port_write(struct pci *p, uint16_t port, const void *data, size_t size) MUST_CHECK;

/* Memory that is no memory. Where no BAR is, it reads as ff and writes go nowhere. */
void pci_memory_read(struct pci *p, uint64_t gpa, void *data, size_t len);
void pci_memory_write(struct pci *p, uint64_t gpa, const void *data, size_t len);

#endif
