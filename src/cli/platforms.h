/*
 * platforms: `postern platforms sign` and `postern platforms show`.
 */
#ifndef POSTERN_CLI_PLATFORMS_H
#define POSTERN_CLI_PLATFORMS_H

#include "base/arena.h"
#include "cli/commands.h"
#include "tee/platforms.h"

cli_run_fn cli_platforms;

enum {
	PLATFORMS_ERROR_MAX = 512,
};
/*
 * A list as people write it, in YAML: name, use, serial, expires and perhaps
 * issued, and platforms with the members of the signed form.  'now' is when it
 * is issued unless it says.  RC_MALFORMED: error says file, line and key.
 */
enum rc platforms_read_text(struct platform_list *out, struct arena *arena,
			    const char *name, struct span text, int64_t now,
			    char error[PLATFORMS_ERROR_MAX]);

#endif
