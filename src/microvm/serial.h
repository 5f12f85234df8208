/*
 * A 16550 UART as far as Linux' console and its users need one: what the guest writes goes to `send`; what
 * arrives is put into its FIFO, as long as there is room. Knows nothing of KVM, nor of threads.
 */
#ifndef CTR_MICROVM_SERIAL_H
#define CTR_MICROVM_SERIAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORT 0x3f8
#define SERIAL_PORTS 8
#define SERIAL_IRQ 4
#define SERIAL_FIFO 16

struct serial {
	void (*send)(void *arg, uint8_t byte);
	void (*irq)(void *arg, bool up); /* only when it changes */
	void (*room)(void *arg);         /* what was waited for: serial_put() takes a byte again */
	void *arg;
	bool waited; /* somebody found no room */
	uint8_t received[SERIAL_FIFO];
	unsigned int first, count; /* of these: a ring */
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	bool fifo;
	bool empty_pending; /* "transmitter empty" was not yet told by reading IIR */
	bool up;
};

/* What a snapshot has of it. */
struct serial_state {
	uint8_t received[SERIAL_FIFO];
	uint32_t first, count;
	uint8_t ier, lcr, mcr, scr, dll, dlm, fifo, empty_pending;
};

void serial_save(const struct serial *s, struct serial_state *ret);
/* Into a fresh one; an interrupt that was up comes once more. -EINVAL: no words. */
int serial_load(struct serial *s, const struct serial_state *state) MUST_CHECK;

/* `offset` from SERIAL_PORT, below SERIAL_PORTS. */
uint8_t serial_read(struct serial *s, unsigned int offset);
void serial_write(struct serial *s, unsigned int offset, uint8_t value);

/*
 * A byte arrives. False: there is no room for it, or nobody listens yet (Linux clears the FIFO when it opens
 * the port, which would lose what came before); room() is called when there is.
 */
bool serial_put(struct serial *s, uint8_t byte) MUST_CHECK;

#endif
