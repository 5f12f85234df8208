#include "microvm/disk.h"

#include "base/str.h"
#include "microvm/given.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define ID_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static int parse_id(const char *text, const char *id, struct disk_options *ret, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0 || len > DISK_ID_MAX || id[strspn(id, ID_LETTERS)])
		return err_set(err, EINVAL,
			       "--disk %s: an id has 1 to %d letters, digits, '-', '_' and '.'",
			       text, DISK_ID_MAX);
	memcpy(ret->id, id, len + 1);
	return 0;
}

/* 0: it's no limit. */
static int parse_limit(const char *text, const char *word, struct disk_options *ret,
		       struct err *err)
{
	int rc = bucket_parse(word, "", &ret->rates);

	if (rc == 0)
		rc = bucket_parse_burst(word, &ret->burst_ms);
	if (rc < 0)
		return err_set(err, EINVAL, "--disk %s: \"%s\": " BUCKET_WORDS, text, word);
	return rc;
}

static int parse_word(const char *text, const char *word, struct disk_options *ret, struct err *err)
{
	int rc;

	if (str_eq(word, "readonly")) {
		ret->readonly = true;
		return 0;
	}
	if (str_starts(word, "id="))
		return parse_id(text, word + strlen("id="), ret, err);
	rc = parse_limit(text, word, ret, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return err_set(err, EINVAL,
		       "--disk %s: \"%s\" is neither readonly nor id=NAME, bps=SIZE, iops=N or "
		       "burst=MS; a file's name has no comma here",
		       text, word);
}

int disk_parse(const char *text, struct disk_options *ret, struct err *err)
{
	CLEAN(strv) struct strv words = { 0 };
	int rc = 0;

	*ret = (struct disk_options){ 0 };
	strv_split(&words, text, ',');
	if (!words.count || !*words.items[0])
		return err_set(err, EINVAL, "--disk %s: which file? FILE[,readonly][,id=NAME]",
			       text);
	for (size_t i = 1; rc == 0 && i < words.count; i++)
		rc = parse_word(text, words.items[i], ret, err);
	if (rc == 0)
		ret->file = xstrdup(words.items[0]);
	return rc;
}

void disk_options_free(struct disk_options *opt)
{
	free(opt->file);
	*opt = (struct disk_options){ 0 };
}

static int size_of(const struct disk_options *opt, struct disk *d, struct err *err)
{
	struct stat st;

	if (fstat(d->fd, &st) < 0)
		return err_sys(err, "look at the disk %s", opt->file);
	if (S_ISREG(st.st_mode))
		d->bytes = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return err_set(err, EINVAL,
			       "--disk %s: it is neither a regular file nor a block device",
			       opt->file);
	else if (ioctl(d->fd, BLKGETSIZE64, &d->bytes) < 0)
		return err_sys(err, "ask the block device %s how large it is", opt->file);
	if (d->bytes == 0)
		return err_set(err, EINVAL,
			       "--disk %s: it is empty; truncate -s 1G makes it 1 GiB large",
			       opt->file);
	if (d->bytes % DISK_SECTOR_BYTES)
		return err_set(
			err, EINVAL,
			"--disk %s: its size, %llu bytes, is not a multiple of %d: is it an image of "
			"a disk, raw, and whole?",
			opt->file, (unsigned long long)d->bytes, DISK_SECTOR_BYTES);
	return 0;
}

int disk_open(const struct disk_options *opt, struct disk *ret, struct err *err)
{
	CLEAN(disk) struct disk d = { .readonly = opt->readonly };
	int rc;

	memcpy(d.id, opt->id, sizeof(d.id));
	d.fd = given_open(opt->file, (opt->readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK);
	if (d.fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM) && !opt->readonly)
		return err_sys(err,
			       "open the disk %s for writing (--disk FILE,readonly only reads)",
			       opt->file);
	if (d.fd < 0)
		return err_sys(err, "open the disk %s", opt->file);
	rc = size_of(opt, &d, err);
	if (rc < 0)
		return rc;
	if (flock(d.fd, (opt->readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
		given_close(opt->file);
		*ret = d;
		d = (struct disk)DISK_NONE;
		return 0;
	}
	if (errno != EWOULDBLOCK)
		return err_sys(err, "lock the disk %s (flock)", opt->file);
	return err_set(err, EBUSY,
		       "--disk %s: somebody else has it locked, a running guest for one; several "
		       "may have a disk only if all have it readonly",
		       opt->file);
}

void disk_close(struct disk *disk)
{
	if (disk->fd >= 0)
		close(disk->fd);
	*disk = (struct disk)DISK_NONE;
}
