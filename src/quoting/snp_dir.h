/*
 * snp_dir: what verifies a SEV-SNP report, kept in a folder, one file an item,
 * as AMD's key distribution service serves it.
 *
 *   vcek.der or vlek.der   .../vcek/v1/LINE/CHIP?blSPL=..., by the report's
 *                          signing key
 *   cert_chain.pem         .../vcek/v1/LINE/cert_chain (or vlek/)
 *   crl.der                .../vcek/v1/LINE/crl (or vlek/); may be absent
 */
#ifndef POSTERN_QUOTING_SNP_DIR_H
#define POSTERN_QUOTING_SNP_DIR_H

#include "base/buf.h"
#include "base/rc.h"
#include "tee/verify.h"

/* The documents in memory.  Zeroed: empty. */
struct snp_files {
	struct buf vek, chain, crl;
};

/* file_read()'s failures: error names the file; *out is empty. */
enum rc snp_files_load(struct snp_files *out, const char *dir,
		       enum snp_signing_key key, char error[256]);
void snp_files_fini(struct snp_files *f);
/* The view tee_verify takes; borrows f. */
struct snp_collateral snp_files_view(const struct snp_files *f);

/*
 * The simulated trust anchor in a PEM file, by tee_anchor_simulated_snp().
 * Otherwise error says what is wrong with which file: file_read()'s failures,
 * RC_MALFORMED, RC_DENIED (a root of AMD's).
 */
enum rc snp_files_simulated_anchor(struct tee_anchor *out, const char *path,
				   char error[256]);

#endif
