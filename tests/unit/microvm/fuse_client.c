#include "microvm/fuse_client.h"

#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

void client_init(struct client *c, bool readonly, unsigned int fds)
{
	struct err err = { 0 };

	memset(c, 0, sizeof(*c));
	strcpy(c->path, "/tmp/ctr-fuse-XXXXXX");
	assert_non_null(mkdtemp(c->path));
	c->folder = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(c->folder, "share", 0755), 0);
	c->share = openat(c->folder, "share", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	host_file(c, "../secret", "secret");
	assert_int_equal(fuse_server_make(openat(c->folder, "share", O_PATH | O_CLOEXEC),
					  "/proc/self/fd", readonly, fds, &c->f, &err),
			 0);
	c->uid = geteuid();
	c->gid = getegid();
	c->room = CLIENT_BYTES - sizeof(struct fuse_out_header);
	assert_true(client_begin(c, 7, CLIENT_MINOR) > 0);
}

void client_free(struct client *c)
{
	char *const argv[] = { "rm", "-rf", c->path, NULL };
	pid_t pid;

	fuse_server_free(c->f);
	close(c->share);
	close(c->folder);
	pid = fork();
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

int client_send(struct client *c, uint32_t opcode, uint64_t node, const void *in, size_t len,
		const void *data, size_t data_len)
{
	struct fuse_in_header head = { .len = (uint32_t)(sizeof(head) + len + data_len),
				       .opcode = opcode,
				       .unique = 77,
				       .nodeid = node,
				       .uid = c->uid,
				       .gid = c->gid };
	struct chain chain = { .readable = 1,
			       .count = 2,
			       .readable_bytes = head.len,
			       .writable_bytes =
				       (uint32_t)(c->room + sizeof(struct fuse_out_header)) };
	const struct fuse_out_header *answer = (void *)c->reply;
	const char *rule = NULL;
	int64_t n;

	assert_true(head.len <= sizeof(c->request));
	memcpy(c->request, &head, sizeof(head));
	if (len)
		memcpy(c->request + sizeof(head), in, len);
	if (data_len)
		memcpy(c->request + sizeof(head) + len, data, data_len);
	memset(c->reply, 0x77, sizeof(c->reply));
	chain.pieces[0] = (struct iovec){ c->request, head.len };
	chain.pieces[1] = (struct iovec){ c->reply, chain.writable_bytes };
	c->out = c->reply + sizeof(*answer);
	n = fuse_serve(c->f, &chain, &rule);
	assert_true(n >= 0);
	if (n == 0)
		return 0;
	assert_int_equal(n, answer->len);
	assert_true(answer->len <= chain.writable_bytes);
	assert_int_equal(answer->unique, 77);
	if (answer->error)
		assert_int_equal(answer->len, sizeof(*answer));
	return answer->error ? answer->error : (int)(n - (int64_t)sizeof(*answer));
}

int ask(struct client *c, uint32_t opcode, uint64_t node, const void *in, size_t len, const char *a,
	const char *b)
{
	char texts[10000];
	size_t used = 0;

	if (a)
		used = strlen(strcpy(texts, a)) + 1;
	if (b)
		used += strlen(strcpy(texts + used, b)) + 1;
	return client_send(c, opcode, node, in, len, texts, used);
}

int client_begin(struct client *c, uint32_t major, uint32_t minor)
{
	struct fuse_init_in in = {
		.major = major, .minor = minor, .max_readahead = 65536, .flags = 0x7fffffff
	};

	return ask(c, FUSE_INIT, 0, &in, sizeof(in), NULL, NULL);
}

uint64_t look(struct client *c, uint64_t folder, const char *name)
{
	const struct fuse_entry_out *out;

	if (ask(c, FUSE_LOOKUP, folder, NULL, 0, name, NULL) < 0)
		return 0;
	out = c->out;
	return out->nodeid;
}

void forget(struct client *c, uint64_t node, uint64_t lookups)
{
	struct fuse_forget_in in = { .nlookup = lookups };

	assert_int_equal(ask(c, FUSE_FORGET, node, &in, sizeof(in), NULL, NULL), 0);
}

void host_file(const struct client *c, const char *name, const char *text)
{
	CLEAN(fd) int fd = openat(c->share, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

void assert_host_file(int folder, const char *name, const char *text)
{
	char found[256] = "";
	CLEAN(fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(fd_read_all(fd, found, sizeof(found) - 1) >= 0);
	assert_string_equal(found, text);
}
