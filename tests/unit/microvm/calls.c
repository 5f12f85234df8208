#include "microvm/calls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void note_routes(struct calls *c, const struct kvm_irq_routing *r)
{
	c->routings++;
	for (uint32_t i = 0; i < r->nr; i++) {
		const struct kvm_irq_routing_entry *e = &r->entries[i];

		if (e->type != KVM_IRQ_ROUTING_MSI)
			continue;
		c->messages[e->gsi - WIRES_PINS].address = e->u.msi.address_lo;
		c->messages[e->gsi - WIRES_PINS].data = e->u.msi.data;
	}
}

static void note_bell(struct calls *c, const struct kvm_ioeventfd *bell)
{
	unsigned int i = 0;

	if (!(bell->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)) {
		c->bells[c->bell_count].gpa = bell->addr;
		c->bells[c->bell_count++].fd = bell->fd;
		return;
	}
	while (i < c->bell_count && (c->bells[i].gpa != bell->addr || c->bells[i].fd != bell->fd))
		i++;
	if (i < c->bell_count)
		c->bells[i] = c->bells[--c->bell_count];
}

static int call(void *arg, unsigned long request, void *data)
{
	struct calls *c = arg;

	if (c->refuse) {
		errno = c->refuse;
		return -1;
	}
	if (request == KVM_IRQFD) {
		const struct kvm_irqfd *irqfd = data;

		c->messages[irqfd->gsi - WIRES_PINS].fd = (int)irqfd->fd;
		c->interrupts++;
	} else if (request == KVM_SET_GSI_ROUTING) {
		note_routes(c, data);
	} else if (request == KVM_IOEVENTFD) {
		note_bell(c, data);
	}
	return 0;
}

void calls_init(struct calls *c)
{
	memset(c, 0, sizeof(*c));
	wires_init(&c->wires, NULL);
	c->wires.call = call;
	c->wires.arg = c;
}

unsigned int calls_raised(struct calls *c, unsigned int number)
{
	uint64_t count;

	if (read(c->messages[number].fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	return (unsigned int)count;
}
