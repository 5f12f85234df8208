#include "microvm/msix.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

enum { ADDRESS, ADDRESS_UPPER, DATA, CONTROL };

int msix_init(struct msix *m, unsigned int count, struct wires *wires, struct pci_function *f,
	      unsigned int bar, uint32_t table, uint32_t pending, struct err *err)
{
	const struct {
		uint16_t flags;
		uint32_t table, pending;
	} __attribute__((packed)) body = { (uint16_t)(count - 1), table | bar, pending | bar };

	*m = (struct msix){ .lock = PTHREAD_MUTEX_INITIALIZER, .wires = wires };
	for (; m->count < count; m->count++) {
		struct msix_vector *v = &m->vectors[m->count];
		int rc = wires_interrupt(wires, &v->number, &v->fd, err);

		if (rc < 0)
			return rc;
		v->words[CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
	m->capability = pci_add_capability(f, PCI_CAP_ID_MSIX, &body, sizeof(body));
	f->writable[m->capability + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	return 0;
}

void msix_free(struct msix *m)
{
	for (unsigned int i = 0; i < m->count; i++)
		close(m->vectors[i].fd);
	m->count = 0;
}

/* A vector that may be raised has its message in the kernel, and what was held back is let go. */
static void settle(struct msix *m, unsigned int vector)
{
	struct msix_vector *v = &m->vectors[vector];
	const uint64_t one = 1;

	if (!m->enabled || m->masked || (v->words[CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT))
		return;
	/* A message that KVM refuses is like one to an address where nobody is: it's lost. */
	if (!v->told)
		v->told = wires_message(m->wires, v->number,
					(uint64_t)v->words[ADDRESS_UPPER] << 32 | v->words[ADDRESS],
					v->words[DATA]) == 0;
	if (!(m->pending & 1ULL << vector))
		return;
	m->pending &= ~(1ULL << vector);
	if (v->told)
		(void)!write(v->fd, &one, sizeof(one));
}

void msix_config_written(struct msix *m, const struct pci_function *f)
{
	uint32_t flags = pci_get(f, m->capability + PCI_MSIX_FLAGS, 2);

	pthread_mutex_lock(&m->lock);
	m->enabled = flags & PCI_MSIX_FLAGS_ENABLE;
	m->masked = flags & PCI_MSIX_FLAGS_MASKALL;
	for (unsigned int i = 0; i < m->count; i++)
		settle(m, i);
	pthread_mutex_unlock(&m->lock);
}

static bool is_aligned(uint32_t offset, size_t len)
{
	return (len == 4 || len == 8) && offset % len == 0;
}

void msix_table_read(struct msix *m, uint32_t offset, void *data, size_t len)
{
	memset(data, 0, len);
	if (!is_aligned(offset, len) || offset / MSIX_ENTRY_BYTES >= m->count)
		return;
	pthread_mutex_lock(&m->lock);
	memcpy(data, &m->vectors[offset / MSIX_ENTRY_BYTES].words[offset % MSIX_ENTRY_BYTES / 4],
	       len);
	pthread_mutex_unlock(&m->lock);
}

static void write_word(struct msix_vector *v, unsigned int word, uint32_t value)
{
	if (word == CONTROL)
		value &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	else if (word == ADDRESS)
		value &= ~3U;
	if (word != CONTROL && value != v->words[word])
		v->told = false;
	v->words[word] = value;
}

void msix_table_write(struct msix *m, uint32_t offset, const void *data, size_t len)
{
	unsigned int vector = offset / MSIX_ENTRY_BYTES, word = offset % MSIX_ENTRY_BYTES / 4;
	const char *bytes = data;

	if (!is_aligned(offset, len) || vector >= m->count)
		return;
	pthread_mutex_lock(&m->lock);
	for (; len; len -= 4, bytes += 4, word++) {
		uint32_t value;

		memcpy(&value, bytes, 4);
		write_word(&m->vectors[vector], word, value);
	}
	settle(m, vector);
	pthread_mutex_unlock(&m->lock);
}

void msix_pending_read(struct msix *m, uint32_t offset, void *data, size_t len)
{
	memset(data, 0, len);
	pthread_mutex_lock(&m->lock);
	if (offset + len <= sizeof(m->pending))
		memcpy(data, (const char *)&m->pending + offset, len);
	pthread_mutex_unlock(&m->lock);
}

void msix_save(struct msix *m, struct msix_state *ret)
{
	pthread_mutex_lock(&m->lock);
	*ret = (struct msix_state){ .pending = m->pending, .count = m->count };
	for (unsigned int i = 0; i < m->count; i++)
		memcpy(ret->words[i], m->vectors[i].words, sizeof(ret->words[i]));
	pthread_mutex_unlock(&m->lock);
}

int msix_load(struct msix *m, const struct pci_function *f, const struct msix_state *s)
{
	if (s->count != m->count)
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	for (unsigned int i = 0; i < m->count; i++) {
		for (unsigned int word = 0; word < 4; word++)
			write_word(&m->vectors[i], word, s->words[i][word]);
		m->vectors[i].told = false;
		m->pending |= s->pending & 1ULL << i;
	}
	pthread_mutex_unlock(&m->lock);
	msix_config_written(m, f);
	return 0;
}

bool msix_raise(struct msix *m, unsigned int vector)
{
	bool enabled;

	pthread_mutex_lock(&m->lock);
	enabled = m->enabled;
	if (enabled && vector < m->count) {
		m->pending |= 1ULL << vector;
		settle(m, vector);
	}
	pthread_mutex_unlock(&m->lock);
	return enabled;
}
