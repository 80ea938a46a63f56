/*
 * evidence: a folder of recorded quotes and SEV-SNP reports, what belongs to
 * each, in order.
 *
 * Every file is one, as quote_file reads it, in the folder or below it, but for
 * names that begin with a dot and for what is kept beside it:
 *
 *   NAME.at          when it was recorded: one time, 2026-03-01T00:00:00Z
 *   NAME.collateral/ the vendor's documents for it, as in
 *                    quoting/collateral_dir or quoting/snp_dir
 *   collateral/      the same for all of its folder
 */
#ifndef POSTERN_CLI_EVIDENCE_H
#define POSTERN_CLI_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"

enum {
	EVIDENCE_PATH_MAX = 4096,
	EVIDENCE_DEPTH_MAX = 8, /* folders in folders */
	EVIDENCE_FILES_MAX = 1000000,
	EVIDENCE_ERROR_MAX = 512,
};

struct evidence {
	char path[EVIDENCE_PATH_MAX];
	bool has_time; /* NAME.at is there */
	int64_t at;
	char collateral[EVIDENCE_PATH_MAX]; /* "": none beside it */
};

/*
 * One of them; 'error' is NULL, or says why what is beside it cannot be used.
 * False ends the walk.
 */
typedef bool evidence_fn(void *ctx, const struct evidence *e,
			 const char *error);

/*
 * Calls fn for each, in the order of names.  RC_SYS: the folder or one below
 * it cannot be read; RC_LIMIT: too deep, too many, or a path too long; error
 * names it.
 */
enum rc evidence_walk(const char *folder, evidence_fn *fn, void *ctx,
		      char error[EVIDENCE_ERROR_MAX]);

#endif
