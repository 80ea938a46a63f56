/*
 * hostfiles: what the host handed over, read, judged and written where the
 * agent looks for it, in memory (/run/postern).
 */
#ifndef POSTERN_GUESTINIT_HOSTFILES_H
#define POSTERN_GUESTINIT_HOSTFILES_H

#include "guestinit/hostconf.h"
#include "guestinit/kernel.h"
#include "manifest/launch.h"

/* Zeroed: nothing was read. */
struct hostfiles {
	struct hostconf conf;
	struct manifest_launch launch;
	bool has_disk; /* a data disk is there */
};

/*
 * Reads manifest, config, environment and collateral from fw_cfg, and writes
 * the agent's files.  Nothing is written before everything was understood.
 *
 * RC_OK   *out is filled: hostfiles_fini()
 * other   error says which file, and what is wrong with it
 */
enum rc hostfiles_take(struct hostfiles *out, bool is_simulated, char *error);
void hostfiles_fini(struct hostfiles *f);

/*
 * Whether what the host gives is what the measured manifest asks for: a policy,
 * a disk where it has "storage", and the word whose key service it is where the
 * host names addresses of one, which may not be the host's.  Pure.
 */
enum rc hostfiles_agree(const struct hostfiles *f, const struct manifest *m,
			char *error);

#endif
