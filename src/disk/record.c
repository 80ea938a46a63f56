#include "disk/record.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static const char magic[] = "PSTNDISK";

enum {
	VERSION = 1,
	MAGIC_LEN = sizeof(magic) - 1,
	SIGNED_LEN = MAGIC_LEN + 4 + 4 + 8 + RECORD_SEED_LEN +
		     2 * RECORD_ID_LEN + RECORD_MEASUREMENT_LEN + 8 + 4 + 8 +
		     32,
	MAC_LEN = 32,
	INFO_MAX = 128,
};

const char *disk_reason_name(enum disk_reason r)
{
	static const char *const names[DISK_REASON_COUNT] = {
#define X(constant, name) [constant] = (name),
		DISK_REASONS(X)
#undef X
	};

	return names[r];
}

/* ---- keys ---- */

static void derive(void *out, size_t n, const char *use,
		   const struct key32 *root, const struct record_owner *o)
{
	uint8_t info[INFO_MAX];
	struct wr w = WR_ARRAY(info);

	wr_vec8(&w, span_str(use));
	wr_u8(&w, (uint8_t)o->provider);
	wr_be32(&w, o->key_epoch);
	wr_bytes(&w, SPAN_ARRAY(o->app));
	wr_bytes(&w, SPAN_ARRAY(o->instance));
	wr_bytes(&w, SPAN_ARRAY(o->measurement));
	hkdf_sha256(out, n, span_str("postern/disk/v1"), SPAN_ARRAY(root->b),
		    wr_span(&w));
}

void record_keys_derive(struct record_keys *out, const struct key32 *root,
			const struct record_owner *owner)
{
	derive(out->mac.b, sizeof(out->mac.b), "mac", root, owner);
	derive(out->luks.b, sizeof(out->luks.b), "luks", root, owner);
	derive(out->fs, sizeof(out->fs), "fs", root, owner);
}

void record_keys_wipe(struct record_keys *k)
{
	secret_wipe(k, sizeof(*k));
}

void record_instance(uint8_t out[RECORD_ID_LEN],
		     const uint8_t seed[RECORD_SEED_LEN],
		     const uint8_t app[RECORD_ID_LEN])
{
	const struct span parts[2] = { span_of(seed, RECORD_SEED_LEN),
				       span_of(app, RECORD_ID_LEN) };
	struct sha256 h;

	sha256_parts(&h, parts, 2);
	memcpy(out, h.b, RECORD_ID_LEN);
}

/* ---- one slot ---- */

static void mac_of(struct sha256 *out, struct span slot,
		   const struct record_keys *keys)
{
	hmac_sha256(out, SPAN_ARRAY(keys->mac.b), span_of(slot.p, SIGNED_LEN));
}

void record_write(uint8_t slot[RECORD_LEN], const struct record *r,
		  const struct record_keys *keys)
{
	struct wr w = wr_over(slot, RECORD_LEN);
	struct sha256 mac = { 0 };

	assert(r->state == RECORD_BEGUN || keys);
	wr_str(&w, magic);
	wr_u8(&w, VERSION);
	wr_u8(&w, (uint8_t)r->owner.provider);
	wr_u8(&w, (uint8_t)r->state);
	wr_u8(&w, (uint8_t)r->integrity);
	wr_be32(&w, r->owner.key_epoch);
	wr_be64(&w, r->generation);
	wr_bytes(&w, SPAN_ARRAY(r->seed));
	wr_bytes(&w, SPAN_ARRAY(r->owner.app));
	wr_bytes(&w, SPAN_ARRAY(r->owner.instance));
	wr_bytes(&w, SPAN_ARRAY(r->owner.measurement));
	wr_be64(&w, RECORD_HEADER_AT);
	wr_be32(&w, RECORD_HEADER_LEN);
	wr_be64(&w, RECORD_DATA_AT);
	wr_bytes(&w, SPAN_ARRAY(r->header_hash.b));
	assert(w.n == SIGNED_LEN);
	if (r->state == RECORD_WHOLE)
		mac_of(&mac, wr_span(&w), keys);
	wr_bytes(&w, SPAN_ARRAY(mac.b));
	wr_zero(&w, RECORD_LEN - w.n);
}

static bool rd_zeros(struct span *s, size_t n)
{
	struct span zeros;

	return rd_n(s, &zeros, n) && span_is_zero(zeros);
}

/* Version and the three numbers behind it. */
static enum disk_reason read_kinds(struct record *r, struct span *s)
{
	uint8_t version, provider, state, integrity;

	if (!rd_u8(s, &version) || version != VERSION || !rd_u8(s, &provider) ||
	    (provider != RECORD_SIMULATOR && provider != RECORD_KMS))
		return DISK_VERSION;
	if (!rd_u8(s, &state) || !rd_u8(s, &integrity) ||
	    (state != RECORD_BEGUN && state != RECORD_WHOLE) ||
	    (integrity != RECORD_PLAIN && integrity != RECORD_HMAC))
		return DISK_MALFORMED;
	r->owner.provider = (enum record_provider)provider;
	r->state = (enum record_state)state;
	r->integrity = (enum record_integrity)integrity;
	return DISK_OK;
}

static bool read_owner(struct record *r, struct span *s)
{
	return rd_be32(s, &r->owner.key_epoch) &&
	       rd_be64(s, &r->generation) &&
	       rd_copy(s, r->seed, sizeof(r->seed)) &&
	       rd_copy(s, r->owner.app, sizeof(r->owner.app)) &&
	       rd_copy(s, r->owner.instance, sizeof(r->owner.instance)) &&
	       rd_copy(s, r->owner.measurement, sizeof(r->owner.measurement));
}

/* There is one layout; that it stands in the record is for those who read a
 * disk without knowing this version. */
static bool read_layout(struct span *s)
{
	uint64_t header_at, data_at;
	uint32_t header_len;

	return rd_be64(s, &header_at) && header_at == RECORD_HEADER_AT &&
	       rd_be32(s, &header_len) && header_len == RECORD_HEADER_LEN &&
	       rd_be64(s, &data_at) && data_at == RECORD_DATA_AT;
}

/* What only a whole record has. */
static bool read_end(struct record *r, struct span *s)
{
	bool is_begun = r->state == RECORD_BEGUN;

	if (is_begun != (r->generation == 0))
		return false;
	if (is_begun)
		return rd_zeros(s, sizeof(r->header_hash.b) + MAC_LEN) &&
		       rd_zeros(s, s->n);
	return rd_copy(s, r->header_hash.b, sizeof(r->header_hash.b)) &&
	       rd_skip(s, MAC_LEN) && rd_zeros(s, s->n);
}

enum disk_reason record_read(struct record *out, struct span slot)
{
	struct record r = { 0 };
	struct span s = slot, start;
	enum disk_reason reason;

	if (slot.n < RECORD_LEN)
		return DISK_TRUNCATED;
	if (slot.n > RECORD_LEN || !rd_n(&s, &start, MAGIC_LEN) ||
	    !span_equal_str(start, magic))
		return DISK_NOT_OURS;
	reason = read_kinds(&r, &s);
	if (reason)
		return reason;
	if (!read_owner(&r, &s) || !read_layout(&s) || !read_end(&r, &s))
		return DISK_MALFORMED;
	*out = r;
	return DISK_OK;
}

bool record_is_authentic(struct span slot, const struct record_keys *keys,
			 struct span header)
{
	struct sha256 mac, hash;
	struct record r;

	if (record_read(&r, slot) || r.state != RECORD_WHOLE ||
	    header.n != RECORD_HEADER_LEN)
		return false;
	mac_of(&mac, slot, keys);
	sha256_of(&hash, header);
	return ct_equal(mac.b, slot.p + SIGNED_LEN, MAC_LEN) &&
	       ct_equal(hash.b, r.header_hash.b, sizeof(hash.b));
}

/* ---- both ---- */

static bool is_same_disk(const struct record *a, const struct record *b)
{
	return span_equal(SPAN_ARRAY(a->seed), SPAN_ARRAY(b->seed)) &&
	       a->owner.key_epoch == b->owner.key_epoch &&
	       record_compare(a, &b->owner) == DISK_OK;
}

enum disk_reason record_choose(struct record_found out[RECORD_SLOTS],
			       size_t *count, struct span slots)
{
	enum disk_reason reason[RECORD_SLOTS];
	struct record_found swap;
	struct span slot;
	size_t n = 0;

	*count = 0;
	if (slots.n != (size_t)RECORD_SLOTS * RECORD_LEN)
		return DISK_TRUNCATED;
	if (span_is_zero(slots))
		return DISK_OK;
	for (unsigned i = 0; i < RECORD_SLOTS; i++) {
		slot = span_of(slots.p + (size_t)i * RECORD_LEN, RECORD_LEN);
		reason[i] = record_read(&out[n].record, slot);
		if (reason[i] == DISK_OK)
			out[n++].slot = i;
		else if (span_is_zero(slot))
			reason[i] = DISK_OK; /* says nothing */
	}
	if (n == 0)
		return reason[0] ? reason[0] : reason[1];
	if (n == 2 && out[1].record.generation > out[0].record.generation) {
		swap = out[0];
		out[0] = out[1];
		out[1] = swap;
	}
	*count = n == 2 && !is_same_disk(&out[0].record, &out[1].record) ? 1
									 : n;
	return DISK_OK;
}

enum disk_reason record_compare(const struct record *r,
				const struct record_owner *ours)
{
	const struct record_owner *o = &r->owner;
	uint8_t instance[RECORD_ID_LEN];

	record_instance(instance, r->seed, o->app);
	if (o->provider != ours->provider)
		return DISK_OTHER_PROVIDER;
	if (!span_equal(SPAN_ARRAY(o->app), SPAN_ARRAY(ours->app)))
		return DISK_OTHER_APP;
	if (!span_equal(SPAN_ARRAY(o->measurement),
			SPAN_ARRAY(ours->measurement)))
		return DISK_OTHER_MEASUREMENT;
	if (!span_equal(SPAN_ARRAY(o->instance), SPAN_ARRAY(ours->instance)) ||
	    !span_equal(SPAN_ARRAY(o->instance), SPAN_ARRAY(instance)))
		return DISK_OTHER_INSTANCE;
	return DISK_OK;
}
