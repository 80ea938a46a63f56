#include "dns/tsig.h"

#include <assert.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"

enum {
	ARCOUNT_AT = 10, /* RFC 1035 §4.1.1 */
	SECRET_MIN = 16,
	BLOCK_MAX = 128,
	TIME_LEN = 6, /* 48 bits */
	/* The variables of RFC 8945 §4.3.3 beside names and other data. */
	VARIABLES_MAX = 2 * DNS_NAME_MAX + 64,
};

/* RFC 8945 §6; RFC 4868: block and output sizes. */
static const struct algorithm {
	const char *name;
	size_t block, n;
} algorithms[TSIG_ALGORITHMS] = {
	[TSIG_SHA256] = { "hmac-sha256", 64, 32 },
	[TSIG_SHA384] = { "hmac-sha384", 128, 48 },
	[TSIG_SHA512] = { "hmac-sha512", 128, 64 },
};

void tsig_key_wipe(struct tsig_key *k)
{
	secret_wipe(k, sizeof(*k));
}

static bool find_algorithm(enum tsig_algorithm *out, struct span name)
{
	int i;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	for (i = 0; i < TSIG_ALGORITHMS; i++)
		if (span_equal_nocase(name, span_str(algorithms[i].name))) {
			*out = (enum tsig_algorithm)i;
			return true;
		}
	return false;
}

enum rc tsig_key_read(struct tsig_key *out, struct span name,
		      struct span algorithm, struct span secret)
{
	AUTO(tsig_key_wipe)
	struct tsig_key k = { 0 };

	if (dns_name_parse(&k.name, name))
		return RC_MALFORMED;
	if (!find_algorithm(&k.algorithm, algorithm))
		return RC_UNSUPPORTED;
	if (secret.n > (TSIG_SECRET_MAX + 2) / 3 * 4)
		return RC_LIMIT;
	if (!text_base64_decode(k.secret, sizeof(k.secret), &k.secret_len,
				secret) ||
	    k.secret_len < SECRET_MIN)
		return RC_MALFORMED;
	*out = k;
	return RC_OK;
}

/* HMAC, RFC 2104, over any of the three. */

static void hash(void *out, enum tsig_algorithm a, const struct span *parts,
		 size_t count)
{
	struct sha384 h384;
	struct sha512 h512;

	switch (a) {
	case TSIG_SHA384:
		sha384_parts(&h384, parts, count);
		memcpy(out, h384.b, sizeof(h384.b));
		return;
	case TSIG_SHA512:
		sha512_parts(&h512, parts, count);
		memcpy(out, h512.b, sizeof(h512.b));
		return;
	case TSIG_SHA256:
	case TSIG_ALGORITHMS:
		break;
	}
	assert(a == TSIG_SHA256);
}

static void hmac_wide(uint8_t *out, const struct tsig_key *key,
		      struct span data)
{
	const struct algorithm *a = &algorithms[key->algorithm];
	uint8_t inner[BLOCK_MAX] = { 0 }, outer[BLOCK_MAX];
	uint8_t digest[TSIG_MAC_MAX];
	size_t i;

	/* TSIG_SECRET_MAX is the block: no secret needs to be hashed first. */
	static_assert(sizeof(key->secret) <= BLOCK_MAX);
	memcpy(inner, key->secret, key->secret_len);
	for (i = 0; i < BLOCK_MAX; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	hash(digest, key->algorithm,
	     (const struct span[]){ span_of(inner, a->block), data }, 2);
	hash(out, key->algorithm,
	     (const struct span[]){ span_of(outer, a->block),
				    span_of(digest, a->n) },
	     2);
	secret_wipe(inner, sizeof(inner));
	secret_wipe(outer, sizeof(outer));
}

static void mac_of(struct tsig_mac *out, const struct tsig_key *key,
		   struct span data)
{
	struct sha256 h;

	out->n = algorithms[key->algorithm].n;
	if (key->algorithm != TSIG_SHA256) {
		hmac_wide(out->b, key, data);
		return;
	}
	hmac_sha256(&h, span_of(key->secret, key->secret_len), data);
	memcpy(out->b, h.b, sizeof(h.b));
}

/* The record, RFC 8945 §4.2. */

struct fields {
	struct dns_name algorithm;
	uint64_t time;
	uint16_t fudge;
	struct span mac;
	uint16_t original_id, error;
	struct span other;
};

static bool rd_fields(struct span rdata, struct fields *out)
{
	struct fields f;
	uint16_t high;
	uint32_t low;

	if (!dns_name_read_plain(&f.algorithm, &rdata) ||
	    !rd_be16(&rdata, &high) || !rd_be32(&rdata, &low) ||
	    !rd_be16(&rdata, &f.fudge) || !rd_vec16(&rdata, &f.mac) ||
	    !rd_be16(&rdata, &f.original_id) || !rd_be16(&rdata, &f.error) ||
	    !rd_vec16(&rdata, &f.other) || !rd_end(&rdata))
		return false;
	f.time = (uint64_t)high << 32 | low;
	*out = f;
	return true;
}

static void wr_time(struct wr *w, uint64_t t)
{
	wr_be16(w, (uint16_t)(t >> 32));
	wr_be32(w, (uint32_t)t);
}

/* The variables that a MAC covers after the message, §4.3.3. */
static void wr_variables(struct wr *w, const struct dns_name *key,
			 const struct fields *f)
{
	dns_write_name(w, key);
	wr_be16(w, DNS_CLASS_ANY);
	wr_be32(w, 0);
	dns_write_name(w, &f->algorithm);
	wr_time(w, f->time);
	wr_be16(w, f->fudge);
	wr_be16(w, f->error);
	wr_vec16(w, f->other);
}

static struct dns_name algorithm_name(enum tsig_algorithm a)
{
	struct dns_name name = { 0 };
	enum rc rc = dns_name_parse(&name, span_str(algorithms[a].name));

	assert(rc == RC_OK);
	(void)rc;
	return name;
}

/* The MAC over what is before the record.  'request' may be NULL. */
static bool compute(struct tsig_mac *out, const struct tsig_key *key,
		    const struct tsig_mac *request, struct span header,
		    struct span body, const struct fields *f)
{
	size_t cap = header.n + body.n + f->other.n + TSIG_MAC_MAX + 2 +
		     VARIABLES_MAX;
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(cap);
	struct wr w = wr_over(p, cap);
	struct span all;

	if (request)
		wr_vec16(&w, span_of(request->b, request->n));
	wr_bytes(&w, header);
	wr_bytes(&w, body);
	wr_variables(&w, &key->name, f);
	if (!wr_done(&w, &all))
		return false;
	mac_of(out, key, all);
	return true;
}

static void wr_record(struct wr *w, const struct tsig_key *key,
		      const struct fields *f)
{
	struct wr_mark rdata;

	dns_write_name(w, &key->name);
	wr_be16(w, DNS_TSIG);
	wr_be16(w, DNS_CLASS_ANY);
	wr_be32(w, 0);
	rdata = wr_open(w, 2);
	dns_write_name(w, &f->algorithm);
	wr_time(w, f->time);
	wr_be16(w, f->fudge);
	wr_vec16(w, f->mac);
	wr_be16(w, f->original_id);
	wr_be16(w, f->error);
	wr_vec16(w, f->other);
	wr_close(w, rdata);
}

void tsig_sign(struct wr *w, struct tsig_mac *mac, const struct tsig_key *key,
	       int64_t now)
{
	struct span message, rest;
	struct fields f = {
		.algorithm = algorithm_name(key->algorithm),
		.time = (uint64_t)now,
		.fudge = TSIG_FUDGE_S,
	};
	struct tsig_mac made = { 0 };
	uint16_t count;

	if (!wr_done(w, &message) || message.n < DNS_HEADER_LEN ||
	    !compute(&made, key, NULL, message, (struct span){ 0 }, &f)) {
		w->over = true;
		return;
	}
	rest = message;
	(void)rd_be16(&rest, &f.original_id);
	f.mac = span_of(made.b, made.n);
	wr_record(w, key, &f);
	rest = span_of(message.p + ARCOUNT_AT, 2);
	if (rd_be16(&rest, &count) && !w->over) {
		struct wr at = wr_over(w->p + ARCOUNT_AT, 2);

		wr_be16(&at, (uint16_t)(count + 1));
	}
	*mac = made;
}

/* Checking. */

const char *tsig_verdict_name(enum tsig_verdict v)
{
	static const char *const names[] = {
		[TSIG_GOOD] = "good",
		[TSIG_ABSENT] = "absent",
		[TSIG_UNSIGNED] = "unsigned",
		[TSIG_WRONG_KEY] = "wrong_key",
		[TSIG_WRONG_MAC] = "wrong_mac",
		[TSIG_WRONG_TIME] = "wrong_time",
		[TSIG_MALFORMED] = "malformed",
	};

	return names[v];
}

/* Where the records of a message end but for its last, and that one. */
struct parts {
	uint8_t header[DNS_HEADER_LEN]; /* as it was when it was signed */
	struct span body; /* between the header and the TSIG record */
	struct dns_record last;
	struct fields fields;
};

static bool skip_record(struct span *at, struct dns_record *r,
			struct span whole)
{
	return dns_name_read(&r->owner, at, whole) && rd_be16(at, &r->type) &&
	       rd_be16(at, &r->class) && rd_be32(at, &r->ttl) &&
	       rd_vec16(at, &r->rdata);
}

/* Everything but the last record; *at is left in front of that. */
static bool skip_to_last(struct span *at, struct span whole, size_t questions,
			 size_t records)
{
	struct dns_record r;
	struct dns_name name;

	while (questions--)
		if (!dns_name_read(&name, at, whole) || !rd_skip(at, 4))
			return false;
	while (records-- > 1)
		if (!skip_record(at, &r, whole))
			return false;
	return true;
}

static enum tsig_verdict take_apart(struct parts *p, struct span message)
{
	struct span at = message, before;
	uint16_t counts[4], id, flags;
	struct wr w = WR_ARRAY(p->header);

	if (!rd_be16(&at, &id) || !rd_be16(&at, &flags) ||
	    !rd_be16(&at, &counts[0]) || !rd_be16(&at, &counts[1]) ||
	    !rd_be16(&at, &counts[2]) || !rd_be16(&at, &counts[3]))
		return TSIG_MALFORMED;
	if (counts[3] == 0)
		return TSIG_ABSENT;
	before = at;
	if (!skip_to_last(&at, message, counts[0],
			  (size_t)counts[1] + counts[2] + counts[3]))
		return TSIG_MALFORMED;
	p->body = span_of(before.p, before.n - at.n);
	if (!skip_record(&at, &p->last, message) || !rd_end(&at))
		return TSIG_MALFORMED;
	if (p->last.type != DNS_TSIG)
		return TSIG_ABSENT;
	if (p->last.class != DNS_CLASS_ANY || p->last.ttl != 0 ||
	    !rd_fields(p->last.rdata, &p->fields))
		return TSIG_MALFORMED;
	wr_be16(&w, p->fields.original_id);
	wr_be16(&w, flags);
	wr_be16(&w, counts[0]);
	wr_be16(&w, counts[1]);
	wr_be16(&w, counts[2]);
	wr_be16(&w, (uint16_t)(counts[3] - 1));
	return TSIG_GOOD;
}

static bool is_near(const struct fields *f, int64_t now)
{
	uint64_t n = now < 0 ? 0 : (uint64_t)now;
	uint64_t apart = n > f->time ? n - f->time : f->time - n;

	return apart <= f->fudge && apart <= TSIG_FUDGE_S;
}

/* RFC 8945 §5.2.3: with BADTIME the other data is the server's clock. */
static int64_t server_time(const struct fields *f)
{
	struct span other = f->other;
	uint16_t high;
	uint32_t low;

	if (f->error != DNS_BADTIME || other.n != TIME_LEN ||
	    !rd_be16(&other, &high) || !rd_be32(&other, &low))
		return 0;
	return (int64_t)((uint64_t)high << 32 | low);
}

/* The checks in the order of RFC 8945 §5.2: key, MAC, time. */
static enum tsig_verdict judge(const struct parts *p,
			       const struct tsig_key *key,
			       const struct tsig_mac *request, int64_t now)
{
	struct dns_name algorithm = algorithm_name(key->algorithm);
	struct tsig_mac want;

	if (!dns_name_equal(&p->last.owner, &key->name) ||
	    !dns_name_equal(&p->fields.algorithm, &algorithm))
		return TSIG_WRONG_KEY;
	if (p->fields.mac.n == 0 && p->fields.error)
		return TSIG_UNSIGNED;
	if (!compute(&want, key, request, SPAN_ARRAY(p->header), p->body,
		     &p->fields))
		return TSIG_MALFORMED;
	if (p->fields.mac.n != want.n ||
	    !ct_equal(p->fields.mac.p, want.b, want.n))
		return TSIG_WRONG_MAC;
	return is_near(&p->fields, now) ? TSIG_GOOD : TSIG_WRONG_TIME;
}

void tsig_verify(struct tsig_report *out, struct span message,
		 const struct tsig_key *key, const struct tsig_mac *request,
		 int64_t now)
{
	struct parts p = { 0 };
	struct tsig_report r = { .verdict = take_apart(&p, message) };

	if (r.verdict == TSIG_GOOD) {
		r.verdict = judge(&p, key, request, now);
		r.error = p.fields.error;
		r.server_time = server_time(&p.fields);
	}
	*out = r;
}
