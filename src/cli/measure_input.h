/*
 * measure_input: the files that `postern measure` reads.
 *
 * Each function says what is wrong with its file (cli/complaint.h).
 */
#ifndef POSTERN_CLI_MEASURE_INPUT_H
#define POSTERN_CLI_MEASURE_INPUT_H

#include "base/buf.h"
#include "cli/complaint.h"
#include "crypto/hash.h"

enum {
	MEASURE_ACPI_COUNT = 3, /* loader, RSDP, tables */
};

/* CLI_OK, or CLI_USAGE: it cannot be read, or is larger than 'max'. */
int measure_load(struct buf *out, const struct complainer *say,
		 const char *path, size_t max);

/*
 * A digest of 96 hex digits, or the digest of a file's bytes.  CLI_OK, or
 * CLI_USAGE as above.
 */
int measure_digest(struct sha384 *out, const struct complainer *say,
		   const char *text);

/*
 * The ACPI digests of a boot of the same machine, from its event log: a
 * firmware's, a JSON array of events, or a JSON object with an "event_log".
 * CLI_USAGE also for a log that has not just three of them.
 */
int measure_acpi(struct sha384 out[MEASURE_ACPI_COUNT],
		 const struct complainer *say, const char *path);

/* RTMR3 after the runtime events of a JSON array.  CLI_USAGE also for a log
 * that is not strictly of that form (tee/eventlog.h). */
int measure_events(struct sha384 *out, const struct complainer *say,
		   const char *path);

#endif
