/*
 * sct: signed certificate timestamps: a log's promise to hold a certificate,
 * read strictly and checked.
 *
 * Signatures are over the log entry, which is made here from a certificate and
 * the key of its issuer; a log whose key is not given says nothing.  Whether
 * the promises together suffice is ct/sctpolicy.h's.
 *
 * Pure; no allocation but libcrypto's for a signature.
 *
 * Source: RFC 6962 §3.2, §3.3, §3.4; C2SP static-ct-api (SCT extension).
 */
#ifndef POSTERN_CT_SCT_H
#define POSTERN_CT_SCT_H

#include "base/merkle.h"
#include "base/rc.h"
#include "base/wr.h"
#include "crypto/sha256.h"
#include "pki/web.h"
#include "pki/webkey.h"

enum {
	SCT_LOG_ID_LEN = 32,
	SCT_COUNT_MAX = 16, /* of one certificate that we look at */
	/* HashAlgorithm, SignatureAlgorithm: RFC 5246 §7.4.1.4.1 */
	SCT_HASH_SHA256 = 4,
	SCT_SIGNATURE_RSA = 1,
	SCT_SIGNATURE_ECDSA = 3,
};

/* A DigitallySigned of RFC 5246, as logs use it: always SHA-256. */
struct sct_signature {
	enum webkey_kind kind; /* WEBKEY_EC or WEBKEY_RSA */
	struct span bytes;
};
/* RC_UNSUPPORTED: other algorithms than RFC 6962 §2.1.4 has. */
enum rc sct_signature_read(struct sct_signature *out, struct span *s);

/* Spans borrow the bytes given to sct_list_parse(). */
struct sct {
	struct span whole; /* the serialised SCT */
	uint8_t log_id[SCT_LOG_ID_LEN]; /* SHA-256 of the log's SPKI */
	uint64_t timestamp_ms; /* since 1970 */
	struct span extensions;
	struct sct_signature signature;
	bool has_index; /* static-ct logs say where the entry is */
	uint64_t index; /* below 2^40 */
};

/*
 * Reads a SignedCertificateTimestampList (the content of the certificate's
 * extension) of 1..SCT_COUNT_MAX timestamps.
 *
 * RC_OK           out[0..*count) are filled
 * RC_MALFORMED    lengths do not tile, the list is empty, one comes twice
 * RC_UNSUPPORTED  a version other than 1, or other algorithms than RFC 6962's
 * RC_LIMIT        more than SCT_COUNT_MAX
 *
 * On failure nothing is touched.
 */
enum rc sct_list_parse(struct sct out[SCT_COUNT_MAX], size_t *count,
		       struct span list);

/* What a timestamp is over. */
enum sct_entry_type {
	SCT_ENTRY_X509 = 0, /* the certificate as it is */
	SCT_ENTRY_PRECERT = 1, /* its part shared with the precertificate */
};
struct sct_entry {
	enum sct_entry_type type;
	const struct web_cert *cert;
	struct sha256 issuer_key_hash; /* PRECERT: of the final issuer's SPKI */
};
/* The entry that SCTs inside of a certificate are over. */
struct sct_entry sct_entry_embedded(const struct web_cert *cert,
				    const struct web_cert *issuer);

/* The log with this key signed this timestamp over this entry. */
[[nodiscard]] bool sct_verify(const struct sct *s, const struct sct_entry *e,
			      struct span log_spki);

/* The leaf that the promise is about, as the log's tree has it. */
void sct_leaf_hash(struct merkle_hash *out, const struct sct *s,
		   const struct sct_entry *e);

#endif
