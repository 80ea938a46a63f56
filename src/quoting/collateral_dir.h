/*
 * collateral_dir: collateral kept in a folder, one file an item, as served.
 *
 *   root_ca.crl.der   pck.crl.der
 *   tcb_info.json     tcb_info_issuer_chain.pem
 *   qe_identity.json  qe_identity_issuer_chain.pem
 *   pck_crl_issuer_chain.pem   (may be absent)
 *   pck_chain.pem              (may be absent, and is none of the set)
 *
 * in the folder, or in its sub-folder named by the FMSPC (12 hex digits), which
 * is looked at first.
 */
#ifndef POSTERN_QUOTING_COLLATERAL_DIR_H
#define POSTERN_QUOTING_COLLATERAL_DIR_H

#include "base/buf.h"
#include "base/rc.h"
#include "tee/verify.h"

/* The documents in memory.  Zeroed: empty. */
struct collateral_files {
	struct buf root_crl, pck_crl, tcb_info, tcb_info_chain, qe_identity,
		qe_identity_chain, pck_crl_chain;
	/*
	 * The PCK certificate of one platform, its CA and root, for quotes that
	 * do not carry them.  The rest is of a whole family, so this is not
	 * saved with it, and not in the view.
	 */
	struct buf pck_chain;
};

enum {
	COLLATERAL_ITEMS = 7,
	COLLATERAL_NEEDED = 6, /* the first; the others may be absent */
	COLLATERAL_ITEM_MAX = 256 * 1024, /* bytes; real ones: below 16 KiB */
};
/* The files' names, as above. */
extern const char *const collateral_names[COLLATERAL_ITEMS];
#define COLLATERAL_PCK_CHAIN "pck_chain.pem"
/* The documents in the order of their names: to fill, and to read. */
void collateral_items(struct buf *items[COLLATERAL_ITEMS],
		      struct collateral_files *c);
void collateral_spans(struct span items[COLLATERAL_ITEMS],
		      const struct collateral_files *c);

/* Empty, with room for documents to be made. */
void collateral_init(struct collateral_files *c);

enum {
	COLLATERAL_FOLDER_MAX = 13, /* 12 hex digits and a NUL */
};
/*
 * The sub-folder of this FMSPC, as it is called there: in lower case if there
 * is such a one, otherwise the first in any case.  False: there is none, and
 * the name is that in lower case.
 */
bool collateral_folder(char name[COLLATERAL_FOLDER_MAX], const char *dir,
		       const uint8_t fmspc[6]);

/*
 * Loads from dir/<fmspc> or, when fmspc is NULL or that folder does not exist,
 * from dir.  On failure, which is file_read()'s, error names the file; *out is
 * empty.
 */
enum rc collateral_load(struct collateral_files *out, const char *dir,
			const uint8_t fmspc[6], char error[256]);
void collateral_fini(struct collateral_files *c);
/*
 * Replaces the files in dir and in dir/<fmspc>, making the folders.  Each
 * file is whole at any moment; the set is not, which is harmless as long as the
 * same PKI signs.  RC_SYS: errno, and error names the folder.
 */
enum rc collateral_save(struct collateral_files *c, const char *dir,
			const uint8_t fmspc[6], char error[256]);
/* The view tee_verify takes; borrows c. */
struct tee_collateral collateral_view(const struct collateral_files *c);
/*
 * The view for one quote, with pck_chain where it carries no PCK chain itself:
 * beside a chain of the quote's own it could only disagree.
 */
struct tee_collateral collateral_view_for(const struct collateral_files *c,
					  struct span quote);
/* It carries none.  False, too, of what is no quote. */
bool collateral_is_chainless(struct span quote);

/*
 * The FMSPC in a quote's PCK certificate, to choose collateral by.  Nothing is
 * verified.  False: no such certificate inside.
 */
bool collateral_fmspc_of(uint8_t fmspc[6], struct span quote);

/*
 * The simulated trust anchor in a PEM file that a configuration names, by
 * tee_anchor_simulated().  Otherwise error says what is wrong with which file:
 * file_read()'s failures, RC_MALFORMED, RC_DENIED (Intel's own root).
 */
enum rc collateral_simulated_anchor(struct tee_anchor *out, const char *path,
				    char error[256]);

#endif
