#include "microvm/ports.h"

#include "base/str.h"
#include "microvm/layout.h"

#define I8042_RESET 0xfe
#define RESET_NOW 0x04 /* of port cf9 */
#define SLEEP_ENABLE 0x20
#define SLEEP_TYPE(v) (((v) >> 2) & 7)

static uint8_t read_serial(struct ports *p, unsigned int offset)
{
	return serial_read(&p->serial, offset);
}

static void write_serial(struct ports *p, unsigned int offset, uint8_t value)
{
	serial_write(&p->serial, offset, value);
}

/* No clock and no keyboard, and nothing to wait for: ff would be "busy", polled ten thousand times. */
static uint8_t read_zero(struct ports *p, unsigned int offset)
{
	(void)p;
	(void)offset;
	return 0;
}

static void write_i8042(struct ports *p, unsigned int offset, uint8_t value)
{
	(void)offset;
	if (value == I8042_RESET)
		p->end = END_RESET;
}

static void write_reset(struct ports *p, unsigned int offset, uint8_t value)
{
	(void)offset;
	if (value & RESET_NOW)
		p->end = END_RESET;
}

static void write_sleep(struct ports *p, unsigned int offset, uint8_t value)
{
	if (offset == 0 && (value & SLEEP_ENABLE) && SLEEP_TYPE(value) == SLEEP_TYPE_OFF)
		p->end = END_OFF;
}

/* NULL: reads ff, writes go nowhere. */
static const struct range {
	uint16_t first, count;
	uint8_t (*read)(struct ports *p, unsigned int offset);
	void (*write)(struct ports *p, unsigned int offset, uint8_t value);
} ranges[] = {
	{ SERIAL_PORT, SERIAL_PORTS, read_serial, write_serial },
	{ PORT_I8042_COMMAND, 1, read_zero, write_i8042 },
	{ PORT_I8042_DATA, 1, read_zero, NULL },
	{ PORT_RTC_DATA, 1, read_zero, NULL },
	{ PORT_SLEEP, 2, read_zero, write_sleep },
	{ PORT_RESET, 1, read_zero, write_reset },
};

static const struct range *range_of(unsigned int port)
{
	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (port >= ranges[i].first && port - ranges[i].first < ranges[i].count)
			return &ranges[i];
	return NULL;
}

/* A wide access is one to each byte's port, as it was on the ISA bus; but for the PCI bus' own ports. */
void ports_read(struct ports *p, uint16_t port, void *data, size_t size)
{
	uint8_t *bytes = data;

	if (pci_port_read(p->pci, port, data, size))
		return;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < size; i++) {
		const struct range *r = range_of(port + (unsigned int)i);

		bytes[i] = r && r->read ? r->read(p, port + (unsigned int)i - r->first) : 0xff;
	}
	pthread_mutex_unlock(&p->lock);
}

void ports_write(struct ports *p, uint16_t port, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	if (pci_port_write(p->pci, port, data, size))
		return;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < size; i++) {
		const struct range *r = range_of(port + (unsigned int)i);

		if (r && r->write)
			r->write(p, port + (unsigned int)i - r->first, bytes[i]);
	}
	pthread_mutex_unlock(&p->lock);
}
