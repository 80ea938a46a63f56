#include "evidence/legacy.h"

#include "base/text.h"
#include "evidence/holder.h"
#include "evidence/jget.h"
#include "json/jwrite.h"

enum {
	DIGITS = 64, /* of a SHA-256 in hex */
};

static const char cert_prefix[] = "cert-";
static const char cert_suffix[] = ".pem";
static const char cert_alone[] = "cert.pem";

/* ---- names of files */

static bool is_label_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/* Lower case, labels of 1 to 63 bytes, at most one "*." in front: what a
 * certificate of ours can be for, and nothing that leads to another folder. */
static bool is_host(struct span host)
{
	struct span label, rest = host;

	if (span_has_prefix(rest, span_str("*.")))
		(void)rd_skip(&rest, 2);
	if (!rest.n || host.n > 253 || rest.p[rest.n - 1] == '.')
		return false;
	while (rd_until(&rest, &label, '.')) {
		if (label.n < 1 || label.n > 63)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_label_byte(label.p[i]))
				return false;
	}
	return true;
}

bool legacy_cert_name(char out[LEGACY_NAME_MAX], struct span host)
{
	struct wr w = wr_over(out, LEGACY_NAME_MAX);
	struct span all;

	if (!is_host(host))
		return false;
	wr_str(&w, cert_prefix);
	wr_bytes(&w, host);
	wr_str(&w, cert_suffix);
	wr_u8(&w, 0);
	return wr_done(&w, &all);
}

bool legacy_cert_host(struct span *host, struct span file)
{
	const size_t head = sizeof(cert_prefix) - 1,
		     tail = sizeof(cert_suffix) - 1;
	struct span name;

	if (span_equal_str(file, cert_alone)) {
		*host = span_of(NULL, 0);
		return true;
	}
	if (file.n <= head + tail ||
	    !span_has_prefix(file, span_str(cert_prefix)) ||
	    !span_equal_str(span_of(file.p + file.n - tail, tail), cert_suffix))
		return false;
	name = span_of(file.p + head, file.n - head - tail);
	if (!is_host(name))
		return false;
	*host = name;
	return true;
}

/* ---- sha256sum.txt */

/* As strcmp() orders them, which is how a shell's glob does in locale C. */
static bool is_before(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	/* public: names of files */
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order < 0 || (order == 0 && a.n < b.n);
}

static bool is_next_name(const struct legacy_sums *sums, struct span name)
{
	struct span host;

	if (sums->count == 0)
		return span_equal_str(name, LEGACY_ACCOUNT);
	return legacy_cert_host(&host, name) &&
	       (sums->count == 1 ||
		is_before(sums->files[sums->count - 1].name, name));
}

static bool is_lower_hex(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'F')
			return false;
	return true;
}

static bool rd_sum(struct span *line, struct legacy_file *out)
{
	struct span digits, gap;

	if (!rd_n(line, &digits, DIGITS) || !is_lower_hex(digits) ||
	    !text_hex_decode(out->hash.b, sizeof(out->hash.b), digits) ||
	    !rd_n(line, &gap, 2) || !span_equal_str(gap, "  "))
		return false;
	out->name = *line;
	return true;
}

enum rc legacy_sums_read(struct legacy_sums *out, struct span text)
{
	struct legacy_sums sums = { .count = 0 };
	struct span line;

	if (text.n > LEGACY_SUMS_MAX)
		return RC_LIMIT;
	if (!text.n || text.p[text.n - 1] != '\n')
		return RC_MALFORMED;
	while (rd_until(&text, &line, '\n')) {
		struct legacy_file file;

		if (!rd_sum(&line, &file) || !is_next_name(&sums, file.name))
			return RC_MALFORMED;
		if (sums.count == LEGACY_FILES_MAX)
			return RC_LIMIT;
		sums.files[sums.count++] = file;
	}
	if (sums.count < 2)
		return RC_MALFORMED;
	*out = sums;
	return RC_OK;
}

enum rc legacy_sums_write(struct buf *out, const struct legacy_sums *sums)
{
	char text[LEGACY_SUMS_MAX];
	struct wr w = WR_ARRAY(text);
	struct legacy_sums again;
	struct span all;
	enum rc rc;

	for (size_t i = 0; i < sums->count; i++) {
		text_hex(&w, SPAN_ARRAY(sums->files[i].hash.b));
		wr_str(&w, "  ");
		wr_bytes(&w, sums->files[i].name);
		wr_str(&w, "\n");
	}
	if (!wr_done(&w, &all))
		return RC_LIMIT;
	rc = legacy_sums_read(&again, all);
	if (rc)
		return rc;
	return buf_add(out, all) ? RC_OK : RC_LIMIT;
}

/* ---- acme-account.json */

/* One of the places; false: it is there and is no text, or says another URI
 * than a place before. */
static bool note_uri(struct span *uri, const struct jtree *object,
		     const char *name)
{
	const struct jtree *v = jtree_get(object, name);

	if (!v)
		return true;
	if (v->type != JTREE_TEXT || (uri->n && !span_equal(*uri, v->text)))
		return false;
	*uri = v->text;
	return uri->n > 0;
}

enum rc legacy_account_read(struct span *uri, struct arena *arena,
			    struct span json)
{
	struct jget g = { .arena = arena };
	const struct jtree *top = jget_top(&g, json, LEGACY_ACCOUNT_MAX);
	const struct jtree *registration = jtree_get(top, "registration");
	struct span found = { 0 };
	char *copy;

	if (!top)
		return g.rc;
	if (!note_uri(&found, top, "uri") ||
	    !note_uri(&found, registration, "accountURL") ||
	    !note_uri(&found, registration, "uri") || !holder_is_uri(found))
		return RC_MALFORMED;
	copy = arena_dup(arena, found);
	if (!copy)
		return RC_LIMIT;
	*uri = span_of(copy, found.n);
	return RC_OK;
}

enum rc legacy_account_write(struct buf *out, struct span uri)
{
	struct jwrite j = jwrite_to(out);

	if (!holder_is_uri(uri))
		return RC_MALFORMED;
	jwrite_object(&j, NULL);
	jwrite_object(&j, "body");
	jwrite_end(&j);
	jwrite_text(&j, "uri", uri);
	jwrite_object(&j, "registration");
	jwrite_text(&j, "accountURL", uri);
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

/* ---- quote.json */

enum rc legacy_quote_read(struct legacy_quote *out, struct arena *arena,
			  struct span json)
{
	struct jget g = { .arena = arena };
	struct legacy_quote q = { 0 };
	const struct jtree *top = jget_top(&g, json, LEGACY_QUOTE_MAX);

	if (!top)
		return g.rc;
	if (!jget_hex_if_any(&g, &q.quote, top, "quote") ||
	    !jget_text_if_any(&g, &q.event_log, top, "event_log") ||
	    !jget_hex_if_any(&g, &q.report_data, top, "report_data") ||
	    !jget_text_if_any(&g, &q.vm_config, top, "vm_config") ||
	    !jget_hex_if_any(&g, &q.attestation, top, "attestation"))
		return g.rc;
	if (!q.quote.n)
		return RC_MALFORMED;
	*out = q;
	return RC_OK;
}

enum rc legacy_quote_write(struct buf *out, const struct legacy_quote *quote)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_hex(&j, "quote", quote->quote);
	jwrite_text(&j, "event_log", quote->event_log);
	jwrite_hex(&j, "report_data", quote->report_data);
	jwrite_text(&j, "vm_config", quote->vm_config);
	if (quote->attestation.n)
		jwrite_hex(&j, "attestation", quote->attestation);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

void legacy_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN], struct span sums,
			const struct sha256 *core)
{
	struct wr w = wr_over(out, QUOTE_REPORT_DATA_LEN);
	struct sha256 hash;

	sha256_of(&hash, sums);
	wr_bytes(&w, SPAN_ARRAY(hash.b));
	if (core)
		wr_bytes(&w, SPAN_ARRAY(core->b));
	else
		wr_zero(&w, sizeof(hash.b));
}
