/*
 * diskdo: a data disk as a CVM would use it, with a provider of keys that is
 * made of the command line.  What tests/e2e/test_vm_disk.py runs in its guest.
 *
 *   diskdo open DEVICE [option=value ...]    prints one line, "ok ..." or the
 *                                            reason and what is said of it
 *   diskdo close NAME
 *
 * app=, image=, seed=: one letter each, that the key follows from (seed= only
 * replaces the instance).  count=FILE keeps the generation; none: nobody
 * counts.  integrity=1; readonly=1 (what is rolled back is opened so);
 * step=N dies after that step, hang=N waits there for ever; spoil=1: the LUKS2
 * header on the disk is overwritten once it was looked at; at=FOLDER mounts;
 * name=NAME of the mapping.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "disk/disk.h"
#include "disk/mount.h"
#include "disk/volume.h"
#include "io/file.h"

struct words {
	int count;
	char **word;
};

static const char *option(const struct words *w, const char *name, const char *fallback)
{
	size_t n = strlen(name);

	for (int i = 0; i < w->count; i++)
		if (strncmp(w->word[i], name, n) == 0 && w->word[i][n] == '=')
			return w->word[i] + n + 1;
	return fallback;
}

/* As the simulated platform: the key follows from what is measured. */
static enum rc give_key(void *arg, struct key32 *key, uint32_t *epoch, char error[DISK_ERROR_MAX])
{
	const struct words *w = arg;

	(void)error;
	*epoch = 0;
	memset(key->b, option(w, "image", "a")[0] ^ 0x80, sizeof(key->b));
	return RC_OK;
}

static enum rc give_count(void *arg, uint64_t *value, uint64_t raise_to,
			  char error[DISK_ERROR_MAX])
{
	const char *path = option(arg, "count", NULL);
	AUTO(buf_fini)
	struct buf text = { 0 };
	char line[32];
	struct wr w = WR_ARRAY(line);

	buf_init(&text, sizeof(line));
	*value = 0;
	if (!file_read(&text, path) && !text_u64(value, buf_span(&text), UINT64_MAX))
		return RC_MALFORMED;
	if (*value >= raise_to)
		return RC_OK;
	*value = raise_to;
	wr_printf(&w, "%llu", (unsigned long long)raise_to);
	if (file_replace(path, wr_span(&w), 0600) == RC_OK)
		return RC_OK;
	(void)snprintf(error, DISK_ERROR_MAX, "count not kept");
	return RC_SYS;
}

static void die(void *arg, enum disk_step step)
{
	const char *at = option(arg, "step", NULL);

	const char *hang = option(arg, "hang", NULL);

	if (hang && atoi(hang) == (int)step) {
		printf("hangs after step %d\n", (int)step);
		(void)fflush(stdout);
		(void)pause();
	}
	if (at && atoi(at) == (int)step) {
		printf("died after step %d\n", (int)step);
		(void)fflush(stdout);
		_exit(9);
	}
}

static enum disk_reason open_it(struct words *w, struct disk *d, char error[DISK_ERROR_MAX])
{
	struct disk_keeper keeper = {
		.kind = RECORD_SIMULATOR,
		.key = give_key,
		.count = option(w, "count", NULL) ? give_count : NULL,
		.arg = w,
	};
	struct disk_options o = {
		.name = option(w, "name", "data"),
		.keeper = &keeper,
		.integrity = option(w, "integrity", NULL) ? RECORD_HMAC : RECORD_PLAIN,
		.rollback = option(w, "readonly", NULL) ? DISK_READ_ONLY : DISK_REFUSE,
		.step = die,
		.arg = w,
	};
	const char *seed = option(w, "seed", NULL);
	enum disk_reason reason = DISK_OK;

	memset(keeper.measurement, option(w, "image", "a")[0], sizeof(keeper.measurement));
	memset(o.app, option(w, "app", "a")[0], sizeof(o.app));
	if (disk_state(d) == DISK_BLANK)
		reason = disk_begin(d, o.app, RECORD_SIMULATOR, error);
	if (reason)
		return reason;
	record_instance(o.instance, disk_record(d)->seed, o.app);
	if (seed)
		memset(o.instance, seed[0], sizeof(o.instance));
	return disk_open(d, &o, error);
}

static int mount_it(const struct words *w, const struct disk_opened *opened)
{
	const char *at = option(w, "at", NULL);
	char error[MOUNT_ERROR_MAX] = "";

	if (!at)
		return 0;
	if (mount_at(opened->device, at,
		     opened->is_rolled_back ? MOUNT_READ_ONLY : MOUNT_READ_WRITE, error) ||
	    (!opened->is_rolled_back && mount_grow(opened->device, error))) {
		printf("filesystem %s\n", error);
		return 1;
	}
	return 0;
}

/* What a host might do meanwhile. */
static bool spoil(const struct words *w, const char *device)
{
	static const uint8_t junk[64 * 1024] = { 1, 2, 3 };
	AUTO(mem_auto_close)
	int fd = -1;

	if (!option(w, "spoil", NULL))
		return true;
	fd = open(device, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && pwrite(fd, junk, sizeof(junk), RECORD_HEADER_AT) == sizeof(junk) &&
	       fsync(fd) == 0;
}

static int open_disk(struct words *w, const char *device)
{
	char error[DISK_ERROR_MAX] = "";
	struct disk *d = NULL;
	enum disk_reason reason = disk_look(&d, device, error);
	struct disk_opened opened;
	int status;

	if (!reason && !spoil(w, device))
		reason = DISK_IO;
	if (!reason)
		reason = open_it(w, d, error);
	if (reason) {
		printf("%s | %s\n", disk_reason_name(reason), error);
		disk_free(d);
		return 1;
	}
	opened = disk_opened(d);
	status = mount_it(w, &opened);
	printf("ok%s%s generation=%llu count=%llu\n", opened.was_made ? " made" : "",
	       opened.is_rolled_back ? " rolled_back" : "",
	       (unsigned long long)opened.generation, (unsigned long long)opened.count);
	disk_free(d);
	return status;
}

static int close_disk(const char *name)
{
	char error[VOLUME_ERROR_MAX] = "";

	if (!volume_unmap(name, error))
		return 0;
	printf("%s\n", error);
	return 1;
}

int main(int argc, char *argv[])
{
	struct words w = { argc - 3, argv + 3 };

	if (argc >= 3 && strcmp(argv[1], "open") == 0)
		return open_disk(&w, argv[2]);
	if (argc == 3 && strcmp(argv[1], "close") == 0)
		return close_disk(argv[2]);
	fprintf(stderr, "usage: diskdo open DEVICE [option=value ...] | close NAME\n");
	return 2;
}
