#include "tee/ccel.h"

enum {
	SHA1_LEN = 20, /* the digest of an event in the old form */
	ALG_SHA384 = 0x000c,
	INDEX_RTMR3 = CCEL_INDEX_RTMR0 + QUOTE_RTMR_COUNT - 1,
	EMPTY_LEN = 12, /* an event of zeros as far as its digest count */
};

/* TCG Algorithm Registry 1.34, table 3: the hashes and their sizes. */
static const struct {
	uint16_t id, digest_len;
} known_algorithms[] = {
	{ 0x0004, 20 }, /* SHA-1 */
	{ 0x000b, 32 }, /* SHA-256 */
	{ ALG_SHA384, 48 },
	{ 0x000d, 64 }, /* SHA-512 */
	{ 0x0012, 32 }, /* SM3-256 */
	{ 0x0027, 32 }, /* SHA3-256 */
	{ 0x0028, 48 }, /* SHA3-384 */
	{ 0x0029, 64 }, /* SHA3-512 */
};

/* False: not a hash, or one whose digests have another length. */
static bool is_algorithm(uint16_t id, uint16_t digest_len)
{
	for (size_t i = 0;
	     i < sizeof(known_algorithms) / sizeof(known_algorithms[0]); i++)
		if (known_algorithms[i].id == id)
			return known_algorithms[i].digest_len == digest_len;
	return false;
}

/* Its place among the header's algorithms, or their count. */
static unsigned algorithm_find(const struct ccel *c, uint16_t id)
{
	unsigned i = 0;

	while (i < c->algorithm_count && c->algorithms[i].id != id)
		i++;
	return i;
}

static bool read_algorithm(struct ccel *c, struct span *in)
{
	uint16_t id, digest_len;

	if (!rd_le16(in, &id) || !rd_le16(in, &digest_len) ||
	    !is_algorithm(id, digest_len) ||
	    algorithm_find(c, id) != c->algorithm_count)
		return false;
	c->algorithms[c->algorithm_count].id = id;
	c->algorithms[c->algorithm_count].digest_len = digest_len;
	c->algorithm_count++;
	return true;
}

/* TCG_EfiSpecIdEventStruct (§10.4.5.1). */
static bool read_spec_id(struct ccel *c, struct span in)
{
	static const char name[16] = "Spec ID Event03";
	struct span signature, vendor;
	uint32_t class, count;
	uint8_t minor, major, errata, uintn;

	if (!rd_n(&in, &signature, sizeof(name)) ||
	    !span_equal(signature, SPAN_ARRAY(name)) ||
	    !rd_le32(&in, &class) || !rd_u8(&in, &minor) ||
	    !rd_u8(&in, &major) || !rd_u8(&in, &errata) ||
	    !rd_u8(&in, &uintn) || !rd_le32(&in, &count))
		return false;
	if (major != 2 || minor != 0 || !count || count > CCEL_ALGORITHMS_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!read_algorithm(c, &in))
			return false;
	return rd_vec8(&in, &vendor) && rd_end(&in) &&
	       algorithm_find(c, ALG_SHA384) != c->algorithm_count;
}

static bool rd_vec32_le(struct span *in, struct span *out)
{
	struct span at = *in;
	uint32_t n;

	if (!rd_le32(&at, &n) || !rd_n(&at, out, n))
		return false;
	*in = at;
	return true;
}

bool ccel_open(struct ccel *out, struct span log)
{
	struct ccel c = { 0 };
	struct span digest, spec_id;
	uint32_t index, type;

	if (log.n > CCEL_MAX || !rd_le32(&log, &index) ||
	    !rd_le32(&log, &type) || type != CCEL_EV_NO_ACTION ||
	    !rd_n(&log, &digest, SHA1_LEN) || !span_is_zero(digest) ||
	    !rd_vec32_le(&log, &spec_id) || !read_spec_id(&c, spec_id))
		return false;
	c.rest = log;
	*out = c;
	return true;
}

/* Index FFFFFFFF, or an event of zeros, ends the log: what follows (and what
 * is too short for an event) must be the filling of the table's memory. */
static bool is_padding(struct span s)
{
	static const uint8_t none[4] = { 0xff, 0xff, 0xff, 0xff };

	if (s.n >= EMPTY_LEN && !span_has_prefix(s, SPAN_ARRAY(none)) &&
	    !span_is_zero(span_of(s.p, EMPTY_LEN)))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0x00 && s.p[i] != 0xff)
			return false;
	return true;
}

/* TPML_DIGEST_VALUES: digests of the header's algorithms, each at most once. */
static bool read_digests(const struct ccel *c, struct ccel_event *e,
			 struct span *in)
{
	bool seen[CCEL_ALGORITHMS_MAX] = { 0 };
	struct span digest;
	uint32_t count;
	uint16_t id;
	unsigned at;

	if (!rd_le32(in, &count) || count > c->algorithm_count)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!rd_le16(in, &id))
			return false;
		at = algorithm_find(c, id);
		if (at == c->algorithm_count || seen[at] ||
		    !rd_n(in, &digest, c->algorithms[at].digest_len))
			return false;
		seen[at] = true;
		if (id == ALG_SHA384)
			e->digest = digest;
	}
	return true;
}

enum ccel_step ccel_next(struct ccel *log, struct ccel_event *out)
{
	struct ccel_event e = { 0 };
	struct span in = log->rest;

	if (is_padding(in))
		return CCEL_END;
	if (!rd_le32(&in, &e.index) || e.index > INDEX_RTMR3 ||
	    !rd_le32(&in, &e.type) || !read_digests(log, &e, &in) ||
	    !rd_vec32_le(&in, &e.data))
		return CCEL_MALFORMED;
	e.is_extended = e.index != CCEL_INDEX_MRTD &&
			e.type != CCEL_EV_NO_ACTION;
	if (e.is_extended && !e.digest.n)
		return CCEL_MALFORMED;
	log->rest = in;
	*out = e;
	return CCEL_EVENT;
}

bool ccel_is_data_measured(const struct ccel_event *e)
{
	struct sha384 d;

	sha384_of(&d, e->data);
	return span_equal(SPAN_ARRAY(d.b), e->digest);
}

static void extend(struct ccel_registers *r, const struct ccel_event *e)
{
	unsigned i = e->index - CCEL_INDEX_RTMR0;
	const struct span parts[] = { SPAN_ARRAY(r->rtmr[i].b), e->digest };

	sha384_parts(&r->rtmr[i], parts, 2);
	r->event_count[i]++;
}

enum tee_reason ccel_replay(struct ccel_registers *out, struct span log)
{
	struct ccel_registers r = { 0 };
	struct ccel_event e;
	enum ccel_step step;
	struct ccel c;

	if (!ccel_open(&c, log))
		return TEE_LOG_MALFORMED;
	while ((step = ccel_next(&c, &e)) == CCEL_EVENT)
		if (e.is_extended)
			extend(&r, &e);
	if (step != CCEL_END)
		return TEE_LOG_MALFORMED;
	*out = r;
	return TEE_OK;
}

enum tee_reason ccel_compare(unsigned *rtmr, const struct quote *quote,
			     const struct ccel_registers *registers)
{
	if (quote->tee != QUOTE_TDX)
		return TEE_LOG_MALFORMED;
	for (unsigned i = 0; i < QUOTE_RTMR_COUNT; i++) {
		if (i == QUOTE_RTMR_COUNT - 1 && !registers->event_count[i])
			continue;
		if (span_equal(SPAN_ARRAY(registers->rtmr[i].b),
			       quote->td.rtmr[i]))
			continue;
		*rtmr = i;
		return TEE_LOG_MISMATCH;
	}
	return TEE_OK;
}
