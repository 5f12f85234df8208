/* The ports of a guest's machine: a table of who answers. */
#ifndef CTR_MICROVM_PORTS_H
#define CTR_MICROVM_PORTS_H

#include "microvm/pci.h"
#include "microvm/serial.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* What the guest wants of its machine; unheard: nobody reads its console any more; bitten: by its watchdog. */
enum machine_end { END_NOT, END_OFF, END_RESET, END_UNHEARD, END_BITTEN };

struct ports {
	pthread_mutex_t lock; /* devices know nothing of threads: who touches one holds it */
	struct serial serial;
	struct pci *pci; /* borrowed; has locks of its own; also for memory that is none */
	_Atomic enum machine_end end;
};

#define PORTS_INIT                                 \
	{                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, \
	}

/*
 * Any processor's thread, without the lock: `size` bytes (1, 2 or 4) at `port`, little-endian, as one
 * access. What nobody answers reads as ff and goes nowhere, as on a machine without such a device.
 */
void ports_read(struct ports *p, uint16_t port, void *data, size_t size);
void ports_write(struct ports *p, uint16_t port, const void *data, size_t size);

#endif
