#include "microvm/pci.h"

#include "base/str.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#define ADDRESS_PORT 0xcf8
#define DATA_PORT 0xcfc
#define ADDRESS_ENABLE 0x80000000U
#define ADDRESS_BITS 0x80fffffcU
#define ADDRESS_SLOT(a) (((a) >> 11) & 31)
#define ADDRESS_OTHERS 0x00ff0700U /* other buses, other functions: there are none */
#define ADDRESS_OFFSET(a) ((a)&0xfc)

/* The one that other small hypervisors have, and no kernel mistakes for real hardware of some age. */
static const struct pci_id bridge_id = { .vendor = 0x8086, .device = 0x0d57, .class = 0x060000 };

static const struct pci_ops no_ops;

void pci_init(struct pci *p)
{
	*p = (struct pci){ .lock = PTHREAD_MUTEX_INITIALIZER };
	pci_function_init(&p->bridge, &bridge_id, &no_ops, NULL);
	p->slots[0] = &p->bridge;
}

int pci_plug(struct pci *p, struct pci_function *f, struct err *err)
{
	for (size_t i = 0; i < PCI_SLOTS; i++) {
		if (!p->slots[i]) {
			p->slots[i] = f;
			return 0;
		}
	}
	return err_set(err, ENOSPC, "a machine has at most %d devices", PCI_SLOTS - 1);
}

/* Do both lie on a byte together? */
static bool overlap(uint32_t a, uint32_t a_bytes, uint32_t b, uint32_t b_bytes)
{
	return a < (uint64_t)b + b_bytes && b < (uint64_t)a + a_bytes;
}

static uint32_t wanted_gpa(const struct pci_function *f, unsigned int bar)
{
	uint32_t gpa = pci_get(f, PCI_BASE_ADDRESS_0 + 4 * bar, 4), bytes = f->bar_bytes[bar];

	if (!bytes || !(pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) || gpa < PCI_WINDOW_GPA ||
	    (uint64_t)gpa + bytes > PCI_WINDOW_END_GPA)
		return 0;
	return gpa;
}

/* Is this place free of those BARs that come before that one and have theirs? */
static bool is_free(const struct pci *p, uint32_t where[PCI_SLOTS][PCI_BARS], size_t slot,
		    unsigned int bar, uint32_t gpa)
{
	for (size_t i = 0; i <= slot; i++)
		for (unsigned int b = 0; p->slots[i] && b < (i < slot ? PCI_BARS : bar); b++)
			if (where[i][b] && overlap(where[i][b], p->slots[i]->bar_bytes[b], gpa,
						   p->slots[slot]->bar_bytes[bar]))
				return false;
	return true;
}

/*
 * Who answers where, after any change, as the registers of all functions say now: of two BARs that overlap
 * the one in the higher slot answers nowhere, like one outside of the window, until the guest has placed
 * them better. All are taken away before one is put anywhere: two may have changed places.
 */
static void place_bars(struct pci *p)
{
	uint32_t where[PCI_SLOTS][PCI_BARS] = { 0 };

	for (size_t i = 0; i < PCI_SLOTS; i++) {
		for (unsigned int b = 0; p->slots[i] && b < PCI_BARS; b++) {
			struct pci_function *f = p->slots[i];
			uint32_t gpa = wanted_gpa(f, b);

			where[i][b] = gpa && is_free(p, where, i, b, gpa) ? gpa : 0;
			if (f->bar_gpa[b] && f->bar_gpa[b] != where[i][b]) {
				f->bar_gpa[b] = 0;
				if (f->ops->bar_placed)
					f->ops->bar_placed(f->arg, b, 0);
			}
		}
	}
	for (size_t i = 0; i < PCI_SLOTS; i++) {
		for (unsigned int b = 0; p->slots[i] && b < PCI_BARS; b++) {
			struct pci_function *f = p->slots[i];

			if (f->bar_gpa[b] == where[i][b])
				continue;
			f->bar_gpa[b] = where[i][b];
			if (f->ops->bar_placed)
				f->ops->bar_placed(f->arg, b, where[i][b]);
		}
	}
}

void pci_loaded(struct pci *p, uint32_t address)
{
	pthread_mutex_lock(&p->lock);
	p->address = address & ADDRESS_BITS;
	place_bars(p);
	pthread_mutex_unlock(&p->lock);
}

static struct pci_function *addressed(const struct pci *p)
{
	if (!(p->address & ADDRESS_ENABLE) || (p->address & ADDRESS_OTHERS))
		return NULL;
	return p->slots[ADDRESS_SLOT(p->address)];
}

static void config_read(struct pci *p, unsigned int byte, void *data, size_t size)
{
	struct pci_function *f = addressed(p);
	unsigned int offset = ADDRESS_OFFSET(p->address) + byte;

	if (!f) {
		memset(data, 0xff, size);
		return;
	}
	if (f->ops->config_read)
		f->ops->config_read(f->arg, offset, size);
	memcpy(data, f->config + offset, size);
}

static void config_write(struct pci *p, unsigned int byte, const void *data, size_t size)
{
	struct pci_function *f = addressed(p);
	unsigned int offset = ADDRESS_OFFSET(p->address) + byte;
	const uint8_t *bytes = data;

	if (!f)
		return;
	for (size_t i = 0; i < size; i++) {
		uint8_t bits = f->writable[offset + i];

		f->config[offset + i] =
			(uint8_t)((f->config[offset + i] & ~bits) | (bytes[i] & bits));
	}
	if (offset < PCI_BASE_ADDRESS_0 + 4 * PCI_BARS)
		place_bars(p);
	if (f->ops->config_written)
		f->ops->config_written(f->arg, offset, size);
}

/*
 * The address is four bytes at once or nothing: the reset register is port cf9. The data are any part of
 * four bytes.
 */
static bool is_ours(uint16_t port, size_t size)
{
	return (port == ADDRESS_PORT && size == 4) ||
	       (port >= DATA_PORT && port + size <= DATA_PORT + 4);
}

bool pci_port_read(struct pci *p, uint16_t port, void *data, size_t size)
{
	if (!is_ours(port, size))
		return false;
	pthread_mutex_lock(&p->lock);
	if (port == ADDRESS_PORT)
		memcpy(data, &p->address, 4);
	else
		config_read(p, port - DATA_PORT, data, size);
	pthread_mutex_unlock(&p->lock);
	return true;
}

bool pci_port_write(struct pci *p, uint16_t port, const void *data, size_t size)
{
	if (!is_ours(port, size))
		return false;
	pthread_mutex_lock(&p->lock);
	if (port == ADDRESS_PORT) {
		memcpy(&p->address, data, 4);
		p->address &= ADDRESS_BITS;
	} else {
		config_write(p, port - DATA_PORT, data, size);
	}
	pthread_mutex_unlock(&p->lock);
	return true;
}

/*
 * The function and BAR that all these bytes are in. The lock is for looking only: functions stay until the
 * processors are gone, and what is called with an offset in the BAR may take its time.
 */
static struct pci_function *find(struct pci *p, uint64_t gpa, size_t len, unsigned int *ret_bar,
				 uint32_t *ret_offset)
{
	struct pci_function *found = NULL;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < PCI_SLOTS && !found; i++) {
		for (unsigned int b = 0; p->slots[i] && b < PCI_BARS; b++) {
			const struct pci_function *f = p->slots[i];

			if (!f->bar_gpa[b] || gpa < f->bar_gpa[b] ||
			    gpa - f->bar_gpa[b] > f->bar_bytes[b] - len)
				continue;
			found = p->slots[i];
			*ret_bar = b;
			*ret_offset = (uint32_t)(gpa - f->bar_gpa[b]);
			break;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return found;
}

void pci_memory_read(struct pci *p, uint64_t gpa, void *data, size_t len)
{
	unsigned int bar;
	uint32_t offset;
	const struct pci_function *f = find(p, gpa, len, &bar, &offset);

	memset(data, 0xff, len);
	if (f && f->ops->bar_read)
		f->ops->bar_read(f->arg, bar, offset, data, len);
}

void pci_memory_write(struct pci *p, uint64_t gpa, const void *data, size_t len)
{
	unsigned int bar;
	uint32_t offset;
	const struct pci_function *f = find(p, gpa, len, &bar, &offset);

	if (f && f->ops->bar_write)
		f->ops->bar_write(f->arg, bar, offset, data, len);
}
