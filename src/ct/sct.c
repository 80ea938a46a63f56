#include "ct/sct.h"

#include "crypto/hash.h"
#include "pki/webtbs.h"

enum {
	SCT_V1 = 0,
	/* SignatureType certificate_timestamp and MerkleLeafType
	 * timestamped_entry, which are the same number: what is signed is, byte
	 * for byte, the leaf (RFC 6962 §3.2, §3.4) */
	TIMESTAMPED_ENTRY = 0,
	/* static-ct-api: CtExtensions */
	EXTENSION_LEAF_INDEX = 0,
	LEAF_INDEX_LEN = 5,
	HEAD_MAX = 2 + 8 + 2 + 32 + 3,
	PARTS_MAX = 1 + WEBTBS_PARTS_MAX + 2,
};

enum rc sct_signature_read(struct sct_signature *out, struct span *s)
{
	struct span in = *s, bytes;
	uint8_t hash, algorithm;

	if (!rd_u8(&in, &hash) || !rd_u8(&in, &algorithm) ||
	    !rd_vec16(&in, &bytes))
		return RC_MALFORMED;
	if (hash != SCT_HASH_SHA256 || (algorithm != SCT_SIGNATURE_ECDSA &&
					algorithm != SCT_SIGNATURE_RSA))
		return RC_UNSUPPORTED;
	*out = (struct sct_signature){
		.kind = algorithm == SCT_SIGNATURE_ECDSA ? WEBKEY_EC
							 : WEBKEY_RSA,
		.bytes = bytes,
	};
	*s = in;
	return RC_OK;
}

/* RFC 6962 leaves extensions opaque, so what does not read as static-ct's has
 * no index and is no error: then nothing rests on it but the signature. */
static void read_index(struct sct *s)
{
	struct span left = s->extensions, data, index = { 0 };
	uint64_t v = 0;
	uint8_t type;

	while (!rd_end(&left)) {
		if (!rd_u8(&left, &type) || !rd_vec16(&left, &data))
			return;
		if (type != EXTENSION_LEAF_INDEX)
			continue;
		if (index.n || data.n != LEAF_INDEX_LEN)
			return;
		index = data;
	}
	for (size_t i = 0; i < index.n; i++)
		v = v << 8 | index.p[i];
	s->has_index = index.n;
	s->index = v;
}

static enum rc read_sct(struct sct *out, struct span bytes)
{
	struct sct s = { .whole = bytes };
	uint8_t version;
	enum rc rc;

	if (!rd_u8(&bytes, &version))
		return RC_MALFORMED;
	if (version != SCT_V1)
		return RC_UNSUPPORTED;
	if (!rd_copy(&bytes, s.log_id, sizeof(s.log_id)) ||
	    !rd_be64(&bytes, &s.timestamp_ms) ||
	    !rd_vec16(&bytes, &s.extensions))
		return RC_MALFORMED;
	rc = sct_signature_read(&s.signature, &bytes);
	if (rc)
		return rc;
	if (!rd_end(&bytes))
		return RC_MALFORMED;
	read_index(&s);
	*out = s;
	return RC_OK;
}

enum rc sct_list_parse(struct sct out[SCT_COUNT_MAX], size_t *count,
		       struct span list)
{
	struct sct found[SCT_COUNT_MAX];
	struct span left, one;
	size_t n = 0;

	if (!rd_vec16(&list, &left) || !rd_end(&list) || rd_end(&left))
		return RC_MALFORMED;
	for (; !rd_end(&left); n++) {
		enum rc rc;

		if (n == SCT_COUNT_MAX)
			return RC_LIMIT;
		if (!rd_vec16(&left, &one))
			return RC_MALFORMED;
		rc = read_sct(&found[n], one);
		if (rc)
			return rc;
		for (size_t i = 0; i < n; i++)
			if (span_equal(found[i].whole, one))
				return RC_MALFORMED;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = found[i];
	*count = n;
	return RC_OK;
}

struct sct_entry sct_entry_embedded(const struct web_cert *cert,
				    const struct web_cert *issuer)
{
	struct sct_entry e = { .type = SCT_ENTRY_PRECERT, .cert = cert };

	web_spki_sha256(&e.issuer_key_hash, issuer);
	return e;
}

/* The leaf in pieces; they borrow this. */
struct leaf {
	uint8_t head[HEAD_MAX], tail[2];
	struct webtbs tbs;
	struct span parts[PARTS_MAX];
	size_t count;
};

static void make_leaf(struct leaf *l, const struct sct *s,
		      const struct sct_entry *e)
{
	struct wr head = WR_ARRAY(l->head), tail = WR_ARRAY(l->tail);
	size_t n = e->cert->der.n;

	l->count = 1;
	if (e->type == SCT_ENTRY_PRECERT) {
		webtbs_of(&l->tbs, e->cert);
		n = 0;
		for (size_t i = 0; i < l->tbs.count; i++) {
			l->parts[l->count++] = l->tbs.parts[i];
			n += l->tbs.parts[i].n;
		}
	} else {
		l->parts[l->count++] = e->cert->der;
	}
	wr_u8(&head, SCT_V1);
	wr_u8(&head, TIMESTAMPED_ENTRY);
	wr_be64(&head, s->timestamp_ms);
	wr_be16(&head, (uint16_t)e->type);
	if (e->type == SCT_ENTRY_PRECERT)
		wr_bytes(&head, SPAN_ARRAY(e->issuer_key_hash.b));
	wr_be24(&head, (uint32_t)n);
	l->parts[0] = wr_span(&head);
	wr_be16(&tail, (uint16_t)s->extensions.n);
	l->parts[l->count++] = wr_span(&tail);
	l->parts[l->count++] = s->extensions;
}

bool sct_verify(const struct sct *s, const struct sct_entry *e,
		struct span log_spki)
{
	struct sha256 id;
	struct leaf l;

	sha256_of(&id, log_spki);
	if (!span_equal(SPAN_ARRAY(id.b), SPAN_ARRAY(s->log_id)))
		return false;
	make_leaf(&l, s, e);
	return webkey_verify(log_spki, s->signature.kind, l.parts, l.count,
			     s->signature.bytes);
}

void sct_leaf_hash(struct merkle_hash *out, const struct sct *s,
		   const struct sct_entry *e)
{
	static const uint8_t leaf_prefix = 0; /* RFC 6962 §2.1 */
	struct span parts[PARTS_MAX + 1] = { span_of(&leaf_prefix, 1) };
	struct leaf l;

	make_leaf(&l, s, e);
	for (size_t i = 0; i < l.count; i++)
		parts[i + 1] = l.parts[i];
	hash_merkle_sha256(out, parts, l.count + 1);
}
