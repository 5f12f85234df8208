/* A root that is an image: what is taken for one, who may write to it, and how many may have it. */
#include "base/file.h"
#include "base/str.h"
#include "runtime/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES 4096

/* A folder with one image in it. */
struct world {
	char dir[32];
	struct spec spec;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/ctr-image-XXXXXX");
	w->spec.root_path = xstrdup("image");
	*state = w;
	return mkdtemp(w->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	struct err err;
	int rc = file_remove_tree(AT_FDCWD, w->dir, &err);

	spec_free(&w->spec);
	free(w);
	return rc;
}

/* So many zeros, and `mark` at its place. */
static void image(const struct world *w, size_t len, size_t at, const char *mark)
{
	CLEAN(free) char *path = xasprintf("%s/image", w->dir);
	CLEAN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	assert_int_equal(pwrite(fd, mark, strlen(mark), (off_t)at), strlen(mark));
}

static void opened(const struct world *w, const char *type, bool readonly)
{
	CLEAN(vm) struct vm vm = VM_INIT;
	struct err err = { 0 };

	if (vm_image_open(&w->spec, w->dir, &vm, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(vm.image, type);
	assert_int_equal(vm.image_readonly, readonly);
	assert_int_equal(fcntl(vm.fds[VM_IMAGE], F_GETFL) & O_ACCMODE,
			 readonly ? O_RDONLY : O_RDWR);
	assert_int_equal(vm_image_writes(&w->spec, w->dir), !readonly);
}

static void refused(const struct world *w, int code, const char *part)
{
	CLEAN(vm) struct vm vm = VM_INIT;
	struct err err = { 0 };

	assert_int_equal(vm_image_open(&w->spec, w->dir, &vm, &err), -code);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
}

static void test_its_kind_says_who_may_write(void **state)
{
	struct world *w = *state;

	image(w, BYTES, 1024, "\xe2\xe1\xf5\xe0");
	opened(w, "erofs", true);
	image(w, BYTES, 0, "hsqs");
	opened(w, "squashfs", true);
	image(w, BYTES, 1080, "\x53\xef");
	opened(w, "ext4", false);
	w->spec.root_readonly = true;
	opened(w, "ext4", true);
	w->spec.root_readonly = false;
	strv_add(&w->spec.annotations, SPEC_ANNOTATION_ROOTFS "=overlay");
	opened(w, "ext4", true);
}

static void test_what_is_none_is_refused(void **state)
{
	struct world *w = *state;

	image(w, BYTES, 510, "\x55\xaa");
	refused(w, EINVAL, "without a partition table");
	image(w, 0, 0, "");
	refused(w, EINVAL, "is no image");
	image(w, BYTES + 1, 1080, "\x53\xef");
	refused(w, EINVAL, "4097 bytes, is not a multiple of 512");
}

static void test_a_folder_is_no_image(void **state)
{
	struct world *w = *state;
	CLEAN(vm) struct vm vm = VM_INIT;
	struct err err = { 0 };

	free(w->spec.root_path);
	w->spec.root_path = xstrdup(w->dir);
	assert_false(vm_root_is_image(&w->spec, NULL));
	assert_int_equal(vm_image_open(&w->spec, NULL, &vm, &err), 0);
	assert_null(vm.image);
}

static void test_who_writes_is_alone(void **state)
{
	struct world *w = *state;
	CLEAN(vm) struct vm one = VM_INIT;
	CLEAN(vm) struct vm two = VM_INIT;
	struct err err = { 0 };

	image(w, BYTES, 1080, "\x53\xef");
	assert_int_equal(vm_image_open(&w->spec, w->dir, &one, &err), 0);
	refused(w, EBUSY, "is somebody else's root now");
	w->spec.root_readonly = true;
	refused(w, EBUSY, "is somebody else's root now");
	vm_free(&one);
	assert_int_equal(vm_image_open(&w->spec, w->dir, &one, &err), 0);
	assert_int_equal(vm_image_open(&w->spec, w->dir, &two, &err), 0);
	w->spec.root_readonly = false;
	refused(w, EBUSY, "is somebody else's root now");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_its_kind_says_who_may_write, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_none_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_folder_is_no_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_writes_is_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("vm image", tests, NULL, NULL);
}
