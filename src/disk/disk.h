/*
 * disk: the data disk of a CVM, which its host owns: made at its first start,
 * opened at later ones, refused with a reason when it is not what was left.
 *
 *   disk_look   reads the front, once, into memory; nothing after it reads
 *               that part of the disk again
 *   disk_begin  of a blank one: draws the seed and writes that it has begun
 *   disk_open   of one begun: makes it.  Of a whole one: whose is it, is the
 *               header authentic, is it the profile of luks.h, is the data
 *               behind it its own, is it as new as the provider's count says;
 *               then it is mapped, and bears the next generation
 *   disk_close  ends the mapping
 *
 * Between the second and the third the caller can measure the instance and get
 * at its keys: whose the disk is stands in disk_record().
 *
 * A crash at any moment, of the machine too: a disk of which making was not
 * finished is made again, one that was whole once never is.  The record is
 * written before the count is raised, so that the count is never ahead of a
 * disk that nobody put back.
 *
 * Does not mount (mount.h).  One process has a disk (flock); blocks.
 *
 * Source: docs/PROTOCOL.disk.md.
 */
#ifndef POSTERN_DISK_DISK_H
#define POSTERN_DISK_DISK_H

#include "base/rc.h"
#include "disk/record.h"

struct disk;

enum {
	DISK_ERROR_MAX = 768,
	DISK_SIZE_MIN = 16 * 1024 * 1024,
};

enum disk_state {
	DISK_BLANK, /* the front is all zeros */
	DISK_BEGUN,
	DISK_WHOLE,
};

/* Who holds the key and remembers the generation. */
struct disk_keeper {
	enum record_provider kind;
	/* that the key is bound to; zero: the provider judges it elsewhere */
	uint8_t measurement[RECORD_MEASUREMENT_LEN];
	/*
	 * The key of this disk, the same each time.  *epoch: which of the
	 * provider's roots; 0 asks for the newest and is replaced by it.
	 */
	enum rc (*key)(void *arg, struct key32 *key, uint32_t *epoch,
		       char error[DISK_ERROR_MAX]);
	/*
	 * The number kept for this disk, which never goes down: raises it to
	 * 'raise_to' if it is less and gives what it is then; 0 only reads.
	 * NULL: nobody counts, and an older copy is not noticed.
	 */
	enum rc (*count)(void *arg, uint64_t *value, uint64_t raise_to,
			 char error[DISK_ERROR_MAX]);
	void *arg;
};

enum disk_rollback {
	DISK_REFUSE, /* an older disk is not opened */
	DISK_READ_ONLY, /* it is, but nothing can be written */
};

/* After each of these something was made to last: where a test ends it. */
enum disk_step {
	DISK_STEP_BEGUN, /* the first record */
	DISK_STEP_HEADER, /* the LUKS2 header */
	DISK_STEP_FILLED, /* every sector has its tag; without integrity too */
	DISK_STEP_FILESYSTEM,
	DISK_STEP_WHOLE, /* the record that makes it whole */
	DISK_STEP_COUNTED,
	DISK_STEP_NEXT, /* of an opening: the next generation's record */
	DISK_STEP_RAISED, /* and the count */
};

struct disk_options {
	const char *name; /* of the mapping: /dev/mapper/<name> */
	const struct disk_keeper *keeper;
	uint8_t app[RECORD_ID_LEN], instance[RECORD_ID_LEN]; /* ours */
	enum record_integrity integrity; /* it is made so, and must be so */
	enum disk_rollback rollback;
	void (*step)(void *arg, enum disk_step step); /* NULL: nobody asks */
	void *arg;
};

/* Returns owned: disk_close().  Otherwise error says what and why. */
enum disk_reason disk_look(struct disk **out, const char *path,
			   char error[DISK_ERROR_MAX]);
enum disk_state disk_state(const struct disk *d);
/* Of one begun or whole; of a whole one nothing in it is known to be true. */
const struct record *disk_record(const struct disk *d);

/* Of a blank one, for this app.  It is begun then. */
enum disk_reason disk_begin(struct disk *d, const uint8_t app[RECORD_ID_LEN],
			    enum record_provider provider,
			    char error[DISK_ERROR_MAX]);

/* As told above; not of a blank one. */
enum disk_reason disk_open(struct disk *d, const struct disk_options *o,
			   char error[DISK_ERROR_MAX]);

/* What disk_open() found; after DISK_OK. */
struct disk_opened {
	const char *device; /* "/dev/mapper/..." */
	bool was_made;
	bool is_rolled_back; /* and read-only therefore */
	uint64_t generation;
	uint64_t count; /* the provider's; 0: nobody counts */
};
struct disk_opened disk_opened(const struct disk *d);

/* Ends the mapping if there is one, and frees.  DISK_BUSY: it is in use and
 * stays. */
enum disk_reason disk_close(struct disk *d, char error[DISK_ERROR_MAX]);
/* Frees, and leaves the mapping. */
void disk_free(struct disk *d);

#endif
