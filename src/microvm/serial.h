/*
 * A 16550 UART that only sends, as far as Linux' console and its users need one: what the guest writes goes
 * to `send`; nothing ever arrives. Knows nothing of KVM.
 */
#ifndef CTR_MICROVM_SERIAL_H
#define CTR_MICROVM_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORT 0x3f8
#define SERIAL_PORTS 8
#define SERIAL_IRQ 4

struct serial {
	void (*send)(void *arg, uint8_t byte);
	void (*irq)(void *arg, bool up); /* only when it changes */
	void *arg;
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	bool fifo;
	bool empty_pending; /* "transmitter empty" was not yet told by reading IIR */
	bool up;
};

/* `offset` from SERIAL_PORT, below SERIAL_PORTS. */
uint8_t serial_read(struct serial *s, unsigned int offset);
void serial_write(struct serial *s, unsigned int offset, uint8_t value);

#endif
