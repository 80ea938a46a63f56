#include "agent/storage.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "agent/diskkey.h"
#include "base/mem.h"
#include "base/text.h"
#include "disk/disk.h"
#include "disk/mount.h"
#include "disk/volume.h"
#include "io/clock.h"
#include "io/file.h"
#include "json/jwrite.h"
#include "node/identity.h"
#include "node/quoter.h"

#define MAPPING "postern-data"
#define DEVICE "/dev/mapper/" MAPPING

enum {
	SOURCE_WAIT_MS = 10000,
	DEVICE_WAIT_MS = 10000, /* for the kernel to find the disk */
	DEVICE_STEP_US = 50000,
	SERIAL_MAX = 64,
	RESULT_MAX = 4096,
};

static_assert((int)IDENTITY_SEED_LEN == (int)RECORD_SEED_LEN &&
	      (int)MANIFEST_ID_LEN == (int)RECORD_ID_LEN);

/* ---- the device ---- */

static bool has_serial(const char *sys, const char *name, const char *want)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span rest, line;
	char path[STORAGE_PATH_MAX];

	buf_init(&text, SERIAL_MAX);
	if (snprintf(path, sizeof(path), "%s/%s/serial", sys, name) >=
		    (int)sizeof(path) ||
	    file_read(&text, path))
		return false;
	rest = buf_span(&text);
	return rd_until(&rest, &line, '\n') && span_equal_str(line, want);
}

bool storage_find(char out[STORAGE_PATH_MAX], const char *device,
		  const char *sys)
{
	bool is_found = false;
	struct dirent *e;
	DIR *d;

	if (device[0] == '/') {
		int n = snprintf(out, STORAGE_PATH_MAX, "%s", device);

		return n < STORAGE_PATH_MAX && access(device, F_OK) == 0;
	}
	d = opendir(sys);
	while (d && !is_found && (e = readdir(d)))
		if (e->d_name[0] != '.' && has_serial(sys, e->d_name, device))
			is_found = snprintf(out, STORAGE_PATH_MAX, "/dev/%s",
					    e->d_name) < STORAGE_PATH_MAX;
	if (d)
		(void)closedir(d);
	return is_found;
}

static enum rc wait_for_device(char out[STORAGE_PATH_MAX], const char *device,
			       char error[NODE_ERROR_MAX])
{
	uint64_t end = clock_boot_ms() + DEVICE_WAIT_MS;

	while (!storage_find(out, device, "/sys/block")) {
		if (clock_boot_ms() >= end) {
			error_set(error, "storage: no disk \"%s\"", device);
			return RC_CLOSED;
		}
		(void)usleep(DEVICE_STEP_US);
	}
	return RC_OK;
}

/* ---- whose the disk is, and its key ---- */

/* All that an opening needs, on one stack. */
struct opening {
	const struct config *config;
	const struct log *log;
	char path[STORAGE_PATH_MAX];
	struct quote_source *source;
	struct identity identity;
	struct manifest manifest; /* read before there is an identity */
	struct disk *disk;
	struct diskkey key;
	enum disk_reason reason;
};

static void opening_fini(struct opening *o)
{
	disk_free(o->disk);
	diskkey_fini(&o->key);
	identity_fini(&o->identity);
	manifest_fini(&o->manifest);
	quote_source_free(o->source);
}

static enum rc read_manifest(struct opening *o, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	char why[MANIFEST_ERROR_MAX] = "";
	enum rc rc;

	buf_init(&text, MANIFEST_MAX);
	rc = file_read(&text, o->config->manifest);
	if (rc) {
		error_set(error, "manifest %s: %s", o->config->manifest,
			  file_why(rc));
		return rc;
	}
	rc = manifest_read(&o->manifest, buf_span(&text), why);
	if (!rc)
		return config_lineage(o->config, &o->manifest, error);
	error_set(error, "manifest %s: %s", o->config->manifest, why);
	return rc;
}

/* What the disk says to be opened as is measured before it is believed. */
static enum rc measure(struct opening *o, char error[NODE_ERROR_MAX])
{
	const struct identity_options options = {
		.manifest = o->config->manifest,
		.state = o->config->state,
		.node = o->config->node,
		.seed = disk_record(o->disk)->seed,
	};
	enum rc rc = identity_open(&o->identity, &options, o->source, error);

	return rc ? rc : diskkey_pin(&o->key, o->config, error);
}

/* ---- opening ---- */

static enum rc refuse(struct opening *o, enum disk_reason reason,
		      const char *why, char error[NODE_ERROR_MAX])
{
	o->reason = reason;
	error_set(error, "storage: %s", why);
	return reason == DISK_IO ? RC_SYS : RC_DENIED;
}

static enum rc open_key(struct opening *o, char error[NODE_ERROR_MAX])
{
	enum rc rc = diskkey_open(&o->key, o->config, o->source, &o->identity,
				  error);

	if (rc == RC_UNSUPPORTED)
		o->reason = DISK_NO_KEY;
	return rc;
}

static enum rc look(struct opening *o, char error[NODE_ERROR_MAX])
{
	char why[DISK_ERROR_MAX] = "";
	enum disk_reason reason = disk_look(&o->disk, o->path, why);

	if (!reason && disk_state(o->disk) == DISK_BLANK)
		reason = disk_begin(o->disk, o->manifest.lineage,
				    o->key.keeper.kind, why);
	return reason ? refuse(o, reason, why, error) : RC_OK;
}

static enum rc open_disk(struct opening *o, char error[NODE_ERROR_MAX])
{
	const struct manifest_storage *s = &o->manifest.storage;
	struct disk_options options = {
		.name = MAPPING,
		.keeper = &o->key.keeper,
		.integrity = s->has_integrity ? RECORD_HMAC : RECORD_PLAIN,
		.rollback = s->reads_older ? DISK_READ_ONLY : DISK_REFUSE,
	};
	char why[DISK_ERROR_MAX] = "";
	enum disk_reason reason;

	memcpy(options.app, o->identity.manifest.lineage, sizeof(options.app));
	memcpy(options.instance, o->identity.instance_id,
	       sizeof(options.instance));
	reason = disk_open(o->disk, &options, why);
	return reason ? refuse(o, reason, why, error) : RC_OK;
}

/* An older copy cannot hold this start's state: that is in memory. */
static enum rc mount_state(const struct config *c, char error[NODE_ERROR_MAX])
{
	if (strncmp(c->state, c->storage.mount, strlen(c->storage.mount)) != 0)
		return RC_OK;
	if (mount("tmpfs", c->state, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700") == 0)
		return RC_OK;
	error_set(error, "storage: %s: %s", c->state, strerror(errno));
	return RC_SYS;
}

static enum rc mount_disk(struct opening *o, char error[NODE_ERROR_MAX])
{
	const struct config *c = o->config;
	bool is_old = disk_opened(o->disk).is_rolled_back;
	char why[MOUNT_ERROR_MAX] = "";

	if (mount_at(DEVICE, c->storage.mount,
		     is_old ? MOUNT_READ_ONLY : MOUNT_READ_WRITE, why))
		return refuse(o, DISK_FILESYSTEM, why, error);
	if (is_old)
		return mount_state(c, error);
	if (mount_grow(DEVICE, why))
		log_event(o->log, LOG_WARN, "storage_not_grown",
			  LSTR("why", why));
	return RC_OK;
}

/* For the programs that begin after this and know of no disk. */
static enum rc write_seed(struct opening *o, char error[NODE_ERROR_MAX])
{
	char path[STORAGE_PATH_MAX], line[2 * IDENTITY_SEED_LEN + 1];
	struct wr w = WR_ARRAY(line);
	enum rc rc;

	if (snprintf(path, sizeof(path), "%s/" IDENTITY_SEED_FILE,
		     o->config->state) >= (int)sizeof(path)) {
		error_set(error, "state folder: path too long");
		return RC_LIMIT;
	}
	text_hex(&w, SPAN_ARRAY(disk_record(o->disk)->seed));
	wr_str(&w, "\n");
	rc = file_make_dirs(o->config->state, 0700);
	if (!rc)
		rc = file_replace(path, wr_span(&w), 0600);
	if (rc)
		error_set(error, "instance seed %s: %s", path,
			  strerror(errno));
	return rc;
}

static enum rc open_all(struct opening *o, char error[NODE_ERROR_MAX])
{
	char why[NODE_ERROR_MAX] = "";
	enum rc rc = wait_for_device(o->path, o->config->storage.device, error);

	if (!rc)
		rc = read_manifest(o, error);
	if (rc)
		return rc;
	rc = quoter_open(&o->source, o->config->quotes.simulator,
			 SOURCE_WAIT_MS, why);
	if (rc) {
		error_set(error, "quotes: %s", why);
		return rc;
	}
	rc = open_key(o, error);
	if (!rc)
		rc = look(o, error);
	if (!rc)
		rc = measure(o, error);
	if (!rc)
		rc = open_disk(o, error);
	if (rc)
		return rc;
	rc = mount_disk(o, error);
	if (!rc)
		rc = write_seed(o, error);
	/* Or the next start would take it for open. */
	if (rc)
		(void)storage_close(o->config, why);
	return rc;
}

/* ---- what came of it ---- */

static void describe_open(struct jwrite *j, const struct opening *o)
{
	struct disk_opened opened = disk_opened(o->disk);

	jwrite_str(j, "state", "open");
	jwrite_str(j, "device", o->path);
	jwrite_str(j, "mount", o->config->storage.mount);
	jwrite_str(j, "mode",
		   opened.is_rolled_back ? "read-only" : "read-write");
	jwrite_bool(j, "made", opened.was_made);
	jwrite_number(j, "generation", opened.generation);
	jwrite_bool(j, "counted", o->key.keeper.count != NULL);
	jwrite_bool(j, "integrity", o->manifest.storage.has_integrity);
	jwrite_bool(j, "simulated", o->key.keeper.kind == RECORD_SIMULATOR);
}

/* RC_SYS with errno. */
static enum rc write_result(const struct opening *o, const char *why)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct jwrite j = jwrite_to(&text);

	buf_init(&text, RESULT_MAX);
	jwrite_object(&j, NULL);
	if (why) {
		jwrite_str(&j, "state", "refused");
		jwrite_str(&j, "reason",
			   o->reason ? disk_reason_name(o->reason) : "failed");
		jwrite_str(&j, "why", why);
	} else {
		describe_open(&j, o);
	}
	jwrite_end(&j);
	if (!jwrite_done(&j) || !buf_add(&text, span_str("\n")))
		return RC_LIMIT;
	return file_replace(o->config->storage.ready, buf_span(&text), 0644);
}

static void say_open(const struct opening *o)
{
	struct disk_opened opened = disk_opened(o->disk);

	log_event(o->log, opened.is_rolled_back ? LOG_WARN : LOG_INFO,
		  "storage_open", LSTR("device", o->path),
		  LSTR("mount", o->config->storage.mount),
		  LSTR("mode",
		       opened.is_rolled_back ? "read-only" : "read-write"),
		  LSTR("made", opened.was_made ? "true" : "false"),
		  LU64("generation", opened.generation),
		  LU64("count", opened.count));
	if (!o->key.keeper.count)
		log_event(o->log, LOG_WARN, "storage_not_counted",
			  LSTR("why", "nobody remembers the generation: an "
				      "older copy of the disk is not noticed"));
}

enum rc storage_open(struct storage *out, const struct config *c,
		     const struct log *log, char error[NODE_ERROR_MAX])
{
	AUTO(opening_fini)
	struct opening o = { .config = c, .log = log };
	enum rc rc;

	*out = (struct storage){ 0 };
	if (!c->storage.device)
		return RC_OK;
	if (mount_is_at(DEVICE, c->storage.mount)) {
		log_event(log, LOG_INFO, "storage_open_already",
			  LSTR("mount", c->storage.mount));
		out->is_there = true;
		out->is_read_only = mount_is_read_only(c->storage.mount);
		return RC_OK;
	}
	/* A start that was cut short may have mapped it and no more. */
	rc = storage_close(c, error);
	if (!rc)
		rc = open_all(&o, error);
	if (!rc) {
		say_open(&o);
		out->is_there = true;
		out->is_read_only = disk_opened(o.disk).is_rolled_back;
	}
	if (write_result(&o, rc ? error : NULL))
		log_event(log, LOG_WARN, "storage_result_not_written",
			  LERRNO("why", errno));
	return rc;
}

enum rc storage_close(const struct config *c, char error[NODE_ERROR_MAX])
{
	char why[VOLUME_ERROR_MAX] = "";
	enum rc rc;

	if (!c->storage.device || !volume_is_mapped(MAPPING))
		return RC_OK;
	/* Of a read-only disk the state's folder is a mount of its own. */
	if (mount_is_at("tmpfs", c->state))
		(void)mount_end(c->state, why);
	if (mount_is_at(DEVICE, c->storage.mount) &&
	    mount_end(c->storage.mount, why)) {
		error_set(error, "storage: %s", why);
		return RC_DENIED;
	}
	rc = volume_unmap(MAPPING, why);
	if (rc)
		error_set(error, "storage: %s", why);
	return rc ? RC_DENIED : RC_OK;
}
