/*
 * document: the envelope of a release policy: the object and, beside it, the
 * signatures over its bytes.
 *
 *   {"policy":{...},
 *    "signatures":[{"key":"<128 hex>","signature":"<128 hex>"}]}
 *
 * Says neither whether the signatures hold (keys/authority.h) nor what the
 * object means (keys/policy_read.h).
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §2.
 */
#ifndef POSTERN_KEYS_DOCUMENT_H
#define POSTERN_KEYS_DOCUMENT_H

#include "base/wr.h"
#include "keys/authority.h"

/*
 * The object of a document and the signatures beside it, checked for nothing
 * but their grammar.  A text that is the object alone has none.  False: it is
 * neither.
 */
bool keys_document_split(struct span *object,
			 struct keys_signature signatures[KEYS_ADMINS_MAX],
			 size_t *count, struct span text);
/* The document of an object and signatures. */
void keys_document_join(struct wr *w, struct span object,
			const struct keys_signature *signatures, size_t count);

#endif
