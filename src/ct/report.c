#include "ct/report.h"

#include "base/mem.h"
#include "base/text.h"

/* "Key: value", the value somebody else's bytes. */
static void line(struct wr *w, const char *key, struct span value)
{
	wr_printf(w, "%s: ", key);
	text_escape(w, value, 512);
	wr_str(w, "\n");
}

static void hex_line(struct wr *w, const char *key, struct span bytes)
{
	wr_printf(w, "%s: ", key);
	text_hex(w, bytes);
	wr_str(w, "\n");
}

static void time_line(struct wr *w, const char *key, int64_t at)
{
	wr_printf(w, "%s: ", key);
	text_utc_write(w, at);
	wr_str(w, "\n");
}

static void address(struct wr *w, struct span ip)
{
	for (size_t i = 0; i < ip.n; i++)
		if (ip.n == WEB_IPV4_LEN)
			wr_printf(w, "%s%u", i ? "." : "", ip.p[i]);
		else
			wr_printf(w, "%s%02x", i && i % 2 == 0 ? ":" : "",
				  ip.p[i]);
}

static void names(struct wr *w, const struct web_cert *c)
{
	struct span left = c->sans;
	struct web_san name;
	size_t n = 0;

	wr_str(w, "Names:\n");
	for (; web_san_next(&left, &name); n++) {
		if (n == REPORT_NAMES_MAX) {
			wr_str(w, "  and more\n");
			return;
		}
		wr_str(w, "  ");
		if (name.type == WEB_SAN_IP)
			address(w, name.value);
		else
			text_escape(w, name.value, 256);
		wr_str(w, "\n");
	}
}

static void identify(struct wr *w, const struct history_cert *c)
{
	hex_line(w, "Serial number", c->view.serial);
	hex_line(w, "SHA-256 of the certificate", SPAN_ARRAY(c->fingerprint.b));
	if (!c->has_final)
		wr_str(w, "(of its precertificate; the certificate itself has "
			  "not been seen)\n");
	hex_line(w, "SHA-256 of its public key", SPAN_ARRAY(c->spki.b));
	line(w, "Issuer organization", c->view.issuer_organization);
	line(w, "Issuer common name", c->view.issuer_common_name);
	time_line(w, "Not before", c->view.not_before);
	time_line(w, "Not after", c->view.not_after);
	if (c->logged_at_ms)
		time_line(w, "Logged in Certificate Transparency",
			  (int64_t)(c->logged_at_ms / 1000));
	names(w, &c->view);
}

static void reasons(struct wr *w, const struct history_cert *c,
		    const struct report_facts *f)
{
	int64_t at = c->logged_at_ms ? (int64_t)(c->logged_at_ms / 1000)
				     : c->view.not_before;

	if (at > f->holds_at) {
		wr_str(w, "The domain's CAA records did not allow this "
			  "issuance. Baseline Requirements 4.9.1.1 asks for "
			  "revocation within 24 hours of evidence that the "
			  "validation of domain authorization or control "
			  "should not be relied upon.\n");
		time_line(w, "CAA in force, cached answers included, since",
			  f->holds_at);
		if (f->account_uri.n)
			line(w, "The only account that CAA allows",
			     f->account_uri);
		return;
	}
	wr_str(w, "The certificate was issued before the present holder of "
		  "the domain restricted issuance, to a key that this holder "
		  "does not have. The holder does not authorize it and "
		  "asks for revocation (Baseline Requirements 4.9.1.1, "
		  "4.9.3).\n");
}

bool report_write(struct buf *to, const struct history_cert *c,
		  const struct report_facts *facts)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(REPORT_MAX);
	struct wr w = wr_over(room, REPORT_MAX);
	struct span text;

	wr_str(&w, "Subject: Certificate Problem Report, serial ");
	text_hex(&w, c->view.serial);
	wr_str(&w, "\n\nPlease revoke the following certificate.\n\n");
	identify(&w, c);
	wr_str(&w, "\nWhy:\n");
	reasons(&w, c, facts);
	time_line(&w, "\nThis report was made at", facts->now);
	return wr_done(&w, &text) && buf_add(to, text);
}
