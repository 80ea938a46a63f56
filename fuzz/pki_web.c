/*
 * A certificate that is read keeps the promises of pki/web.h: its parts are
 * inside of it, its names can be walked to the end, and the part it shares with
 * its precertificate is one itself, shorter, without the two extensions, and
 * the same when taken again. A refusal touches nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pki/webname.h"
#include "pki/webtbs.h"

static bool is_inside(struct span part, struct span whole)
{
	return !part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void check_names(const struct web_cert *c)
{
	struct span left = c->sans, url;
	struct web_san name;
	struct web_crl_point point;
	size_t dns = 0, ip = 0;

	while (web_san_next(&left, &name)) {
		assert(is_inside(name.value, c->sans));
		dns += name.type == WEB_SAN_DNS;
		ip += name.type == WEB_SAN_IP;
		if (name.type == WEB_SAN_DNS && webname_is_host(name.value))
			assert(webname_matches(name.value, name.value) &&
			       webname_covers(c, name.value) ==
				       !webname_address((uint8_t[16]){ 0 }, &(size_t){ 0 },
							name.value));
	}
	assert(rd_end(&left) && dns == c->dns_count && ip == c->ip_count);
	for (left = c->crl_points; web_crl_point_next(&left, &point);)
		assert(is_inside(point.url, c->crl_points));
	assert(rd_end(&left));
	if (web_crl_url(c, &url))
		assert(url.n && is_inside(url, c->crl_points));
}

static void check_tbs(const struct web_cert *c)
{
	uint8_t *room = malloc(c->tbs.n + 1), *again = malloc(c->tbs.n + 1);
	struct wr w = wr_over(room, c->tbs.n), v = wr_over(again, c->tbs.n);
	struct sha256 a, b;
	struct span value;
	struct web_cert t;
	bool is_critical;

	webtbs_write(&w, c);
	assert(!w.over);
	assert(web_parse_tbs(&t, wr_span(&w)) == RC_OK);
	assert(!t.scts.n && !t.is_precert);
	assert(!web_extension(&t, web_oid_scts(), &value, &is_critical));
	webtbs_write(&v, &t);
	assert(span_equal(wr_span(&v), wr_span(&w)));
	webtbs_sha256(&a, c);
	webtbs_sha256(&b, &t);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
	if (!c->scts.n && !c->is_precert)
		assert(span_equal(c->tbs, wr_span(&w)));
	free(again);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct web_cert c, kept;

	memset(&c, 0x5a, sizeof(c));
	kept = c;
	if (web_parse(&c, span_of(data, size))) {
		assert(memcmp(&c, &kept, sizeof(c)) == 0);
		return 0;
	}
	assert(is_inside(c.tbs, c.der) && is_inside(c.spki, c.tbs) && is_inside(c.scts, c.tbs));
	assert(c.serial.n && c.serial.n <= WEB_SERIAL_MAX && c.spki.n);
	check_names(&c);
	check_tbs(&c);
	assert(web_parse(&kept, span_of(data, size - 1)) == RC_MALFORMED);
	return 0;
}
