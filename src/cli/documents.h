/*
 * documents: what a verification of one piece of evidence stands on, a quote or
 * a SEV-SNP report, from wherever --collateral and --root say.
 *
 * Intel's documents come from a folder, a bundle or a server, as
 * collateral_open.h has it; AMD's, which are of one chip, from a folder.
 */
#ifndef POSTERN_CLI_DOCUMENTS_H
#define POSTERN_CLI_DOCUMENTS_H

#include "cli/collateral_open.h"
#include "quoting/snp_dir.h"

/* Those of one kind; the other's are empty.  Zeroed: none. */
struct documents {
	struct collateral_files quotes;
	struct snp_files snp;
};

/*
 * Loads what there is for want->quote, which may be a report.  True: *view
 * borrows d; error is "" or a warning, as collateral_open() has it.  False:
 * *view is empty, and error says why.  documents_fini() is due in any case.
 * What has not the form of evidence needs no documents: true.
 */
bool documents_open(struct documents *d, struct tee_collateral *view,
		    const struct collateral_want *want,
		    char error[COLLATERAL_ERROR_MAX]);
void documents_fini(struct documents *d);

enum {
	DOCUMENTS_ANCHORS_MAX = 1 + TEE_ANCHOR_AMD_COUNT,
};
/* Every vendor's root; returns how many. */
size_t documents_anchors(struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX]);
/* The simulated root in a file, of the form of Intel's or AMD's.  False: error
 * says why not. */
bool documents_root(struct tee_anchor *out, const char *path, char error[256]);

#endif
