/*
 * The wires between a device and KVM: eventfds. What is written into an interrupt's wakes the guest, with
 * the message that the guest chose (irqfd); what the guest writes to a doorbell's address makes the eventfd
 * readable, and no processor stops for it (ioeventfd). For any thread.
 */
#ifndef CTR_MICROVM_WIRES_H
#define CTR_MICROVM_WIRES_H

#include "base/cleanup.h"
#include "base/err.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define WIRES_PINS 24 /* of the interrupt controllers in the kernel; behind them are the messages */
#define WIRES_MAX 512

struct wires {
	/* ioctl(2) on the machine; what a test looks at. -1 with errno. */
	int (*call)(void *arg, unsigned long request, void *data);
	void *arg;
	pthread_mutex_t lock;
	unsigned int count;
	struct {
		bool set;
		uint64_t address;
		uint32_t data;
	} messages[WIRES_MAX];
};

/* Those of a machine of KVM's, whose fd is borrowed. */
void wires_init(struct wires *w, const int *vm);

/* A new interrupt: its number, and an eventfd, the caller's. Without a message nothing comes of it. */
int wires_interrupt(struct wires *w, unsigned int *ret_number, int *ret_fd,
		    struct err *err) MUST_CHECK;

/* What the guest gets by it from now on. -errno: KVM refuses it, and it is as before. */
int wires_message(struct wires *w, unsigned int number, uint64_t address, uint32_t data) MUST_CHECK;

/* A write of any size to that address rings, or doesn't any more. -errno: KVM refuses it. */
int wires_doorbell(struct wires *w, uint64_t gpa, int fd, bool on) MUST_CHECK;

#endif
