/*
 * snp_cert: what AMD's certificates say in their names and extensions.
 *
 * Reads only; the signatures over them are snp_verify's to check.
 *
 * Source: AMD 57230 §3 (VCEK, VLEK): extensions 1.3.6.1.4.1.3704.1.1
 * structVersion, .2 productName, .3.1 to .3.9 the parts of the TCB, .4 hwID,
 * .5 cspID.
 */
#ifndef POSTERN_TEE_SNP_CERT_H
#define POSTERN_TEE_SNP_CERT_H

#include "pki/rsapss.h"
#include "tee/snp.h"

/* The extensions of a VCEK or VLEK certificate. */
struct snp_extensions {
	char product_name[SNP_NAME_MAX + 1];
	struct snp_tcb tcb;
	struct span hw_id; /* VCEK: 64 bytes, or 8 (Turin); VLEK: n == 0 */
	char csp_id[SNP_NAME_MAX + 1]; /* VLEK; VCEK: "" */
};

/*
 * Exactly those of a 'key' certificate of product line 'p'; a part of the TCB
 * that the line does not have is absent or zero.  False: *field says which one
 * is not of its form, *out is untouched.  Borrows c.
 */
bool snp_extensions_read(struct snp_extensions *out, const char **field,
			 const struct rsapss_cert *c, enum snp_product p,
			 enum snp_signing_key key);

/* The line that an ARK's common name says. */
enum snp_product snp_product_of_ark(const struct rsapss_cert *ark);
/* The common name of the issuer of VCEKs (ASK) or VLEKs (ASVK) of a line. */
bool snp_is_intermediate(const struct rsapss_cert *c, enum snp_product p,
			 enum snp_signing_key key);
/* "SEV-VCEK", "SEV-VLEK" */
const char *snp_leaf_name(enum snp_signing_key key);
/* A productName such as "Milan-B0" is of this line. */
bool snp_is_of_line(const char *product_name, enum snp_product p);

#endif
