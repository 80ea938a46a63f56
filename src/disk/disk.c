#include "disk/disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "disk/luks.h"
#include "disk/mount.h"
#include "disk/volume.h"

static_assert((int)DISK_ERROR_MAX > (int)VOLUME_ERROR_MAX &&
	      (int)DISK_ERROR_MAX > (int)MOUNT_ERROR_MAX);

struct disk {
	int fd; /* locked */
	char *path;
	uint8_t *front; /* RECORD_DATA_AT bytes, as they were when looked at */
	enum disk_state state;
	struct record_found found[RECORD_SLOTS];
	size_t found_count; /* 0: blank */
	/* since disk_open() */
	struct buf header;
	struct record_keys keys;
	char name[VOLUME_NAME_MAX]; /* empty: not mapped */
	char device[VOLUME_NAME_MAX + 16];
	struct disk_opened opened;
};

static enum disk_reason refuse(char error[DISK_ERROR_MAX], const char *path,
			       enum disk_reason r, const char *detail)
{
	char text[DISK_ERROR_MAX];

	(void)snprintf(text, sizeof(text), "%.200s: %s%s%.500s", path,
		       disk_reason_name(r), detail[0] ? ": " : "", detail);
	memcpy(error, text, sizeof(text));
	return r;
}

static enum disk_reason fail(char error[DISK_ERROR_MAX], const struct disk *d)
{
	return refuse(error, d->path, DISK_IO, strerror(errno));
}

/* ---- looking ---- */

static bool read_at(int fd, void *to, size_t n, off_t at)
{
	uint8_t *p = to;

	while (n) {
		ssize_t got = pread(fd, p, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		at += got;
		n -= (size_t)got;
	}
	return true;
}

static enum disk_reason open_locked(struct disk *d, char error[DISK_ERROR_MAX])
{
	d->fd = open(d->path, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return fail(error, d);
	if (flock(d->fd, LOCK_EX | LOCK_NB) == 0)
		return DISK_OK;
	return errno == EWOULDBLOCK ? refuse(error, d->path, DISK_BUSY, "")
				    : fail(error, d);
}

static enum disk_reason read_front(struct disk *d, char error[DISK_ERROR_MAX])
{
	off_t size = lseek(d->fd, 0, SEEK_END);

	if (size < 0)
		return fail(error, d);
	if (size < DISK_SIZE_MIN)
		return refuse(error, d->path, DISK_TRUNCATED, "below 16 MiB");
	/* What another look has left in memory is not what is there now; of a
	 * file this fails, and there is nothing to forget. */
	(void)ioctl(d->fd, BLKFLSBUF, 0);
	return read_at(d->fd, d->front, RECORD_DATA_AT, 0) ? DISK_OK
							   : fail(error, d);
}

static enum disk_reason find_records(struct disk *d,
				     char error[DISK_ERROR_MAX])
{
	struct span front = span_of(d->front, RECORD_DATA_AT);
	enum disk_reason reason = record_choose(
		d->found, &d->found_count,
		span_of(d->front, (size_t)RECORD_SLOTS * RECORD_LEN));

	if (reason)
		return refuse(error, d->path, reason, "");
	if (d->found_count == 0 && !span_is_zero(front))
		return refuse(error, d->path, DISK_NOT_OURS,
			      "no record, and not blank");
	d->state = d->found_count == 0			      ? DISK_BLANK
		   : d->found[0].record.state == RECORD_BEGUN ? DISK_BEGUN
							      : DISK_WHOLE;
	return DISK_OK;
}

enum disk_reason disk_look(struct disk **out, const char *path,
			   char error[DISK_ERROR_MAX])
{
	struct disk *d = mem_new(sizeof(*d));
	enum disk_reason reason;

	d->path = mem_dup(path);
	d->front = mem_new(RECORD_DATA_AT);
	buf_init(&d->header, RECORD_HEADER_LEN);
	reason = open_locked(d, error);
	if (!reason)
		reason = read_front(d, error);
	if (!reason)
		reason = find_records(d, error);
	if (reason) {
		disk_free(d);
		return reason;
	}
	*out = d;
	return DISK_OK;
}

enum disk_state disk_state(const struct disk *d)
{
	return d->state;
}

const struct record *disk_record(const struct disk *d)
{
	assert(d->state != DISK_BLANK);
	return &d->found[0].record;
}

/* ---- writing ---- */

static bool write_at(int fd, struct span bytes, off_t at)
{
	while (bytes.n) {
		ssize_t n = pwrite(fd, bytes.p, bytes.n, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
	}
	return fsync(fd) == 0;
}

/* Into the slot that does not hold the newest; that one is still whole if this
 * is cut short. */
static enum disk_reason write_record(struct disk *d, const struct record *r,
				     char error[DISK_ERROR_MAX])
{
	unsigned slot = d->found_count ? 1 - d->found[0].slot : 0;
	uint8_t bytes[RECORD_LEN];

	record_write(bytes, r, &d->keys);
	if (!write_at(d->fd, SPAN_ARRAY(bytes), (off_t)slot * RECORD_LEN))
		return fail(error, d);
	d->found[0] = (struct record_found){ *r, slot };
	d->found_count = 1;
	return DISK_OK;
}

enum disk_reason disk_begin(struct disk *d, const uint8_t app[RECORD_ID_LEN],
			    enum record_provider provider,
			    char error[DISK_ERROR_MAX])
{
	struct record r = {
		.state = RECORD_BEGUN,
		.owner.provider = provider,
	};
	enum disk_reason reason;

	assert(d->state == DISK_BLANK);
	rng_bytes(r.seed, sizeof(r.seed));
	memcpy(r.owner.app, app, sizeof(r.owner.app));
	record_instance(r.owner.instance, r.seed, app);
	reason = write_record(d, &r, error);
	if (!reason)
		d->state = DISK_BEGUN;
	return reason;
}

static void at_step(const struct disk_options *o, enum disk_step step)
{
	if (o->step)
		o->step(o->arg, step);
}

/* ---- the provider ---- */

static struct record_owner owner_of(const struct disk_options *o)
{
	struct record_owner owner = { .provider = o->keeper->kind };

	memcpy(owner.app, o->app, sizeof(owner.app));
	memcpy(owner.instance, o->instance, sizeof(owner.instance));
	memcpy(owner.measurement, o->keeper->measurement,
	       sizeof(owner.measurement));
	return owner;
}

/* A begun record binds nothing yet, and whose the key is may still change. */
static enum disk_reason compare(const struct disk *d,
				const struct record_owner *ours,
				char error[DISK_ERROR_MAX])
{
	struct record r = d->found[0].record;
	enum disk_reason reason;

	if (r.state == RECORD_BEGUN) {
		r.owner.provider = ours->provider;
		memcpy(r.owner.measurement, ours->measurement,
		       sizeof(r.owner.measurement));
	}
	reason = record_compare(&r, ours);
	return reason ? refuse(error, d->path, reason, "") : DISK_OK;
}

static enum disk_reason take_keys(struct disk *d, const struct disk_options *o,
				  struct record_owner *owner,
				  char error[DISK_ERROR_MAX])
{
	AUTO(key32_wipe)
	struct key32 root = { 0 };
	char why[DISK_ERROR_MAX] = "";
	enum rc rc;

	/* Nothing signs a begun record: its epoch is whoever's wrote it. */
	owner->key_epoch = d->state == DISK_BEGUN
				   ? 0
				   : d->found[0].record.owner.key_epoch;
	rc = o->keeper->key(o->keeper->arg, &root, &owner->key_epoch, why);
	if (rc)
		return refuse(error, d->path, DISK_NO_KEY,
			      why[0] ? why : rc_name(rc));
	record_keys_derive(&d->keys, &root, owner);
	return DISK_OK;
}

/* What the provider counts, raised or not; 0: it does not. */
static enum disk_reason ask_count(const struct disk *d,
				  const struct disk_options *o,
				  uint64_t *value, uint64_t raise_to,
				  char error[DISK_ERROR_MAX])
{
	char why[DISK_ERROR_MAX] = "";
	enum rc rc;

	*value = 0;
	if (!o->keeper->count)
		return DISK_OK;
	rc = o->keeper->count(o->keeper->arg, value, raise_to, why);
	if (!rc)
		return DISK_OK;
	return refuse(error, d->path, DISK_NO_COUNT,
		      why[0] ? why : rc_name(rc));
}

/* Somebody who opened a copy meanwhile has raised it further. */
static enum disk_reason raise_count(struct disk *d,
				    const struct disk_options *o,
				    char error[DISK_ERROR_MAX])
{
	uint64_t generation = d->found[0].record.generation;
	enum disk_reason reason =
		ask_count(d, o, &d->opened.count, generation, error);

	if (!reason && d->opened.count > generation)
		reason = refuse(error, d->path, DISK_ROLLED_BACK,
				"a copy of it was opened meanwhile");
	d->opened.generation = generation;
	return reason;
}

/* ---- mapping ---- */

static enum disk_reason map(struct disk *d, const struct disk_options *o,
			    enum volume_use use, char error[DISK_ERROR_MAX])
{
	char why[VOLUME_ERROR_MAX] = "";

	if (volume_is_mapped(o->name))
		return refuse(error, d->path, DISK_BUSY, o->name);
	if (volume_map(o->name, buf_span(&d->header), d->path, &d->keys.luks,
		       use, why))
		return refuse(error, d->path, DISK_CRYPT, why);
	(void)snprintf(d->name, sizeof(d->name), "%s", o->name);
	(void)snprintf(d->device, sizeof(d->device), "/dev/mapper/%s",
		       o->name);
	return DISK_OK;
}

/* After a failure; what cannot be ended is said by the next start. */
static void unmap(struct disk *d)
{
	char why[VOLUME_ERROR_MAX];

	if (d->name[0])
		(void)volume_unmap(d->name, why);
	d->name[0] = '\0';
}

/* ---- making ---- */

static enum disk_reason make_header(struct disk *d,
				    const struct disk_options *o,
				    char error[DISK_ERROR_MAX])
{
	char why[VOLUME_ERROR_MAX] = "";
	const char *what;

	buf_reset(&d->header);
	if (volume_make(&d->header, d->path, o->integrity, &d->keys.luks, why))
		return refuse(error, d->path, DISK_CRYPT, why);
	what = luks_check(buf_span(&d->header), o->integrity);
	if (what)
		return refuse(error, d->path, DISK_HEADER_PROFILE, what);
	if (!write_at(d->fd, buf_span(&d->header), RECORD_HEADER_AT))
		return fail(error, d);
	at_step(o, DISK_STEP_HEADER);
	return DISK_OK;
}

static enum disk_reason make_data(struct disk *d, const struct disk_options *o,
				  char error[DISK_ERROR_MAX])
{
	char why[VOLUME_ERROR_MAX] = "";
	enum disk_reason reason;

	if (o->integrity == RECORD_HMAC &&
	    volume_fill(buf_span(&d->header), d->path, &d->keys.luks, why))
		return refuse(error, d->path, DISK_CRYPT, why);
	at_step(o, DISK_STEP_FILLED);
	reason = map(d, o, VOLUME_READ_WRITE, error);
	if (reason)
		return reason;
	if (mount_make(d->device, d->keys.fs, why))
		return refuse(error, d->path, DISK_FILESYSTEM, why);
	if (fsync(d->fd) != 0)
		return fail(error, d);
	at_step(o, DISK_STEP_FILESYSTEM);
	return DISK_OK;
}

/* An instance that was counted had a whole disk once. */
static enum disk_reason make(struct disk *d, const struct disk_options *o,
			     const struct record_owner *owner,
			     char error[DISK_ERROR_MAX])
{
	struct record r = d->found[0].record;
	uint64_t count;
	enum disk_reason reason = ask_count(d, o, &count, 0, error);

	if (!reason && count > 0)
		reason = refuse(error, d->path, DISK_ROLLED_BACK,
				"the disk of this instance was whole once");
	at_step(o, DISK_STEP_BEGUN);
	if (!reason)
		reason = make_header(d, o, error);
	if (!reason)
		reason = make_data(d, o, error);
	if (reason)
		return reason;
	r.state = RECORD_WHOLE;
	r.integrity = o->integrity;
	r.generation = 1;
	r.owner = *owner;
	sha256_of(&r.header_hash, buf_span(&d->header));
	reason = write_record(d, &r, error);
	if (reason)
		return reason;
	d->state = DISK_WHOLE;
	d->opened.was_made = true;
	at_step(o, DISK_STEP_WHOLE);
	reason = raise_count(d, o, error);
	if (!reason)
		at_step(o, DISK_STEP_COUNTED);
	return reason;
}

/* ---- opening ---- */

/* The newest record that our key made, first in 'found' then. */
static enum disk_reason authenticate(struct disk *d,
				     const struct disk_options *o,
				     char error[DISK_ERROR_MAX])
{
	struct span header = span_of(d->front + RECORD_HEADER_AT,
				     RECORD_HEADER_LEN);
	struct record_found *f = NULL;
	const char *what;

	for (size_t i = 0; i < d->found_count && !f; i++) {
		const uint8_t *slot = d->front +
				      (size_t)d->found[i].slot * RECORD_LEN;

		if (record_is_authentic(span_of(slot, RECORD_LEN), &d->keys,
					header))
			f = &d->found[i];
	}
	if (!f)
		return refuse(error, d->path, DISK_HEADER_NOT_AUTHENTIC, "");
	d->found[0] = *f;
	d->found_count = 1;
	what = f->record.integrity == o->integrity
		       ? luks_check(header, o->integrity)
		       : "integrity";
	if (what)
		return refuse(error, d->path, DISK_HEADER_PROFILE, what);
	buf_reset(&d->header);
	if (!buf_add(&d->header, header))
		return refuse(error, d->path, DISK_MALFORMED, "");
	return DISK_OK;
}

static enum disk_reason check_generation(struct disk *d,
					 const struct disk_options *o,
					 char error[DISK_ERROR_MAX])
{
	uint64_t count, generation = d->found[0].record.generation;
	enum disk_reason reason = ask_count(d, o, &count, 0, error);
	char detail[64];

	if (reason)
		return reason;
	d->opened.count = count;
	d->opened.generation = generation;
	d->opened.is_rolled_back = generation < count;
	if (generation >= count || o->rollback == DISK_READ_ONLY)
		return DISK_OK;
	(void)snprintf(detail, sizeof(detail), "generation %llu of %llu",
		       (unsigned long long)generation,
		       (unsigned long long)count);
	return refuse(error, d->path, DISK_ROLLED_BACK, detail);
}

/* Before anything of the data is used: copies of this moment are old now. */
static enum disk_reason next_generation(struct disk *d,
					const struct disk_options *o,
					char error[DISK_ERROR_MAX])
{
	struct record r = d->found[0].record;
	enum disk_reason reason;

	r.generation++;
	reason = write_record(d, &r, error);
	if (reason)
		return reason;
	at_step(o, DISK_STEP_NEXT);
	reason = raise_count(d, o, error);
	if (!reason)
		at_step(o, DISK_STEP_RAISED);
	return reason;
}

static enum disk_reason open_whole(struct disk *d, const struct disk_options *o,
				   char error[DISK_ERROR_MAX])
{
	char why[MOUNT_ERROR_MAX] = "";
	enum disk_reason reason = authenticate(d, o, error);
	enum rc rc;

	if (!reason)
		reason = check_generation(d, o, error);
	if (!reason)
		reason = map(d, o,
			     d->opened.is_rolled_back ? VOLUME_READ_ONLY
						      : VOLUME_READ_WRITE,
			     error);
	if (reason)
		return reason;
	rc = mount_compare(d->device, d->keys.fs, why);
	if (rc)
		return refuse(error, d->path,
			      rc == RC_DENIED ? DISK_OTHER_DATA : DISK_IO, why);
	return d->opened.is_rolled_back ? DISK_OK
					: next_generation(d, o, error);
}

enum disk_reason disk_open(struct disk *d, const struct disk_options *o,
			   char error[DISK_ERROR_MAX])
{
	struct record_owner owner = owner_of(o);
	enum disk_reason reason;

	assert(d->state != DISK_BLANK && strlen(o->name) < VOLUME_NAME_MAX);
	d->opened = (struct disk_opened){ 0 };
	reason = compare(d, &owner, error);
	if (!reason)
		reason = take_keys(d, o, &owner, error);
	if (!reason)
		reason = d->state == DISK_BEGUN ? make(d, o, &owner, error)
						: open_whole(d, o, error);
	if (reason)
		unmap(d);
	else
		d->opened.device = d->device;
	return reason;
}

struct disk_opened disk_opened(const struct disk *d)
{
	return d->opened;
}

/* ---- the end ---- */

void disk_free(struct disk *d)
{
	if (!d)
		return;
	mem_auto_close(&d->fd);
	record_keys_wipe(&d->keys);
	buf_fini(&d->header);
	free(d->front);
	free(d->path);
	free(d);
}

enum disk_reason disk_close(struct disk *d, char error[DISK_ERROR_MAX])
{
	char why[VOLUME_ERROR_MAX] = "";
	enum disk_reason reason = DISK_OK;

	if (d->name[0] && volume_unmap(d->name, why))
		reason = refuse(error, d->path, DISK_BUSY, why);
	disk_free(d);
	return reason;
}
