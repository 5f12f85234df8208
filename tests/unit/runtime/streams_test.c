/* What a restore may be given for the streams that the checkpoint had. */
#include "runtime/criu_terms.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/streams_test.XXXXXX";
static struct images images;
static int pipe_fds[2], file = -1;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || pipe(pipe_fds) < 0)
		return -1;
	file = memfd_create("file", MFD_CLOEXEC);
	images = (struct images){ .path = folder, .dir = open(folder, O_DIRECTORY | O_CLOEXEC) };
	return file < 0 || images.dir < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlinkat(images.dir, STREAMS_FILE, 0);
	close(images.dir);
	close(file);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return rmdir(folder);
}

/* All three streams were `key`; is the restore content with `fd` for them? */
static int restore_on(const char *key, int fd, struct criu_options *o, struct err *err)
{
	CLEAN(strv) struct strv keys = { 0 };
	CLEAN(fd) int null = -1;
	const int stdio[3] = { fd, fd, fd };

	for (int i = 0; i < 3; i++)
		strv_add(&keys, key);
	assert_int_equal(criu_list_write(&images, STREAMS_FILE, &keys, err), 0);
	return criu_streams_restore(&images, stdio, &null, o, err);
}

static void test_a_fifo_goes_on_as_a_fifo(void **state)
{
	CLEAN(criu_options) struct criu_options o = CRIU_OPTIONS_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(restore_on("file[1a:2b] fifo", pipe_fds[0], &o, &err), 0);
	/* criu knows it by the name of a file. */
	assert_int_equal(o.inherit_count, 1);
	assert_string_equal(o.inherit[0].key, "file[1a:2b]");
	assert_true(strv_has(&o.external, "file[1a:2b]"));
}

static void test_a_fifo_does_not_become_a_file(void **state)
{
	CLEAN(criu_options) struct criu_options o = CRIU_OPTIONS_INIT;
	struct err err = { 0 };

	(void)state;
	assert_true(restore_on("file[1a:2b] fifo", file, &o, &err) < 0);
	assert_non_null(strstr(err.text, "stream 0 was a FIFO"));
	assert_int_equal(o.inherit_count, 0);
}

static void test_a_file_does_not_become_a_pipe(void **state)
{
	CLEAN(criu_options) struct criu_options o = CRIU_OPTIONS_INIT;
	CLEAN(criu_options) struct criu_options same = CRIU_OPTIONS_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(restore_on("file[1a:2b]", pipe_fds[1], &o, &err), -ESPIPE);
	assert_non_null(strstr(err.text, "stream 0 was a file"));
	assert_int_equal(restore_on("file[1a:2b]", file, &same, &err), 0);
	assert_string_equal(same.inherit[0].key, "file[1a:2b]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_fifo_goes_on_as_a_fifo),
		cmocka_unit_test(test_a_fifo_does_not_become_a_file),
		cmocka_unit_test(test_a_file_does_not_become_a_pipe),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
