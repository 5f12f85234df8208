#include "microvm/wires.h"

#include "base/str.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define PIC_PINS 8

/* KVM's form of all routes: it takes them as a whole. */
struct routes {
	struct {
		uint32_t count, flags;
	} head;
	struct kvm_irq_routing_entry entries[2 * PIC_PINS + WIRES_PINS + WIRES_MAX];
};

_Static_assert(offsetof(struct routes, entries) == sizeof(struct kvm_irq_routing),
	       "entries follow");

static int call_vm(void *arg, unsigned long request, void *data)
{
	const int *vm = arg;

	return ioctl(*vm, request, data);
}

void wires_init(struct wires *w, const int *vm)
{
	*w = (struct wires){ .call = call_vm,
			     .arg = (void *)vm,
			     .lock = PTHREAD_MUTEX_INITIALIZER };
}

int wires_interrupt(struct wires *w, unsigned int *ret_number, int *ret_fd, struct err *err)
{
	CLEAN(fd) int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = WIRES_PINS + w->count };

	if (fd < 0)
		return err_sys(err, "make an eventfd for a device's interrupt");
	if (w->count == WIRES_MAX)
		return err_set(err, ENOSPC, "a machine's devices have at most %d interrupts",
			       WIRES_MAX);
	if (w->call(w->arg, KVM_IRQFD, &irqfd) < 0)
		return err_sys(err, "make an interrupt of an eventfd (KVM_IRQFD)");
	*ret_number = w->count++;
	*ret_fd = take_fd(&fd);
	return 0;
}

static void add_pin(struct routes *r, unsigned int chip, unsigned int gsi, unsigned int pin)
{
	r->entries[r->head.count++] =
		(struct kvm_irq_routing_entry){ .gsi = gsi,
						.type = KVM_IRQ_ROUTING_IRQCHIP,
						.u.irqchip = { .irqchip = chip, .pin = pin } };
}

/* The pins as KVM itself has them at first, for those it would forget now. */
static void add_pins(struct routes *r)
{
	for (unsigned int i = 0; i < WIRES_PINS; i++) {
		if (i < PIC_PINS)
			add_pin(r, KVM_IRQCHIP_PIC_MASTER, i, i);
		else if (i < 2 * PIC_PINS)
			add_pin(r, KVM_IRQCHIP_PIC_SLAVE, i, i - PIC_PINS);
		add_pin(r, KVM_IRQCHIP_IOAPIC, i, i);
	}
}

static int set_routes(struct wires *w)
{
	struct routes *r = xcalloc(1, sizeof(*r));
	int rc;

	add_pins(r);
	for (unsigned int i = 0; i < w->count; i++) {
		if (!w->messages[i].set)
			continue;
		r->entries[r->head.count++] = (struct kvm_irq_routing_entry){
			.gsi = WIRES_PINS + i,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = { .address_lo = (uint32_t)w->messages[i].address,
				   .address_hi = (uint32_t)(w->messages[i].address >> 32),
				   .data = w->messages[i].data }
		};
	}
	rc = w->call(w->arg, KVM_SET_GSI_ROUTING, r) < 0 ? -errno : 0;
	free(r);
	return rc;
}

int wires_message(struct wires *w, unsigned int number, uint64_t address, uint32_t data)
{
	int rc;

	pthread_mutex_lock(&w->lock);
	typeof(w->messages[0]) before = w->messages[number];
	w->messages[number].set = true;
	w->messages[number].address = address;
	w->messages[number].data = data;
	rc = set_routes(w);
	if (rc < 0)
		w->messages[number] = before;
	pthread_mutex_unlock(&w->lock);
	return rc;
}

int wires_doorbell(struct wires *w, uint64_t gpa, int fd, bool on)
{
	/* Length 0 is any: on Intel's processors the kernel needn't even look at the instruction. */
	struct kvm_ioeventfd bell = { .addr = gpa,
				      .fd = fd,
				      .flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN };

	return w->call(w->arg, KVM_IOEVENTFD, &bell) < 0 ? -errno : 0;
}
