#include "microvm/emulated.h"

#include "base/process.h"
#include "microvm/console.h"
#include "microvm/emulated_devices.h"
#include "microvm/jail.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#define TAIL_LINES 50
#define WORDS_MAX 512 /* bytes of what the emulator says itself */

struct emulated {
	struct emulator emulator;
	struct emulated_devices devices;
	struct console console;
	char words[WORDS_MAX];
	size_t words_len;
};

/* The emulator first: nothing may write to us when what it reaches is taken away. */
static void emulated_free(struct emulated *e)
{
	emulator_free(&e->emulator);
	emulated_devices_free(&e->devices);
}
CLEAN_DEFINE(emulated, struct emulated, emulated_free)

static int open_disk(const struct devices_options *opt, struct disk *ret, struct err *err)
{
	if (opt->disk_count > 1)
		return err_set(err, EINVAL, "--emulator: goes with one --disk");
	return opt->disk_count ? disk_open(&opt->disks[0], ret, err) : 0;
}

static int begin(struct emulated *e, const struct machine_options *opt, struct err *err)
{
	CLEAN(disk) struct disk disk = DISK_NONE;
	const struct emulator_options o = { .root = opt->emulator,
					    .append = opt->append,
					    .memory = opt->memory,
					    .cpus = opt->cpus,
					    .nested = opt->nested,
					    .nets = opt->devices.nets,
					    .net_count = opt->devices.net_count,
					    .disk = &disk };
	int rc = emulated_devices_open(&e->devices, &opt->devices, err);

	if (rc == 0)
		rc = open_disk(&opt->devices, &disk, err);
	if (rc == 0)
		rc = emulator_start(&o, &e->emulator, err);
	if (rc == 0)
		rc = jail_enter(true, err);
	if (rc == 0)
		rc = emulated_devices_start(&e->devices, &opt->devices, e->emulator.links, err);
	if (rc == 0 && opt->begin)
		rc = opt->begin(opt->arg, err);
	return rc < 0 ? rc : jail_thread(JAIL_HEARER, -1, err);
}

/* ---- while it runs ----------------------------------------------------------------------- */

/* All that is there; false: nothing comes any more. */
static bool hear_console(struct emulated *e)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(e->emulator.links[EMULATOR_CONSOLE], bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			console_put(&e->console, (uint8_t)bytes[i]);
	return n < 0 && errno == EAGAIN;
}

/* The first words count: they say what it is about. */
static bool hear_words(struct emulated *e)
{
	char bytes[512];
	ssize_t n;

	while ((n = read(e->emulator.words, bytes, sizeof(bytes))) > 0) {
		size_t room = sizeof(e->words) - 1 - e->words_len;
		size_t len = (size_t)n < room ? (size_t)n : room;

		memcpy(e->words + e->words_len, bytes, len);
		e->words_len += len;
	}
	return n < 0 && errno == EAGAIN;
}

/* A device whose other side is gone has nothing more to say; the emulator's end says why. */
static int hear_device(struct virtio_user *u, struct err *err)
{
	int rc = virtio_user_serve(u, err);

	if (rc == 1)
		drop_fd(&u->socket);
	return rc < 0 ? rc : 0;
}

enum { P_STOP, P_ENDED, P_WAKE, P_WORDS, P_LINKS, P_COUNT = P_LINKS + EMULATOR_LINKS };

/* 0: go on; 1: it has ended, or is to. */
static int hear(struct emulated *e, const struct pollfd fds[P_COUNT], struct err *err)
{
	int rc = 0;

	if (fds[P_LINKS + EMULATOR_CONSOLE].revents && !hear_console(e))
		drop_fd(&e->emulator.links[EMULATOR_CONSOLE]);
	if (fds[P_WORDS].revents && !hear_words(e))
		drop_fd(&e->emulator.words);
	if (fds[P_WAKE].revents)
		rc = emulated_devices_offence(&e->devices, err);
	for (size_t i = 0; rc == 0 && i < EMULATOR_LINKS; i++)
		if (e->devices.links[i].device && fds[P_LINKS + i].revents)
			rc = hear_device(&e->devices.links[i].user, err);
	return rc < 0 ? rc : fds[P_STOP].revents || fds[P_ENDED].revents;
}

static int serve(struct emulated *e, int stop, struct err *err)
{
	int rc = 0;

	while (rc == 0) {
		struct pollfd fds[P_COUNT] = {
			[P_STOP] = { .fd = stop },
			[P_ENDED] = { .fd = e->emulator.pidfd },
			[P_WAKE] = { .fd = e->devices.wake },
			[P_WORDS] = { .fd = e->emulator.words },
		};

		for (size_t i = 0; i < EMULATOR_LINKS; i++)
			fds[P_LINKS + i].fd = e->devices.links[i].user.socket;
		fds[P_LINKS + EMULATOR_CONSOLE].fd = e->emulator.links[EMULATOR_CONSOLE];
		for (size_t i = 0; i < P_COUNT; i++)
			fds[i].events = POLLIN;
		if (poll(fds, P_COUNT, -1) > 0)
			rc = hear(e, fds, err);
	}
	return rc < 0 ? rc : 0;
}

/* ---- its end -------------------------------------------------------------------------------- */

static int judge(struct emulated *e, int status, struct err *err)
{
	(void)hear_console(e);
	(void)hear_words(e);
	if (console_panicked(&e->console))
		return err_set(err, ECANCELED, "the guest's kernel has panicked");
	if (status < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return 0;
	e->words[strcspn(e->words, "\n")] = '\0';
	if (WIFSIGNALED(status))
		return err_set(err, ECANCELED, "the emulator (QEMU) was ended by signal %d%s%s",
			       WTERMSIG(status), *e->words ? ": " : "", e->words);
	return err_set(err, ECANCELED, "the emulator (QEMU) has failed: %s",
		       *e->words ? e->words : "it doesn't say why");
}

int emulated_run(const struct machine_options *opt, struct machine_result *ret, struct err *err)
{
	CLEAN(emulated)
	struct emulated e = { .emulator = EMULATOR_NONE,
			      .devices = EMULATED_DEVICES_NONE,
			      .console.fd = -1 };
	int rc = begin(&e, opt, err);
	bool ended;

	if (rc < 0)
		return rc;
	rc = serve(&e, opt->stop, err);
	ended = process_ended(e.emulator.pidfd, 0);
	if (rc == 0)
		rc = judge(&e, ended ? emulator_end(&e.emulator) : -1, err);
	if (rc < 0) {
		err->exit_status = MACHINE_EXIT_DIED;
		console_tail(&e.console, TAIL_LINES, &ret->tail);
	}
	return rc;
}
