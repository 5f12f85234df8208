#include "microvm/cpus.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

void cpus_init(struct cpus *c, struct ports *ports, int wake)
{
	*c = (struct cpus){ .ports = ports, .wake = wake };
	for (size_t i = 0; i < CPUS_MAX; i++)
		c->cpu[i] = (struct cpu){ .all = c, .vcpu = VCPU_NONE };
	pthread_mutex_init(&c->lock, NULL);
	vcpu_kick_init(&c->changed);
}

int cpus_make(struct cpus *c, const struct kvm *kvm, unsigned int count, struct err *err)
{
	int rc = 0;

	if (count < 1 || count > CPUS_MAX)
		return err_set(err, EINVAL, "a guest has 1 to %d processors, not %u", CPUS_MAX,
			       count);
	for (unsigned int i = 0; i < count && rc == 0; i++)
		rc = vcpu_make(kvm, i, count, &c->cpu[i].vcpu, err);
	c->count = count;
	return rc;
}

/* ---- in a processor's thread ------------------------------------------------------------- */

static void wait_while_held(struct cpus *c)
{
	if (c->want != CPUS_HOLD)
		return;
	pthread_mutex_lock(&c->lock);
	c->running--;
	pthread_cond_broadcast(&c->changed);
	while (c->want == CPUS_HOLD)
		pthread_cond_wait(&c->changed, &c->lock);
	c->running++;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void end(struct cpus *c, const struct err *err)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&c->lock);
	if (err->code && !c->err.code)
		c->err = *err;
	c->want = CPUS_END;
	c->running--;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	/* It can't be full: each thread writes once. */
	(void)!write(c->wake, &one, sizeof(one));
}

static void *cpu_thread(void *arg)
{
	struct cpu *cpu = arg;
	struct cpus *c = cpu->all;
	struct err err = { 0 };
	char name[16];
	int rc;

	/* By the thread itself: of another one it's a file of /proc. */
	snprintf(name, sizeof(name), "cpu %u", (unsigned int)(cpu - c->cpu));
	(void)pthread_setname_np(pthread_self(), name);
	rc = jail_thread(c->jail, -1, &err);
	while (rc == 0 && c->want != CPUS_END && c->ports->end == END_NOT) {
		if (vcpu_run(&cpu->vcpu, c->ports, &err) < 0)
			break;
		wait_while_held(c);
	}
	end(c, &err);
	return NULL;
}

/* ---- in their owner's -------------------------------------------------------------------- */

int cpus_start(struct cpus *c, struct err *err)
{
	int taken = vcpu_take_signal(err);

	if (taken < 0)
		return taken;
	c->running = c->count;
	for (; c->started < c->count; c->started++) {
		struct cpu *cpu = &c->cpu[c->started];
		int rc = pthread_create(&cpu->thread, NULL, cpu_thread, cpu);

		if (rc) {
			c->running -= c->count - c->started;
			return err_set(err, rc, "start a thread for processor %u: %s", c->started,
				       strerror(rc));
		}
	}
	return 0;
}

/*
 * Until none runs. A thread that waits for the console's reader has no word like immediate_exit, and a signal
 * just before that write() is lost: so it is sent again and again.
 */
static void kick_all(struct cpus *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->running) {
		const struct timespec again = vcpu_kick_again();

		for (unsigned int i = 0; i < c->started; i++)
			vcpu_kick(&c->cpu[i].vcpu, c->cpu[i].thread);
		while (c->running && pthread_cond_timedwait(&c->changed, &c->lock, &again) == 0)
			;
	}
	pthread_mutex_unlock(&c->lock);
}

/* What they were told last counts: one that ended meanwhile has said so. */
static bool tell(struct cpus *c, enum cpus_want from, enum cpus_want want)
{
	return atomic_compare_exchange_strong(&c->want, &from, want);
}

void cpus_hold(struct cpus *c)
{
	if (tell(c, CPUS_RUN, CPUS_HOLD))
		kick_all(c);
}

void cpus_go_on(struct cpus *c)
{
	pthread_mutex_lock(&c->lock);
	for (unsigned int i = 0; c->want == CPUS_HOLD && i < c->count; i++)
		vcpu_was_held(&c->cpu[i].vcpu);
	if (tell(c, CPUS_HOLD, CPUS_RUN)) {
		pthread_cond_broadcast(&c->changed);
		while (c->want == CPUS_RUN && c->running < c->started)
			pthread_cond_wait(&c->changed, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
}

bool cpus_ended(const struct cpus *c)
{
	return c->want == CPUS_END;
}

int cpus_end(struct cpus *c, struct err *err)
{
	pthread_mutex_lock(&c->lock);
	c->want = CPUS_END;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	kick_all(c);
	while (c->started)
		pthread_join(c->cpu[--c->started].thread, NULL);
	if (c->err.code)
		*err = c->err;
	return -c->err.code;
}

void cpus_free(struct cpus *c)
{
	struct err ignored;

	(void)!cpus_end(c, &ignored);
	for (size_t i = 0; i < CPUS_MAX; i++)
		vcpu_free(&c->cpu[i].vcpu);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
}
