#include "microvm/snapshot.h"

#include "base/fd.h"
#include "base/file.h"
#include "microvm/cpu_state.h"
#include "microvm/given.h"
#include "microvm/memory_file.h"
#include "microvm/snapshot_more.h"
#include "microvm/virtio_state.h"
#include "microvm/vmgenid.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE "state"
#define MEMORY "memory"
#define UNCHECKED ",unchecked"

/* What kind of machine it is. */
struct shape {
	uint32_t cpus;
	uint32_t slots; /* of the bus: a bit each */
	struct memory_file memory;
};

struct ports_state {
	struct serial_state serial;
	uint32_t pci_address, zero;
};

static uint32_t slots_of(const struct pci *p)
{
	uint32_t slots = 0;

	for (size_t i = 0; i < PCI_SLOTS; i++)
		slots |= p->slots[i] ? 1U << i : 0;
	return slots;
}

/* ---- saving ------------------------------------------------------------------------------------ */

static int check_machine(const struct machine *m, struct err *err)
{
	const struct devices *d = &m->devices;

	if (m->kvm.nested)
		return err_set(err, EOPNOTSUPP,
			       "this machine can't be snapshotted: those that run in it (--nested) "
			       "can't be carried over");
	for (size_t i = 0; i < d->plugged_count; i++) {
		const struct virtio_ops *ops = d->plugged[i]->device->ops;

		if (ops->no_snapshot)
			return err_set(err, EOPNOTSUPP, "this machine can't be snapshotted: %s",
				       ops->no_snapshot);
	}
	return 0;
}

/* Nobody takes two of them but us. The threads wait where they are, with no request half done. */
static int hold_all(struct machine *m, struct err *err)
{
	int rc = m->payload ? payload_hold(m->payload, err) : 0;

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->devices.plugged_count; i++)
		pthread_mutex_lock(&m->devices.plugged[i]->device->lock);
	pthread_mutex_lock(&m->ports.lock);
	return 0;
}

static void release_all(struct machine *m)
{
	pthread_mutex_unlock(&m->ports.lock);
	for (size_t i = m->devices.plugged_count; i-- > 0;)
		pthread_mutex_unlock(&m->devices.plugged[i]->device->lock);
	if (m->payload)
		payload_go_on(m->payload);
}

static void save_bus(struct machine *m, struct str *out)
{
	CLEAN(free) struct virtio_pci_state *v = xcalloc(1, sizeof(*v));
	struct ports_state ports = { .pci_address = m->pci.address };
	struct watchdog_state watchdog;

	for (uint32_t i = 0; i < PCI_SLOTS; i++)
		if (m->pci.slots[i])
			snapshot_add(out, SNAPSHOT_FUNCTION, i, m->pci.slots[i]->config,
				     PCI_CONFIG_BYTES);
	for (uint32_t i = 0; i < m->devices.plugged_count; i++) {
		virtio_state_save(m->devices.plugged[i], v);
		snapshot_add(out, SNAPSHOT_VIRTIO, i, v, sizeof(*v));
	}
	if (m->devices.has_watchdog) {
		watchdog_save(&m->devices.watchdog, &watchdog);
		snapshot_add(out, SNAPSHOT_WATCHDOG, 0, &watchdog, sizeof(watchdog));
	}
	serial_save(&m->ports.serial, &ports.serial);
	snapshot_add(out, SNAPSHOT_PORTS, 0, &ports, sizeof(ports));
}

static void save_payload(const struct payload *p, struct str *out)
{
	CLEAN(str) struct str bytes = { 0 };

	payload_save(p, &bytes);
	snapshot_add(out, SNAPSHOT_PAYLOAD, 0, bytes.text, bytes.len);
}

static int save_all(struct machine *m, struct snapshot_more *more, int memory,
		    const uint8_t id[SNAPSHOT_ID_BYTES], struct str *out, struct err *err)
{
	struct shape shape = { .cpus = m->cpus.count, .slots = slots_of(&m->pci) };
	int rc = memory_file_write(&m->memory, memory, id, &shape.memory, err);

	snapshot_begin(out);
	snapshot_add(out, SNAPSHOT_SHAPE, 0, &shape, sizeof(shape));
	for (uint32_t i = 0; rc == 0 && i < m->cpus.count; i++)
		rc = cpu_state_save(&m->cpus.cpu[i].vcpu, &m->kvm, i, out, err);
	if (rc == 0)
		rc = vm_state_save(&m->kvm, out, err);
	if (rc < 0)
		return rc;
	save_bus(m, out);
	snapshot_more_add(more, out);
	if (m->payload)
		save_payload(m->payload, out);
	snapshot_end(out, id);
	return out->len > SNAPSHOT_BYTES_MAX ?
		       err_set(err, E2BIG,
			       "the machine's state is %zu bytes, more than is read again",
			       out->len) :
		       0;
}

static int check_empty(int fd, const char *what, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the file for the machine's %s", what);
	if (!S_ISREG(st.st_mode) || st.st_size)
		return err_set(err, EINVAL, "a machine's %s goes into a regular file that is empty",
			       what);
	return 0;
}

int snapshot_save(struct machine *m, int state, int memory, struct err *err)
{
	CLEAN(str) struct str out = { 0 };
	CLEAN(snapshot_more) struct snapshot_more more = { 0 };
	uint8_t id[SNAPSHOT_ID_BYTES];
	int rc = check_machine(m, err);

	if (rc == 0)
		rc = check_empty(state, STATE, err);
	if (rc == 0)
		rc = check_empty(memory, MEMORY, err);
	if (rc < 0)
		return rc;
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return err_sys(err, "take a random number");
	/* First: their threads may be about to take their locks. */
	rc = snapshot_more_take(&m->devices, &more, err);
	if (rc == 0)
		rc = hold_all(m, err);
	if (rc < 0)
		return rc;
	rc = save_all(m, &more, memory, id, &out, err);
	release_all(m);
	if (rc < 0)
		return rc;
	rc = fd_write_all(state, out.text, out.len);
	return rc < 0 ? err_set(err, -rc, "write the machine's state: %s", strerror(-rc)) : 0;
}

static int new_file(int dir, const char *path, const char *name, int *ret, struct err *err)
{
	*ret = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "there is a snapshot in %s already, or a part of one",
			       path);
	return *ret < 0 ? err_sys(err, "make %s/%s", path, name) : 0;
}

int snapshot_save_at(struct machine *m, const char *path, struct err *err)
{
	CLEAN(fd) int dir = -1, state = -1, memory = -1;
	int rc;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make the folder %s", path);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "open the folder %s", path);
	rc = new_file(dir, path, STATE, &state, err);
	if (rc == 0)
		rc = new_file(dir, path, MEMORY, &memory, err);
	if (rc == 0)
		rc = snapshot_save(m, state, memory, err);
	if (rc < 0 && state >= 0)
		unlinkat(dir, STATE, 0);
	if (rc < 0 && memory >= 0)
		unlinkat(dir, MEMORY, 0);
	return rc;
}

/* ---- loading ----------------------------------------------------------------------------------- */

static int open_in(int dir, const char *name, int *ret, struct err *err)
{
	*ret = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return *ret < 0 ? err_sys(err, "open its file \"%s\"", name) : 0;
}

static int read_state(int dir, struct snapshot *ret, struct err *err)
{
	CLEAN(fd) int fd = -1;
	char *bytes = NULL;
	size_t len = 0;
	int rc = open_in(dir, STATE, &fd, err);

	if (rc == 0)
		rc = file_read_fd(fd, STATE, SNAPSHOT_BYTES_MAX, &bytes, &len, err);
	return rc < 0 ? rc : snapshot_parse(bytes, len, ret, err);
}

static int open_all(struct machine *m, int dir, bool checked, struct snapshot *ret, struct err *err)
{
	struct shape shape = { 0 };
	int memory = -1, rc = read_state(dir, ret, err);

	if (rc == 0)
		rc = snapshot_get(ret, SNAPSHOT_SHAPE, 0, &shape, sizeof(shape), err);
	if (rc == 0 && (shape.cpus < 1 || shape.cpus > CPUS_MAX ||
			memcmp(shape.memory.id, ret->id, sizeof(ret->id)) != 0))
		rc = err_set(err, EINVAL, "it is of a machine that can't be");
	if (rc == 0)
		rc = open_in(dir, MEMORY, &memory, err);
	if (rc == 0)
		rc = memory_file_map(memory, &shape.memory, checked, &m->memory, err);
	m->cpu_count = shape.cpus;
	return rc;
}

int snapshot_open(struct machine *m, const char *text, struct snapshot *ret, struct err *err)
{
	bool unchecked = str_ends(text, UNCHECKED);
	CLEAN(free) char *path = xstrndup(text, strlen(text) - (unchecked ? strlen(UNCHECKED) : 0));
	CLEAN(fd) int dir = given_open(path, O_RDONLY | O_DIRECTORY);
	int rc;

	if (dir < 0)
		return err_sys(err, "--restore: open the folder %s", path);
	rc = open_all(m, dir, !unchecked, ret, err);
	return rc < 0 ? err_wrap(err, "the snapshot in %s can't be gone on from: ", path) : 0;
}

static int other_machine(unsigned int slot, struct err *err)
{
	return err_set(err, EINVAL,
		       "the snapshot's machine has another device in slot %u than this one: give "
		       "the same flags for devices, in the same order, as at first",
		       slot);
}

static int load_functions(struct machine *m, const struct snapshot *s, struct err *err)
{
	uint8_t config[PCI_CONFIG_BYTES];
	struct shape shape;
	int rc = snapshot_get(s, SNAPSHOT_SHAPE, 0, &shape, sizeof(shape), err);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < PCI_SLOTS; i++) {
		if (!!m->pci.slots[i] != (shape.slots >> i & 1))
			return other_machine(i, err);
		if (!m->pci.slots[i])
			continue;
		rc = snapshot_get(s, SNAPSHOT_FUNCTION, i, config, sizeof(config), err);
		if (rc < 0)
			return rc;
		if (pci_load(m->pci.slots[i], config) < 0)
			return other_machine(i, err);
	}
	return 0;
}

static int load_watchdog(struct machine *m, const struct snapshot *s, struct err *err)
{
	struct watchdog_state w;
	int rc;

	if (!m->devices.has_watchdog)
		return 0;
	rc = snapshot_get(s, SNAPSHOT_WATCHDOG, 0, &w, sizeof(w), err);
	if (rc == 0 && watchdog_load(&m->devices.watchdog, &w) < 0)
		rc = err_set(err, EINVAL, "no such state of a watchdog can be");
	return rc;
}

static int load_virtio(struct machine *m, const struct snapshot *s, struct err *err)
{
	CLEAN(free) struct virtio_pci_state *v = xcalloc(1, sizeof(*v));
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < m->devices.plugged_count; i++) {
		rc = snapshot_get(s, SNAPSHOT_VIRTIO, i, v, sizeof(*v), err);
		if (rc == 0)
			rc = virtio_state_load(m->devices.plugged[i], v, err);
	}
	return rc;
}

static int load_payload(struct payload *p, const struct snapshot *s, struct err *err)
{
	size_t len = 0;
	const char *bytes = snapshot_find(s, SNAPSHOT_PAYLOAD, 0, &len);

	if (!bytes != !p)
		return err_set(err, EINVAL, "it is of a machine %s a container's process",
			       bytes ? "with" : "without");
	return p ? payload_load(p, bytes, len, err) : 0;
}

static int load_ports(struct machine *m, const struct ports_state *p, struct err *err)
{
	int rc;

	pthread_mutex_lock(&m->ports.lock);
	rc = serial_load(&m->ports.serial, &p->serial);
	pthread_mutex_unlock(&m->ports.lock);
	return rc < 0 ? err_set(err, EINVAL, "no such state of a serial port can be") : 0;
}

static int load_cpus(struct machine *m, const struct snapshot *s, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < m->cpus.count; i++)
		rc = cpu_state_load(&m->cpus.cpu[i].vcpu, &m->kvm, i, s, err);
	return rc < 0 ? rc : vm_state_load(&m->kvm, s, err);
}

int snapshot_load(struct machine *m, const struct snapshot *s, struct err *err)
{
	struct ports_state ports;
	int rc = load_functions(m, s, err);

	if (rc == 0)
		rc = load_watchdog(m, s, err);
	if (rc == 0)
		rc = snapshot_get(s, SNAPSHOT_PORTS, 0, &ports, sizeof(ports), err);
	/* Interrupts that devices have to tell of go to controllers that are there. */
	if (rc == 0)
		rc = load_cpus(m, s, err);
	if (rc < 0)
		return rc;
	pci_loaded(&m->pci, ports.pci_address);
	rc = load_virtio(m, s, err);
	if (rc == 0)
		rc = snapshot_more_load(&m->devices, s, err);
	if (rc == 0)
		rc = load_payload(m->payload, s, err);
	if (rc == 0)
		rc = load_ports(m, &ports, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->devices.plugged_count; i++)
		virtio_state_loaded(m->devices.plugged[i]);
	for (uint32_t i = 0; i < m->cpus.count; i++)
		vcpu_was_held(&m->cpus.cpu[i].vcpu);
	watchdog_go_on(&m->devices.watchdog);
	rc = vmgenid_write(&m->memory, err);
	return rc < 0 ? rc : vmgenid_tell(m->kvm.vm, err);
}
