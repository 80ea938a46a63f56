#include "seal/form.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"

static const char magic[] = "PSTNSEAL";

enum {
	VERSION = 1,
	MAGIC_LEN = sizeof(magic) - 1,
};

/* The fields before the secret, as they stand in the file. */
struct head {
	struct span all; /* the associated data */
	uint8_t provider;
	struct span measurement, app, instance, purpose;
	uint64_t epoch;
	struct span nonce, sealed; /* the secret with its tag */
};

const char *form_reason_name(enum form_reason r)
{
	static const char *const names[FORM_REASON_COUNT] = {
		[FORM_OK] = "ok",
		[FORM_NOT_SEALED] = "not_sealed",
		[FORM_VERSION] = "version",
		[FORM_MALFORMED] = "malformed",
		[FORM_TRUNCATED] = "truncated",
		[FORM_OTHER_PROVIDER] = "other_provider",
		[FORM_OTHER_MEASUREMENT] = "other_measurement",
		[FORM_OTHER_APP] = "other_app",
		[FORM_OTHER_INSTANCE] = "other_instance",
		[FORM_OTHER_PURPOSE] = "other_purpose",
		[FORM_NOT_AUTHENTIC] = "not_authentic",
	};

	return names[r];
}

bool form_is_purpose(const char *purpose)
{
	size_t n = strspn(purpose, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= FORM_PURPOSE_MAX && purpose[n] == '\0';
}

static void wr_owner(struct wr *w, const struct form_owner *o,
		     const char *purpose)
{
	wr_bytes(w, SPAN_ARRAY(o->measurement));
	wr_bytes(w, SPAN_ARRAY(o->app));
	wr_bytes(w, SPAN_ARRAY(o->instance));
	wr_vec8(w, span_str(purpose));
}

static void derive(struct key32 *key, const struct key32 *root,
		   const struct form_owner *owner, const char *purpose)
{
	uint8_t info[FORM_HEAD_MAX];
	struct wr w = WR_ARRAY(info);

	wr_owner(&w, owner, purpose);
	hkdf_sha256(key->b, sizeof(key->b), span_str("postern/seal/v1"),
		    SPAN_ARRAY(root->b), wr_span(&w));
}

enum rc form_write(struct buf *out, const struct key32 *root,
		   const struct form_owner *owner, const char *purpose,
		   uint64_t epoch, const uint8_t nonce[XAEAD_NONCE_LEN],
		   struct span secret)
{
	AUTO(key32_wipe)
	struct key32 key;
	uint8_t head[FORM_HEAD_MAX];
	struct wr w = WR_ARRAY(head);
	uint8_t *at;
	size_t n;

	assert(form_is_purpose(purpose));
	wr_str(&w, magic);
	wr_u8(&w, VERSION);
	wr_u8(&w, (uint8_t)owner->provider);
	wr_owner(&w, owner, purpose);
	wr_be64(&w, epoch);
	wr_bytes(&w, span_of(nonce, XAEAD_NONCE_LEN));
	wr_be32(&w, (uint32_t)secret.n);
	if (secret.n > FORM_SECRET_MAX ||
	    buf_room(out) < w.n + secret.n + AEAD_TAG_LEN ||
	    !buf_add(out, wr_span(&w)))
		return RC_LIMIT;
	at = buf_space(out, secret.n + AEAD_TAG_LEN, &n);
	derive(&key, root, owner, purpose);
	xaead_seal(at, &key, nonce, wr_span(&w), secret);
	buf_commit(out, secret.n + AEAD_TAG_LEN);
	return RC_OK;
}

static enum form_reason read_start(struct span *s, struct head *h)
{
	struct span start;
	uint8_t version;

	if (s->n < MAGIC_LEN && span_has_prefix(span_str(magic), *s))
		return FORM_TRUNCATED;
	if (!rd_n(s, &start, MAGIC_LEN) || !span_equal_str(start, magic))
		return FORM_NOT_SEALED;
	if (!rd_u8(s, &version))
		return FORM_TRUNCATED;
	if (version != VERSION)
		return FORM_VERSION;
	if (!rd_u8(s, &h->provider))
		return FORM_TRUNCATED;
	if (h->provider != FORM_SIMULATOR && h->provider != FORM_KMS)
		return FORM_VERSION;
	return FORM_OK;
}

static enum form_reason read_head(struct head *h, struct span sealed)
{
	struct span s = sealed;
	enum form_reason reason = read_start(&s, h);
	uint32_t n;

	if (reason)
		return reason;
	if (!rd_n(&s, &h->measurement, FORM_MEASUREMENT_LEN) ||
	    !rd_n(&s, &h->app, FORM_ID_LEN) ||
	    !rd_n(&s, &h->instance, FORM_ID_LEN) ||
	    !rd_vec8(&s, &h->purpose) ||
	    !rd_be64(&s, &h->epoch) ||
	    !rd_n(&s, &h->nonce, XAEAD_NONCE_LEN) ||
	    !rd_be32(&s, &n))
		return FORM_TRUNCATED;
	h->all = span_of(sealed.p, sealed.n - s.n);
	if (n > FORM_SECRET_MAX || h->purpose.n == 0 ||
	    h->purpose.n > FORM_PURPOSE_MAX)
		return FORM_MALFORMED;
	if (!rd_n(&s, &h->sealed, n + AEAD_TAG_LEN))
		return FORM_TRUNCATED;
	return rd_end(&s) ? FORM_OK : FORM_MALFORMED;
}

static enum form_reason compare(const struct head *h,
				const struct form_owner *o,
				const char *purpose)
{
	if (h->provider != o->provider)
		return FORM_OTHER_PROVIDER;
	if (!span_equal(h->measurement, SPAN_ARRAY(o->measurement)))
		return FORM_OTHER_MEASUREMENT;
	if (!span_equal(h->app, SPAN_ARRAY(o->app)))
		return FORM_OTHER_APP;
	if (!span_equal(h->instance, SPAN_ARRAY(o->instance)))
		return FORM_OTHER_INSTANCE;
	if (!span_equal_str(h->purpose, purpose))
		return FORM_OTHER_PURPOSE;
	return FORM_OK;
}

enum form_reason form_read(struct buf *out, uint64_t *epoch,
			   const struct key32 *root,
			   const struct form_owner *owner, const char *purpose,
			   struct span sealed)
{
	AUTO(key32_wipe)
	struct key32 key;
	AUTO(buf_wipe)
	struct buf plain = { 0 };
	struct head h = { 0 };
	enum form_reason reason = read_head(&h, sealed);
	uint8_t *at;
	size_t n;

	if (!reason)
		reason = compare(&h, owner, purpose);
	if (reason)
		return reason;
	derive(&key, root, owner, purpose);
	buf_init(&plain, h.sealed.n);
	at = buf_space(&plain, h.sealed.n, &n);
	if (!xaead_open(at, &key, h.nonce.p, h.all, h.sealed))
		return FORM_NOT_AUTHENTIC;
	buf_commit(&plain, h.sealed.n - AEAD_TAG_LEN);
	if (!buf_add(out, buf_span(&plain)))
		return FORM_MALFORMED; /* our own reader has the room */
	*epoch = h.epoch;
	return FORM_OK;
}
