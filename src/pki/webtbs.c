#include "pki/webtbs.h"

#include "pki/der.h"

/* How many bytes der_head() writes for a content of n. */
static size_t head_len(size_t n)
{
	return n < 0x80 ? 2 : n < 0x100 ? 3
		      : n < 0x10000	? 4
					: 5;
}

/* Tag and length, X.690 §10.1; n is below 16 MiB. */
static void der_head(struct wr *w, enum der_tag tag, size_t n)
{
	wr_u8(w, (uint8_t)tag);
	if (n < 0x80) {
		wr_u8(w, (uint8_t)n);
	} else if (n < 0x100) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)n);
	} else if (n < 0x10000) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
	} else {
		wr_u8(w, 0x83);
		wr_be24(w, (uint32_t)n);
	}
}

static bool is_left_out(struct span oid)
{
	return span_equal(oid, web_oid_scts()) ||
	       span_equal(oid, web_oid_poison());
}

/*
 * The extensions but the two, as runs of bytes; how many bytes those are.
 * web_parse() has read the list and found none twice, so that there are at
 * most three runs.
 */
static size_t keep_extensions(struct span runs[3], size_t *count,
			      struct span list)
{
	struct span run = span_of(list.p, 0), oid, value;
	size_t total = 0;
	bool is_critical;

	*count = 0;
	while (!rd_end(&list)) {
		const uint8_t *begin = list.p;

		if (!der_extension(&list, &oid, &is_critical, &value))
			break;
		if (!is_left_out(oid)) {
			run.n += (size_t)(list.p - begin);
			continue;
		}
		if (run.n)
			runs[(*count)++] = run;
		total += run.n;
		run = span_of(list.p, 0);
	}
	if (run.n)
		runs[(*count)++] = run;
	return total + run.n;
}

void webtbs_of(struct webtbs *out, const struct web_cert *c)
{
	struct wr w = WR_ARRAY(out->heads);
	struct span in = c->tbs, content = { 0 }, fields, runs[3];
	size_t run_count, kept, inner = 0, outer = 0;

	out->count = 0;
	kept = keep_extensions(runs, &run_count, c->extensions);
	/* web_parse() has read it: this cannot fail. */
	(void)der_take(&in, DER_SEQUENCE, &content);
	fields = content;
	if (c->extensions.n) {
		size_t wrapped = head_len(c->extensions.n) + c->extensions.n;

		fields.n -= head_len(wrapped) + wrapped;
		/* Extensions ::= SEQUENCE SIZE (1..MAX): with none left the
		 * field goes. */
		inner = kept ? head_len(kept) + kept : 0;
		outer = inner ? head_len(inner) + inner : 0;
	}
	der_head(&w, DER_SEQUENCE, fields.n + outer);
	out->parts[out->count++] = span_of(out->heads, w.n);
	out->parts[out->count++] = fields;
	if (outer) {
		size_t at = w.n;

		der_head(&w, DER_EXPLICIT_3, inner);
		der_head(&w, DER_SEQUENCE, kept);
		out->parts[out->count++] =
			span_of(out->heads + at, w.n - at);
		for (size_t i = 0; i < run_count; i++)
			out->parts[out->count++] = runs[i];
	}
}

void webtbs_write(struct wr *w, const struct web_cert *c)
{
	struct webtbs t;

	webtbs_of(&t, c);
	for (size_t i = 0; i < t.count; i++)
		wr_bytes(w, t.parts[i]);
}

void webtbs_sha256(struct sha256 *out, const struct web_cert *c)
{
	struct webtbs t;

	webtbs_of(&t, c);
	sha256_parts(out, t.parts, t.count);
}
