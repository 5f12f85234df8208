#include "microvm/launch.h"

#include "base/file.h"
#include "microvm/emulated.h"
#include "microvm/given.h"
#include "microvm/jail.h"
#include "microvm/payload.h"
#include "microvm/vcpu.h"
#include "wire/call.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two threads: the caller's has the machine, the other one the process. Each ends the other's waiting. */
struct launch {
	struct payload payload;
	pthread_t thread;
	bool begun;
	int status;
	struct err err;
	int done; /* an eventfd: the process has ended, and with it the machine's job */
};

static void *payload_thread(void *arg)
{
	struct launch *l = arg;
	const uint64_t one = 1;

	if (jail_thread(JAIL_OWNER, -1, &l->err) == 0)
		(void)!payload_run(&l->payload, &l->status, &l->err);
	(void)!write(l->done, &one, sizeof(one));
	return NULL;
}

static int read_text(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	CLEAN(fd) int fd = given_open(path, O_RDONLY);

	if (fd < 0)
		return err_sys(err, "open what is to be run, %s", path);
	given_close(path);
	return file_read_fd(fd, path, WIRE_TEXT_MAX, ret, ret_len, err);
}

/* What the process says counts, if it could say it. */
static int judge(struct launch *l, int rc, int *ret_status, struct err *err)
{
	if (!l->begun)
		return rc;
	if (l->err.code == 0) {
		*ret_status = l->status;
		return 0;
	}
	if (l->err.code != ESHUTDOWN) {
		*err = l->err;
		*ret_status = l->err.exit_status ? l->err.exit_status : 125;
		return 0;
	}
	if (rc < 0)
		return rc;
	err->exit_status = MACHINE_EXIT_DIED;
	return err_set(err, ECANCELED, "the guest has powered off before its process ended");
}

/* The machine is there, and knows where the process goes on, if it does. */
static int begin(void *arg, struct err *err)
{
	struct launch *l = arg;
	int rc = pthread_create(&l->thread, NULL, payload_thread, l);

	l->begun = rc == 0;
	return rc ? err_set(err, rc, "start a thread: %s", strerror(rc)) : 0;
}

static int run(struct launch *l, struct machine_options *opt, struct machine_result *ret,
	       struct err *err)
{
	const uint64_t one = 1;
	int rc;

	opt->stop = l->done;
	opt->payload = &l->payload;
	opt->begin = begin;
	opt->arg = l;
	rc = opt->emulator ? emulated_run(opt, ret, err) : machine_run(opt, ret, err);
	(void)!write(l->payload.stop, &one, sizeof(one));
	if (l->begun)
		pthread_join(l->thread, NULL);
	return rc;
}

static void unmap(struct wire_report **page)
{
	if (*page)
		munmap(*page, WIRE_REPORT_BYTES);
}
CLEAN_DEFINE(page, struct wire_report *, unmap)

/* Its fd is given up before the guest begins: nobody can write beyond the page then. */
static int map_report(const char *given, struct wire_report **ret, struct err *err)
{
	void *page;

	if (!given)
		return 0;
	page = mmap(NULL, WIRE_REPORT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		    given_number(given), 0);
	if (page == MAP_FAILED)
		return err_sys(err, "--report %s", given);
	close(given_number(given));
	*ret = page;
	return 0;
}

int launch_payload(struct machine_options *opt, const struct launch_options *launch,
		   int *ret_status, struct machine_result *ret, struct err *err)
{
	CLEAN(page) struct wire_report *report = NULL;
	CLEAN(free) char *document = NULL;
	CLEAN(fd) int signals = -1;
	CLEAN(fd) int gone = eventfd(0, EFD_CLOEXEC);
	CLEAN(fd) int done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ends[2];
	struct launch l = { .payload = PAYLOAD_INIT, .done = done };
	struct vsock_port port = { .port = WIRE_PORT };
	int rc = read_text(launch->text, &document, &l.payload.len, err);

	if (rc == 0)
		rc = map_report(launch->report, &report, err);
	if (rc < 0)
		return rc;
	if (gone < 0 || done < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "make the stream to the guest");
	signals = payload_signals(VCPU_SIGNAL, err);
	/* Our streams are the process'; what the kernel says is shown when it dies. */
	opt->console = opt->input = -1;
	opt->devices.jailed = true;
	if (signals >= 0) {
		l.payload.stop = gone;
		l.payload.network = launch->network->text;
		l.payload.network_len = launch->network->len;
		l.payload.text = document;
		l.payload.copy = launch->copy;
		l.payload.report = report;
		l.payload.link = ends[0];
		l.payload.signals = signals;
		port.fd = ends[1];
		port.peer = ends[0];
		opt->devices.vsock.ports = &port;
		opt->devices.vsock.port_count = 1;
		rc = judge(&l, run(&l, opt, ret, err), ret_status, err);
	}
	close(ends[0]);
	return signals < 0 ? signals : rc;
}

static int call(int link, struct err *err)
{
	int rc = wire_call(link, WIRE_NO_END);

	if (rc == -ECONNREFUSED)
		return err_set(err, ECONNREFUSED,
			       "the guest takes no further process: it hasn't begun, or has ended");
	return rc < 0 ? err_set(err, -rc, "ask the container's launcher for its guest: %s",
				strerror(-rc)) :
			0;
}

int launch_exec(const char *link, const char *text, int *ret_status, struct err *err)
{
	CLEAN(free) char *document = NULL;
	CLEAN(fd) int signals = -1;
	CLEAN(fd) int fd = given_open(link, O_RDWR);
	struct payload p = PAYLOAD_INIT;
	int rc;

	if (fd < 0)
		return err_sys(err, "open %s", link);
	rc = read_text(text, &document, &p.len, err);
	if (rc == 0)
		rc = call(fd, err);
	if (rc < 0)
		return rc;
	signals = payload_signals(0, err);
	if (signals < 0)
		return signals;
	/* What comes from here on is the guest's to say. */
	rc = jail_bare(err);
	if (rc == 0)
		rc = jail_thread(JAIL_RELAY, -1, err);
	if (rc < 0)
		return rc;
	p.link = fd;
	p.text = document;
	p.signals = signals;
	return payload_run(&p, ret_status, err);
}
