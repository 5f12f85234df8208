/* The configuration space of one function: bytes, and a mask of the bits that the guest may change. */
#include "microvm/pci.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#define COMMAND_BITS (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)

uint32_t pci_get(const struct pci_function *f, unsigned int offset, size_t len)
{
	uint32_t value = 0;

	/* Little-endian, as we are. */
	memcpy(&value, f->config + offset, len);
	return value;
}

void pci_put(struct pci_function *f, unsigned int offset, size_t len, uint32_t value)
{
	memcpy(f->config + offset, &value, len);
}

static void may_write(struct pci_function *f, unsigned int offset, size_t len, uint32_t bits)
{
	memcpy(f->writable + offset, &bits, len);
}

void pci_function_init(struct pci_function *f, const struct pci_id *id, const struct pci_ops *ops,
		       void *arg)
{
	*f = (struct pci_function){ .ops = ops, .arg = arg, .end = PCI_STD_HEADER_SIZEOF };
	pci_put(f, PCI_VENDOR_ID, 2, id->vendor);
	pci_put(f, PCI_DEVICE_ID, 2, id->device);
	pci_put(f, PCI_CLASS_REVISION, 4, id->class << 8 | id->revision);
	pci_put(f, PCI_SUBSYSTEM_VENDOR_ID, 2, id->subsystem_vendor);
	pci_put(f, PCI_SUBSYSTEM_ID, 2, id->subsystem);
	may_write(f, PCI_COMMAND, 2, COMMAND_BITS);
	/* A byte that nobody but the guest's kernel reads, for notes of its own. */
	may_write(f, PCI_INTERRUPT_LINE, 1, 0xff);
}

/* Sizing is nothing more: of all ones, those below the size don't stick. */
void pci_add_bar(struct pci_function *f, unsigned int bar, uint32_t bytes)
{
	f->bar_bytes[bar] = bytes;
	may_write(f, PCI_BASE_ADDRESS_0 + 4 * bar, 4, ~(bytes - 1));
}

int pci_load(struct pci_function *f, const uint8_t config[PCI_CONFIG_BYTES])
{
	for (size_t i = 0; i < PCI_CONFIG_BYTES; i++)
		if ((f->config[i] ^ config[i]) & ~f->writable[i])
			return -EINVAL;
	memcpy(f->config, config, PCI_CONFIG_BYTES);
	return 0;
}

unsigned int pci_add_capability(struct pci_function *f, uint8_t id, const void *body, size_t len)
{
	unsigned int at = f->end, link = PCI_CAPABILITY_LIST;

	while (f->config[link])
		link = f->config[link] + PCI_CAP_LIST_NEXT;
	f->config[link] = (uint8_t)at;
	pci_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	f->config[at] = id;
	memcpy(f->config + at + PCI_CAP_FLAGS, body, len);
	f->end = (at + PCI_CAP_FLAGS + (unsigned int)len + 3) & ~3U;
	return at;
}
