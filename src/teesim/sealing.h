/*
 * sealing: the key fused into the simulated CPU, from which every trust domain
 * has keys of its own that come back after a restart.
 *
 *   key = HKDF-SHA256(salt "postern/simulated-sealing/v1", the fused key,
 *                     MRTD || RTMR0 || RTMR1 || RTMR2 || MRCONFIGID ||
 *                     attributes, little-endian u64 || label)
 *
 * RTMR3 is not in it: what a TD logs while it runs must not take its files
 * away.  The attributes are, so that a debug TD, whose memory its host can
 * read, is given other keys.
 *
 * No CPU with TDX has this.  There a key service judges quotes and releases
 * keys; here the platform is one machine and can do without.
 *
 * Source: RFC 5869.
 */
#ifndef POSTERN_TEESIM_SEALING_H
#define POSTERN_TEESIM_SEALING_H

#include "base/rc.h"
#include "base/secret.h"
#include "quoting/sim_quote.h"

struct sealing {
	struct key32 fused;
};

/*
 * Reads folder/sealing-key (64 hex digits, newline; mode 0600), made when there
 * is none.  RC_SYS, RC_MALFORMED: error names the file; nothing was written
 * over.
 */
enum rc sealing_open(struct sealing *out, const char *folder, char error[256]);
void sealing_wipe(struct sealing *s);

void sealing_key(struct key32 *out, const struct sealing *s,
		 const struct sim_td *td, struct span label);

#endif
