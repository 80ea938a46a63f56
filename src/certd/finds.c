#include "certd/finds.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ct/sct.h"

enum {
	FORMAT = 3,
	FORMAT_OLD = 2, /* knew of no revocation */
	FLAG_MALFORMED = 1,
	FLAG_FINAL = 2,
	FLAG_REVOKED = 4, /* its time and reason follow */
};

static void free_der(struct find *f)
{
	free((void *)(uintptr_t)f->der.p);
	f->der = span_of(NULL, 0);
}

void finds_fini(struct finds *f)
{
	for (size_t i = 0; i < f->count; i++)
		free_der(&f->of[i]);
	free(f->of);
	*f = (struct finds){ 0 };
}

static struct find *look_up(struct finds *f, const struct sha256 *tbs)
{
	for (size_t i = 0; i < f->count; i++)
		if (span_equal(SPAN_ARRAY(f->of[i].tbs.b), SPAN_ARRAY(tbs->b)))
			return &f->of[i];
	return NULL;
}

static void copy_printable(char *out, size_t cap, struct span from)
{
	size_t n = 0;

	for (; n < from.n && n + 1 < cap; n++)
		out[n] = from.p[n] < ' ' || from.p[n] > '~' ? '?'
							    : (char)from.p[n];
	out[n] = '\0';
}

static size_t count_malformed(const struct finds *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->of[i].is_malformed;
	return n;
}

static struct find *add_new(struct finds *f, const struct watchset_hit *hit,
			    const struct sha256 *tbs)
{
	bool is_malformed = hit->class == WATCHSET_MALFORMED;
	struct find *at;

	if (f->count == FINDS_MAX ||
	    (is_malformed && count_malformed(f) == FINDS_MALFORMED_MAX)) {
		f->lost++;
		return NULL;
	}
	f->of = mem_grow(f->of, f->count + 1, sizeof(*f->of));
	at = &f->of[f->count++];
	*at = (struct find){ .tbs = *tbs };
	at->is_malformed = is_malformed;
	if (is_malformed)
		return at;
	at->spki = hit->spki;
	at->not_before = hit->cert.not_before;
	at->not_after = hit->cert.not_after;
	copy_printable(at->name, sizeof(at->name), hit->matched);
	copy_printable(at->issuer, sizeof(at->issuer),
		       hit->cert.issuer_organization);
	return at;
}

/* The certificate itself says more than its precertificate. */
static void keep_der(struct finds *f, struct find *at, struct span der,
		     bool is_final)
{
	size_t without = f->der_bytes - at->der.n;

	if (der.n == 0 || (at->der.n && (at->has_final || !is_final)) ||
	    without + der.n > FINDS_DER_BYTES_MAX)
		return;
	free_der(at);
	at->der = span_of(mem_dup_n(der.p, der.n), der.n);
	f->der_bytes = without + der.n;
	f->has_changed = true;
}

/* Before the source is noted.  True: it is news. */
static bool keep_time(struct find *at, unsigned source, uint64_t logged_at_ms)
{
	bool has_log = at->logged_at_ms && at->sources & 1U << FINDS_FROM_LOG;
	bool is_log = source == FINDS_FROM_LOG;

	if (!logged_at_ms || (has_log && !is_log))
		return false;
	if (at->logged_at_ms && has_log == is_log &&
	    logged_at_ms >= at->logged_at_ms)
		return false;
	at->logged_at_ms = logged_at_ms;
	return true;
}

void finds_add(struct finds *f, const struct watchset_hit *hit,
	       struct span bytes, struct span der, unsigned source,
	       uint64_t logged_at_ms)
{
	bool is_malformed = hit->class == WATCHSET_MALFORMED;
	bool is_final = !is_malformed && !hit->is_precert;
	struct sha256 tbs = hit->tbs;
	struct find *at;

	if (is_malformed && !hit->mentions_us)
		return;
	if (is_malformed)
		sha256_of(&tbs, bytes);
	at = look_up(f, &tbs);
	if (!at) {
		at = add_new(f, hit, &tbs);
		f->has_changed = true;
	}
	if (!at)
		return;
	keep_der(f, at, is_malformed ? span_of(NULL, 0) : der, is_final);
	if (keep_time(at, source, logged_at_ms) ||
	    !(at->sources & 1U << source) || (is_final && !at->has_final))
		f->has_changed = true;
	at->sources |= 1U << source;
	at->has_final = at->has_final || is_final;
}

bool finds_heed(struct finds *f, struct find *at, const struct revocation *r,
		int64_t now)
{
	bool is_revoked = revocation_is_final(r);

	at->revocation = revocation_text(r);
	at->revocation_asked_at = now;
	if (is_revoked == at->is_revoked ||
	    (!is_revoked && !revocation_is_denied(r)))
		return false;
	at->is_revoked = is_revoked;
	at->revoked = is_revoked ? r->entry : (struct webcrl_entry){ 0 };
	f->has_changed = true;
	return true;
}

void finds_lose(struct finds *f)
{
	f->is_lost = true;
	f->has_changed = true;
}

static bool is_long_expired(const struct find *f, int64_t now)
{
	return !f->is_malformed && f->not_after < now - FINDS_EXPIRED_S;
}

void finds_drop_expired(struct finds *f, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		if (is_long_expired(&f->of[i], now)) {
			f->der_bytes -= f->of[i].der.n;
			free_der(&f->of[i]);
			f->has_changed = true;
			continue;
		}
		f->of[kept++] = f->of[i];
	}
	f->count = kept;
}

/* When the last log promised it, by the promises inside; 0: there are none.
 * They are not verified: a false one can only make it later. */
static int64_t promised_at(const struct find *f)
{
	struct sct scts[SCT_COUNT_MAX];
	struct web_cert cert;
	uint64_t last_ms = 0;
	size_t count;

	if (!f->has_final || !f->der.n || web_parse(&cert, f->der) ||
	    !cert.scts.n || sct_list_parse(scts, &count, cert.scts))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (scts[i].timestamp_ms > last_ms)
			last_ms = scts[i].timestamp_ms;
	return (int64_t)(last_ms / 1000);
}

int64_t find_issued_at(const struct find *f)
{
	int64_t at = f->not_before, promised = promised_at(f);
	int64_t logged_at = (int64_t)(f->logged_at_ms / 1000);

	if (logged_at > at)
		at = logged_at;
	return promised > at ? promised : at;
}

/* ---- as bytes */

static void write_one(struct wr *w, const struct find *f)
{
	wr_bytes(w, SPAN_ARRAY(f->tbs.b));
	wr_bytes(w, SPAN_ARRAY(f->spki.b));
	wr_be64(w, (uint64_t)f->not_before);
	wr_be64(w, (uint64_t)f->not_after);
	wr_be64(w, f->logged_at_ms);
	wr_be32(w, f->sources);
	wr_u8(w, (uint8_t)((f->is_malformed ? FLAG_MALFORMED : 0) |
			   (f->has_final ? FLAG_FINAL : 0) |
			   (f->is_revoked ? FLAG_REVOKED : 0)));
	if (f->is_revoked) {
		wr_be64(w, (uint64_t)f->revoked.revoked_at);
		wr_u8(w, (uint8_t)f->revoked.reason);
	}
	wr_vec8(w, span_str(f->name));
	wr_vec8(w, span_str(f->issuer));
	wr_vec24(w, f->der);
}

enum rc finds_write(struct buf *out, const struct finds *f)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new_array(FINDS_BYTES_MAX, 1);
	struct wr w = wr_over(room, FINDS_BYTES_MAX);
	struct span bytes;

	wr_u8(&w, FORMAT);
	wr_u8(&w, f->is_lost);
	wr_be64(&w, f->lost);
	for (size_t i = 0; i < f->count; i++)
		write_one(&w, &f->of[i]);
	if (!wr_done(&w, &bytes) || !buf_add(out, bytes))
		return RC_LIMIT;
	return RC_OK;
}

static bool read_text(char *out, size_t cap, struct span *s)
{
	struct span text;

	if (!rd_vec8(s, &text) || text.n >= cap)
		return false;
	copy_printable(out, cap, text);
	return true;
}

static bool read_revoked(struct find *out, struct span *s)
{
	uint64_t at;
	uint8_t reason;

	if (!rd_be64(s, &at) || !rd_u8(s, &reason) ||
	    reason > WEBCRL_REASON_MAX)
		return false;
	out->is_revoked = true;
	out->revoked = (struct webcrl_entry){ .revoked_at = (int64_t)at,
					      .reason = reason };
	return true;
}

static bool read_one(struct find *out, struct span *s, uint8_t flags_max)
{
	uint64_t before, after;
	uint8_t flags;

	if (!rd_copy(s, out->tbs.b, sizeof(out->tbs.b)) ||
	    !rd_copy(s, out->spki.b, sizeof(out->spki.b)) ||
	    !rd_be64(s, &before) || !rd_be64(s, &after) ||
	    !rd_be64(s, &out->logged_at_ms) || !rd_be32(s, &out->sources) ||
	    !rd_u8(s, &flags) || flags > flags_max ||
	    (flags & FLAG_REVOKED && !read_revoked(out, s)) ||
	    !read_text(out->name, sizeof(out->name), s) ||
	    !read_text(out->issuer, sizeof(out->issuer), s) ||
	    !rd_vec24(s, &out->der))
		return false;
	out->not_before = (int64_t)before;
	out->not_after = (int64_t)after;
	out->is_malformed = flags & FLAG_MALFORMED;
	out->has_final = flags & FLAG_FINAL;
	return true;
}

enum rc finds_read(struct finds *out, struct span bytes)
{
	AUTO(finds_fini)
	struct finds f = { 0 };
	uint64_t lost;
	uint8_t format, is_lost;
	uint8_t flags_max = FLAG_MALFORMED | FLAG_FINAL;

	if (!rd_u8(&bytes, &format) ||
	    (format != FORMAT && format != FORMAT_OLD) ||
	    !rd_u8(&bytes, &is_lost) || is_lost > 1 || !rd_be64(&bytes, &lost))
		return RC_MALFORMED;
	if (format == FORMAT)
		flags_max |= FLAG_REVOKED;
	f.is_lost = is_lost;
	f.lost = (size_t)lost;
	while (!rd_end(&bytes)) {
		struct find one = { 0 };

		if (f.count == FINDS_MAX ||
		    !read_one(&one, &bytes, flags_max) ||
		    f.der_bytes + one.der.n > FINDS_DER_BYTES_MAX)
			return RC_MALFORMED;
		one.der = one.der.n ? span_of(mem_dup_n(one.der.p, one.der.n),
					      one.der.n)
				    : span_of(NULL, 0);
		f.of = mem_grow(f.of, f.count + 1, sizeof(*f.of));
		f.of[f.count++] = one;
		f.der_bytes += one.der.n;
	}
	*out = f;
	memset(&f, 0, sizeof(f)); /* it is the caller's now */
	return RC_OK;
}
