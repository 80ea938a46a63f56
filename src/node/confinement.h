/*
 * confinement: what registrar, certificate and key service give up once they
 * hold what they need: capabilities, every file that their configuration does
 * not name, and system calls that no daemon of ours has a use for.
 *
 * Source: docs/DESIGN.md.
 */
#ifndef POSTERN_NODE_CONFINEMENT_H
#define POSTERN_NODE_CONFINEMENT_H

#include "base/arena.h"
#include "io/log.h"
#include "io/sandbox.h"
#include "io/sock.h"
#include "node/error.h"
#include "node/settings.h"

enum {
	CONFINEMENT_PATHS_MAX = 128,
};

/* The paths that stay open to the process, NULL-ended. */
struct confinement {
	struct sandbox_path of[CONFINEMENT_PATHS_MAX + 1];
	size_t count;
	bool is_full; /* one more did not fit */
	struct arena arena;
};

enum confinement_access {
	CONFINEMENT_READ,
	CONFINEMENT_WRITE,
};

void confinement_init(struct confinement *c);
void confinement_fini(struct confinement *c);

/* A folder and all beneath it, or one file.  Nothing where 'path' is NULL or
 * "", or is not there now.  Borrows 'path'. */
void confinement_path(struct confinement *c, const char *path,
		      enum confinement_access wanted);
/* The folder of a file, since files are replaced by others with their name. */
void confinement_folder(struct confinement *c, const char *file,
			enum confinement_access wanted);
/* The folder of a unix socket that is listened at. */
void confinement_listen(struct confinement *c, const struct sock_addr *at);
/* What resolving a name and checking its certificate read. */
void confinement_fetching(struct confinement *c);
/* What quotes of real TDX need. */
void confinement_quotes(struct confinement *c);
/* What judging quotes needs, and fetching collateral where that is set. */
void confinement_trust(struct confinement *c, const struct trust_settings *t);

/*
 * Keeps the capabilities in 'keep' (1 << CAP_...) and these paths; a kernel
 * without Landlock is warned of.  Before the first thread, which would keep
 * what it was born with.  RC_SYS, RC_LIMIT: error says which step and why.
 */
enum rc confinement_begin(const struct confinement *c, uint64_t keep,
			  const struct log *log, char error[NODE_ERROR_MAX]);
/* Last, when everything is open: system calls.  Not in sanitizer builds. */
enum rc confinement_calls(char error[NODE_ERROR_MAX]);

#endif
