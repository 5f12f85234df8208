#include "microvm/talk.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A UART that isn't looked for costs no ways out of the guest; of two words that contradict each other the last counts. */
static const struct {
	const char *name, *words;
} kinds[] = {
	[TALK_SERIAL] = { "serial", "console=ttyS0 8250.nr_uarts=1" },
	[TALK_VIRTIO] = { "virtio", "console=hvc0 8250.nr_uarts=0" },
	[TALK_NONE] = { "none", "8250.nr_uarts=0" },
};

int talk_parse(const char *text, enum talk_kind *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (str_eq(text, kinds[i].name)) {
			*ret = (enum talk_kind)i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "--console %s: serial, virtio and none are there", text);
}

const char *talk_words(enum talk_kind kind)
{
	return kinds[kind].words;
}

static void wake(const struct talk *t)
{
	const uint64_t one = 1;

	(void)!write(t->wake, &one, sizeof(one));
}

bool talk_unheard(const struct talk *t)
{
	return t->console.closed && t->console.error == EPIPE;
}

/* As a pipe's writer ends; a full disk is no reason. What the guest has wanted itself before counts. */
static void judge_reader(struct talk *t)
{
	enum machine_end not = END_NOT;

	if (talk_unheard(t))
		atomic_compare_exchange_strong(&t->ports->end, &not, END_UNHEARD);
}

/* ---- the serial port ------------------------------------------------------------------- */

static void serial_send(void *arg, uint8_t byte)
{
	struct talk *t = arg;

	if (t->kind == TALK_NONE)
		return;
	/* Beside the device it is for a kernel that is told to speak early, and may lose something. */
	if (t->kind == TALK_VIRTIO) {
		(void)!console_writer_take(&t->writer, &byte, 1);
		return;
	}
	console_put(&t->console, byte);
	judge_reader(t);
}

static void serial_irq(void *arg, bool up)
{
	const struct talk *t = arg;
	struct kvm_irq_level level = { .irq = SERIAL_IRQ, .level = up };

	/* It fails for a number that isn't there only. */
	(void)ioctl(*t->vm, KVM_IRQ_LINE, &level);
}

static void has_room(void *arg)
{
	wake(arg);
}

static bool feed_serial(struct talk *t)
{
	uint8_t byte;

	if (pthread_mutex_trylock(&t->ports->lock))
		return true;
	while (input_peek(&t->input, &byte) && serial_put(&t->ports->serial, byte))
		input_drop(&t->input);
	pthread_mutex_unlock(&t->ports->lock);
	return false;
}

/* ---- the device ------------------------------------------------------------------------- */

static size_t device_take(void *arg, const void *bytes, size_t len)
{
	struct talk *t = arg;

	return console_writer_take(&t->writer, bytes, len);
}

static void writer_room(void *arg)
{
	const struct talk *t = arg;

	virtio_console_go_on(t->device);
}

static void writer_lost(void *arg)
{
	judge_reader(arg);
	wake(arg);
}

static void feed_device(struct talk *t)
{
	const uint8_t *bytes;
	size_t len, taken;

	do {
		len = input_run(&t->input, &bytes);
		taken = len ? virtio_console_put(t->device, bytes, len) : 0;
		input_drop_run(&t->input, taken);
	} while (taken);
}

/* ---- both ------------------------------------------------------------------------------- */

struct virtio_console_end talk_connect(struct talk *t)
{
	t->ports->serial = (struct serial){
		.send = serial_send, .irq = serial_irq, .room = has_room, .arg = t
	};
	return (struct virtio_console_end){ .take = device_take, .room = has_room, .arg = t };
}

int talk_begin(struct talk *t, int in, struct err *err)
{
	int rc = 0;

	if (t->kind == TALK_VIRTIO) {
		t->writer.console = &t->console;
		t->writer.room = writer_room;
		t->writer.lost = writer_lost;
		t->writer.arg = t;
		rc = console_writer_start(&t->writer, err);
	}
	if (rc == 0 && t->kind != TALK_NONE)
		input_open(&t->input, in);
	talk_resized(t);
	return rc;
}

bool talk_feed(struct talk *t)
{
	if (t->input.count && t->kind == TALK_SERIAL)
		return feed_serial(t);
	if (t->input.count)
		feed_device(t);
	return false;
}

void talk_resized(struct talk *t)
{
	struct winsize size;

	if (t->kind == TALK_VIRTIO && t->input.terminal >= 0 &&
	    ioctl(t->input.terminal, TIOCGWINSZ, &size) == 0)
		virtio_console_resize(t->device, size.ws_col, size.ws_row);
}

void talk_end(struct talk *t)
{
	console_writer_stop(&t->writer);
	input_close(&t->input);
}

void talk_finish(struct talk *t)
{
	do
		console_flush(&t->console);
	while (t->kind == TALK_VIRTIO && virtio_console_finish(t->device));
}
