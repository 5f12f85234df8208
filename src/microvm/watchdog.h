/*
 * A watchdog: Intel's 6300ESB, for which kernels have had a driver (i6300esb) for twenty years. A guest's program feeds
 * it; when nobody has for so long that both of its stages have passed, it bites. Takes calls from any thread.
 */
#ifndef CTR_MICROVM_WATCHDOG_H
#define CTR_MICROVM_WATCHDOG_H

#include "base/cleanup.h"
#include "base/err.h"
#include "microvm/io.h"
#include "microvm/pci.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define WATCHDOG_STAGES 2

/* What a bite is for the machine. */
enum watchdog_policy {
	WATCHDOG_ABSENT,
	WATCHDOG_RESET,
	WATCHDOG_POWEROFF,
	WATCHDOG_PAUSE,
	WATCHDOG_NONE,
};

/* By its word, as --watchdog has it. */
int watchdog_parse(const char *text, enum watchdog_policy *ret, struct err *err) MUST_CHECK;

struct watchdog {
	struct pci_function function;
	int wake;            /* borrowed: an eventfd that is written to when it has bitten */
	_Atomic bool bitten; /* since watchdog_has_bitten() */
	struct io_source source;
	pthread_mutex_t lock; /* of what follows; within the bus' */
	int timer;            /* timerfd */
	uint8_t config, control;
	uint32_t preload[WATCHDOG_STAGES]; /* ticks */
	unsigned int keys;                 /* of the two that open its registers for one access */
	unsigned int stage;                /* that runs, from 1; 0: none */
	bool held;                         /* it stands still, */
	struct timespec left;              /* so much before the stage's end */
	bool timed_out; /* what its driver reads as the reason of the last reset */
};

#define WATCHDOG_ABSENT_INIT            \
	{                               \
		.wake = -1, .timer = -1 \
	}

/* A function for a bus, whose time is kept in that thread. A half-made one can be freed. */
int watchdog_init(struct watchdog *w, int wake, struct io *io, struct err *err) MUST_CHECK;

/* True once after each bite. */
bool watchdog_has_bitten(struct watchdog *w) MUST_CHECK;

/* For a snapshot, while it is held: what a driver can't see of its configuration space. */
struct watchdog_state {
	uint64_t left_ns;
	uint32_t preload[WATCHDOG_STAGES];
	uint32_t keys, stage;
	uint8_t config, control, timed_out, zero[5];
};

void watchdog_save(struct watchdog *w, struct watchdog_state *ret);
/* A fresh one, whose configuration space is loaded already; it is held then. -EINVAL: no words. */
int watchdog_load(struct watchdog *w, const struct watchdog_state *s) MUST_CHECK;

/* While all processors are held: its time stands still, too, from now on; no more. Takes one that is absent. */
void watchdog_hold(struct watchdog *w);
void watchdog_go_on(struct watchdog *w);

/* When no processor runs any more, nor the thread. */
void watchdog_free(struct watchdog *w);

#endif
