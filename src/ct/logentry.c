#include "ct/logentry.h"

#include "crypto/hash.h"

enum {
	LEAF_V1 = 0,
	LEAF_TIMESTAMPED_ENTRY = 0,
};

void logentry_leaf_hash(struct merkle_hash *out, struct span leaf_input)
{
	merkle_leaf(out, hash_merkle_sha256, leaf_input);
}

bool logentry_chain_next(struct span *left, enum logentry_chain form,
			 struct span *out)
{
	if (rd_end(left))
		return false;
	if (form == LOGENTRY_FINGERPRINTS)
		return rd_n(left, out, LOGENTRY_FINGERPRINT_LEN);
	return rd_vec24(left, out);
}

static bool check_chain(struct logentry *e)
{
	struct span left = e->chain, issuer;

	while (logentry_chain_next(&left, e->form, &issuer))
		if (++e->chain_count > LOGENTRY_CHAIN_MAX)
			return false;
	return rd_end(&left);
}

/* TimestampedEntry */
static enum rc rd_timestamped(struct logentry *e, struct span *s)
{
	uint16_t type;

	if (!rd_be64(s, &e->timestamp_ms) || !rd_be16(s, &type))
		return RC_MALFORMED;
	if (type == SCT_ENTRY_X509) {
		e->type = SCT_ENTRY_X509;
		if (!rd_vec24(s, &e->cert) || !e->cert.n)
			return RC_MALFORMED;
	} else if (type == SCT_ENTRY_PRECERT) {
		e->type = SCT_ENTRY_PRECERT;
		if (!rd_copy(s, e->issuer_key_hash,
			     sizeof(e->issuer_key_hash)) ||
		    !rd_vec24(s, &e->tbs) || !e->tbs.n)
			return RC_MALFORMED;
	} else {
		return RC_UNSUPPORTED;
	}
	return rd_vec16(s, &e->extensions) ? RC_OK : RC_MALFORMED;
}

static enum rc read_leaf(struct logentry *e, struct span leaf)
{
	uint8_t version, type;
	enum rc rc;

	if (!rd_u8(&leaf, &version) || !rd_u8(&leaf, &type))
		return RC_MALFORMED;
	if (version != LEAF_V1 || type != LEAF_TIMESTAMPED_ENTRY)
		return RC_UNSUPPORTED;
	rc = rd_timestamped(e, &leaf);
	if (rc)
		return rc;
	return rd_end(&leaf) ? RC_OK : RC_MALFORMED;
}

enum rc logentry_read(struct logentry *out, struct span leaf_input,
		      struct span extra_data)
{
	struct logentry e = { .form = LOGENTRY_CERTIFICATES };
	enum rc rc = read_leaf(&e, leaf_input);

	if (rc)
		return rc;
	if (e.type == SCT_ENTRY_PRECERT &&
	    (!rd_vec24(&extra_data, &e.precert) || !e.precert.n))
		return RC_MALFORMED;
	if (!rd_vec24(&extra_data, &e.chain) || !rd_end(&extra_data) ||
	    !check_chain(&e))
		return RC_MALFORMED;
	*out = e;
	return RC_OK;
}

enum rc logentry_rd_tile(struct logentry *out, struct merkle_hash *leaf_hash,
			 struct span *s)
{
	static const uint8_t head[] = { 0, LEAF_V1, LEAF_TIMESTAMPED_ENTRY };
	struct logentry e = { .form = LOGENTRY_FINGERPRINTS };
	struct span in = *s, parts[2] = { SPAN_ARRAY(head) };
	enum rc rc = rd_timestamped(&e, &in);

	if (rc)
		return rc;
	parts[1] = span_of(s->p, s->n - in.n);
	if (e.type == SCT_ENTRY_PRECERT &&
	    (!rd_vec24(&in, &e.precert) || !e.precert.n))
		return RC_MALFORMED;
	if (!rd_vec16(&in, &e.chain) || !check_chain(&e))
		return RC_MALFORMED;
	hash_merkle_sha256(leaf_hash, parts, 2);
	*out = e;
	*s = in;
	return RC_OK;
}
