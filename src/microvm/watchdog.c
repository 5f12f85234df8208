#include "microvm/watchdog.h"

#include "base/str.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#define BAR_BYTES 16

/* Of the memory. A write to one of them counts behind both keys, which are written to RELOAD, only. */
#define TIMER_1 0x0
#define TIMER_2 0x4
#define RELOAD 0xc
#define KEY_1 0x80
#define KEY_2 0x86
#define RELOAD_NOW 0x100
#define TIMED_OUT 0x200 /* a write of it clears it */
#define TICKS_MAX 0xfffff
#define NS_PER_S 1000000000ULL

/* Of configuration space. */
#define CONFIG 0x60
#define CONFIG_FAST 0x04 /* a tick is 2^-20 s, not 2^-10 */
#define CONFIG_TAME 0x20 /* it doesn't bite */
#define CONFIG_BITS 0x27
#define CONTROL 0x68
#define CONTROL_LOCK 0x01 /* no change any more */
#define CONTROL_ENABLE 0x02
#define CONTROL_AGAIN 0x04 /* after the second stage the first one begins */
#define CONTROL_BITS 0x07

static const struct {
	const char *word;
	enum watchdog_policy policy;
} words[] = {
	{ "reset", WATCHDOG_RESET },
	{ "poweroff", WATCHDOG_POWEROFF },
	{ "pause", WATCHDOG_PAUSE },
	{ "none", WATCHDOG_NONE },
};

int watchdog_parse(const char *text, enum watchdog_policy *ret, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq(text, words[i].word)) {
			*ret = words[i].policy;
			return 0;
		}
	return err_set(err, EINVAL, "--watchdog %s: reset, poweroff, pause and none are there",
		       text);
}

/* ---- time ------------------------------------------------------------------------------------- */

/* From now on this stage runs, from its beginning; 0: none. */
static void run_stage(struct watchdog *w, unsigned int stage)
{
	struct itimerspec t = { 0 };
	uint64_t ns;

	w->stage = stage;
	if (stage) {
		ns = w->preload[stage - 1] * NS_PER_S >> (w->config & CONFIG_FAST ? 20 : 10);
		t.it_value.tv_sec = (time_t)(ns / 1000000000);
		/* All zero would be never. */
		t.it_value.tv_nsec = (long)(ns % 1000000000) + !ns;
	}
	/* With good numbers it can't fail. */
	(void)timerfd_settime(w->timer, 0, &t, NULL);
}

static void bite(struct watchdog *w)
{
	const uint64_t one = 1;

	w->timed_out = true;
	w->bitten = true;
	(void)!write(w->wake, &one, sizeof(one));
}

static void time_passed(void *arg, uint32_t events)
{
	struct watchdog *w = arg;
	uint64_t count;

	(void)events;
	pthread_mutex_lock(&w->lock);
	/* Fed after all, before we were here: there is nothing to read then. */
	if (read(w->timer, &count, sizeof(count)) == sizeof(count) && w->stage) {
		if (w->stage == WATCHDOG_STAGES && !(w->config & CONFIG_TAME))
			bite(w);
		if (w->stage < WATCHDOG_STAGES)
			run_stage(w, w->stage + 1);
		else
			run_stage(w, w->control & CONTROL_AGAIN ? 1 : 0);
	}
	pthread_mutex_unlock(&w->lock);
}

void watchdog_hold(struct watchdog *w)
{
	struct itimerspec t;

	if (w->timer < 0)
		return;
	pthread_mutex_lock(&w->lock);
	if (!w->held && w->stage && timerfd_gettime(w->timer, &t) == 0) {
		w->left = t.it_value;
		/* It is over, but nobody has read that yet, nor will: it is over as soon as they go on. */
		w->left.tv_nsec += !w->left.tv_sec && !w->left.tv_nsec;
		t = (struct itimerspec){ 0 };
		(void)timerfd_settime(w->timer, 0, &t, NULL);
	}
	w->held = true;
	pthread_mutex_unlock(&w->lock);
}

void watchdog_go_on(struct watchdog *w)
{
	if (w->timer < 0)
		return;
	pthread_mutex_lock(&w->lock);
	if (w->held && w->stage) {
		const struct itimerspec t = { .it_value = w->left };

		(void)timerfd_settime(w->timer, 0, &t, NULL);
	}
	w->held = false;
	pthread_mutex_unlock(&w->lock);
}

/* ---- registers ---------------------------------------------------------------------------------- */

static void bar_read(void *arg, unsigned int bar, uint32_t offset, void *data, size_t len)
{
	struct watchdog *w = arg;
	uint32_t registers[BAR_BYTES / 4] = { 0 };

	(void)bar;
	pthread_mutex_lock(&w->lock);
	registers[TIMER_1 / 4] = w->preload[0];
	registers[TIMER_2 / 4] = w->preload[1];
	registers[RELOAD / 4] = w->timed_out ? TIMED_OUT : 0;
	pthread_mutex_unlock(&w->lock);
	memcpy(data, (char *)registers + offset, len);
}

static void write_open(struct watchdog *w, uint32_t offset, uint32_t value)
{
	if (offset == TIMER_1 || offset == TIMER_2)
		w->preload[offset / 4] = value & TICKS_MAX;
	if (offset != RELOAD)
		return;
	if (value & TIMED_OUT)
		w->timed_out = false;
	if ((value & RELOAD_NOW) && (w->control & CONTROL_ENABLE))
		run_stage(w, 1);
}

static void bar_write(void *arg, unsigned int bar, uint32_t offset, const void *data, size_t len)
{
	struct watchdog *w = arg;
	uint32_t value = 0;

	(void)bar;
	memcpy(&value, data, len < sizeof(value) ? len : sizeof(value));
	pthread_mutex_lock(&w->lock);
	if (offset == RELOAD && value == KEY_1) {
		w->keys = 1;
	} else if (offset == RELOAD && value == KEY_2 && w->keys == 1) {
		w->keys = 2;
	} else {
		if (w->keys == 2)
			write_open(w, offset, value);
		w->keys = 0;
	}
	pthread_mutex_unlock(&w->lock);
}

static bool touches(unsigned int offset, size_t len, unsigned int at)
{
	return offset <= at && at < offset + len;
}

static void config_written(void *arg, unsigned int offset, size_t len)
{
	struct watchdog *w = arg;
	struct pci_function *f = &w->function;
	uint8_t before;

	pthread_mutex_lock(&w->lock);
	before = w->control;
	w->config = f->config[CONFIG];
	if (touches(offset, len, CONTROL)) {
		w->control = f->config[CONTROL];
		if (w->control & CONTROL_LOCK)
			f->writable[CONTROL] = 0;
		if ((w->control & ~before) & CONTROL_ENABLE)
			run_stage(w, 1);
		else if (!(w->control & CONTROL_ENABLE))
			run_stage(w, 0);
	}
	pthread_mutex_unlock(&w->lock);
}

/* ---- snapshots ------------------------------------------------------------------------------------ */

void watchdog_save(struct watchdog *w, struct watchdog_state *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = (struct watchdog_state){ .preload = { w->preload[0], w->preload[1] },
					.keys = w->keys,
					.stage = w->stage,
					.config = w->config,
					.control = w->control,
					.timed_out = w->timed_out };
	if (w->stage)
		ret->left_ns = (uint64_t)w->left.tv_sec * NS_PER_S + (uint64_t)w->left.tv_nsec;
	pthread_mutex_unlock(&w->lock);
}

int watchdog_load(struct watchdog *w, const struct watchdog_state *s)
{
	/* The longest stage has some 1024 s. */
	if (s->preload[0] > TICKS_MAX || s->preload[1] > TICKS_MAX || s->keys > 2 ||
	    s->stage > WATCHDOG_STAGES || s->left_ns / NS_PER_S > TICKS_MAX ||
	    (s->config & ~CONFIG_BITS) || (s->control & ~CONTROL_BITS))
		return -EINVAL;
	pthread_mutex_lock(&w->lock);
	memcpy(w->preload, s->preload, sizeof(w->preload));
	w->keys = s->keys;
	w->stage = s->stage;
	w->config = s->config;
	w->control = s->control;
	w->timed_out = s->timed_out;
	w->held = true;
	w->left = (struct timespec){ .tv_sec = (time_t)(s->left_ns / NS_PER_S),
				     .tv_nsec = (long)(s->left_ns % NS_PER_S) };
	w->left.tv_nsec += !s->left_ns;
	if (w->control & CONTROL_LOCK)
		w->function.writable[CONTROL] = 0;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

/* ---- from its making to its end ----------------------------------------------------------------- */

static const struct pci_id id = { .vendor = 0x8086, .device = 0x25ab, .class = 0x088000 };

static const struct pci_ops ops = { .bar_read = bar_read,
				    .bar_write = bar_write,
				    .config_written = config_written };

int watchdog_init(struct watchdog *w, int wake, struct io *io, struct err *err)
{
	*w = (struct watchdog){ .wake = wake,
				.lock = PTHREAD_MUTEX_INITIALIZER,
				.preload = { TICKS_MAX, TICKS_MAX },
				.source = { .ready = time_passed, .arg = w } };
	pci_function_init(&w->function, &id, &ops, w);
	pci_add_bar(&w->function, 0, BAR_BYTES);
	w->function.writable[CONFIG] = CONFIG_BITS;
	w->function.writable[CONTROL] = CONTROL_BITS;
	/* One that is left behind by a suspended host doesn't bite: the guest didn't run either. */
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer < 0)
		return err_sys(err, "make the watchdog's timer (timerfd)");
	return io_add(io, w->timer, EPOLLIN, &w->source, err);
}

bool watchdog_has_bitten(struct watchdog *w)
{
	return atomic_exchange(&w->bitten, false);
}

void watchdog_free(struct watchdog *w)
{
	if (w->timer >= 0)
		close(w->timer);
	*w = (struct watchdog)WATCHDOG_ABSENT_INIT;
}
