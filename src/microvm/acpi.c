/*
 * RSDP > XSDT > FADT (> DSDT), MADT; ACPI 6.4, chapter 5. Reduced hardware: no power button, no PM timer,
 * no legacy clock or keyboard that a kernel would look for, at tens of thousands of exits.
 */
#include "microvm/acpi.h"

#include "microvm/dsdt.h"
#include "microvm/layout.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LAPIC_GPA 0xfee00000
#define IOAPIC_GPA 0xfec00000
#define GAS_PORT 1
#define GAS_BYTE 1
#define HW_REDUCED (1U << 20)
#define RESET_IS (1U << 10)
#define NO_VGA (1U << 2)
#define NO_CMOS (1U << 5)
#define RESET_VALUE 6

struct acpi_head {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], table[8];
	uint32_t oem_revision;
	char creator[4];
	uint32_t creator_revision;
} __attribute__((packed));

struct gas {
	uint8_t space, bits, offset, access;
	uint64_t address;
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t checksum_all, reserved[3];
} __attribute__((packed));

struct xsdt {
	struct acpi_head head;
	uint64_t tables[2];
} __attribute__((packed));

/* Fields that reduced hardware has no use for are left out by name. */
struct fadt {
	struct acpi_head head;
	uint8_t legacy_1[73];
	uint16_t boot_flags;
	uint8_t reserved_1;
	uint32_t flags;
	struct gas reset;
	uint8_t reset_value;
	uint16_t arm_flags;
	uint8_t minor;
	uint64_t x_facs, x_dsdt;
	uint8_t legacy_2[96];
	struct gas sleep_control, sleep_status;
	uint64_t hypervisor;
} __attribute__((packed));

_Static_assert(offsetof(struct fadt, boot_flags) == 109, "as in the specification's table 5.9");
_Static_assert(offsetof(struct fadt, x_dsdt) == 140, "as in the specification's table 5.9");
_Static_assert(sizeof(struct fadt) == 276, "as in the specification's table 5.9");

struct madt {
	struct acpi_head head;
	uint32_t lapic, flags;
	struct {
		uint8_t type, length, id, reserved;
		uint32_t address, first;
	} __attribute__((packed)) ioapic;
	struct {
		uint8_t type, length, cpu, apic;
		uint32_t flags;
	} __attribute__((packed)) cpus[CPUS_MAX];
} __attribute__((packed));

/* The tables one after the other; each begins at a multiple of 16. */
struct tables {
	struct rsdp rsdp __attribute__((aligned(16)));
	struct xsdt xsdt __attribute__((aligned(16)));
	struct fadt fadt __attribute__((aligned(16)));
	struct madt madt __attribute__((aligned(16)));
	uint8_t dsdt[sizeof(dsdt)] __attribute__((aligned(16)));
};

/* What makes the sum of all bytes 0. */
static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

static void head_fill(struct acpi_head *head, const char *signature, uint8_t revision, size_t len)
{
	memcpy(head->signature, signature, 4);
	head->length = (uint32_t)len;
	head->revision = revision;
	memcpy(head->oem, "CTR   ", 6);
	memcpy(head->table, "MICROVM ", 8);
	head->oem_revision = 1;
	memcpy(head->creator, "CTR ", 4);
	head->creator_revision = 1;
	head->checksum = 0;
	head->checksum = checksum(head, len);
}

static void fadt_fill(struct fadt *f, uint64_t dsdt_gpa)
{
	const struct gas port = { .space = GAS_PORT, .bits = 8, .access = GAS_BYTE };

	f->boot_flags = NO_VGA | NO_CMOS; /* and no 8042, by a bit that is not set */
	f->flags = HW_REDUCED | RESET_IS;
	f->reset = f->sleep_control = f->sleep_status = port;
	f->reset.address = PORT_RESET;
	f->reset_value = RESET_VALUE;
	f->sleep_control.address = PORT_SLEEP;
	f->sleep_status.address = PORT_SLEEP + 1;
	f->minor = 4;
	f->x_dsdt = dsdt_gpa;
	head_fill(&f->head, "FACP", 6, sizeof(*f));
}

static void madt_fill(struct madt *m, unsigned int cpus)
{
	m->lapic = LAPIC_GPA;
	m->ioapic.type = 1;
	m->ioapic.length = sizeof(m->ioapic);
	m->ioapic.address = IOAPIC_GPA;
	for (unsigned int i = 0; i < cpus; i++) {
		m->cpus[i].length = sizeof(m->cpus[i]);
		m->cpus[i].cpu = m->cpus[i].apic = (uint8_t)i;
		m->cpus[i].flags = 1;
	}
	head_fill(&m->head, "APIC", 5, offsetof(struct madt, cpus) + cpus * sizeof(m->cpus[0]));
}

static void rsdp_fill(struct rsdp *r, uint64_t xsdt_gpa)
{
	memcpy(r->signature, "RSD PTR ", 8);
	memcpy(r->oem, "CTR   ", 6);
	r->revision = 2;
	r->length = sizeof(*r);
	r->xsdt = xsdt_gpa;
	r->checksum = checksum(r, offsetof(struct rsdp, length));
	r->checksum_all = checksum(r, sizeof(*r));
}

int acpi_write(const struct memory *m, unsigned int cpus, struct err *err)
{
	struct tables *to = memory_at(m, LAYOUT_ACPI_GPA, sizeof(*to));
	struct tables t = { 0 };

	if (!to || cpus > CPUS_MAX)
		return err_set(err, EINVAL, "no room for the ACPI tables of %u processors", cpus);
	memcpy(t.dsdt, dsdt, sizeof(dsdt));
	fadt_fill(&t.fadt, LAYOUT_ACPI_GPA + offsetof(struct tables, dsdt));
	madt_fill(&t.madt, cpus);
	t.xsdt.tables[0] = LAYOUT_ACPI_GPA + offsetof(struct tables, fadt);
	t.xsdt.tables[1] = LAYOUT_ACPI_GPA + offsetof(struct tables, madt);
	head_fill(&t.xsdt.head, "XSDT", 1, sizeof(t.xsdt));
	rsdp_fill(&t.rsdp, LAYOUT_ACPI_GPA + offsetof(struct tables, xsdt));
	memcpy(to, &t, sizeof(t));
	return 0;
}
