/*
 * A certificate that is read keeps the promises of pki/cert.h; put together
 * again from its two parts it is the same bytes, and one more or less is none.
 * A refusal touches nothing.
 */
#include <assert.h>
#include <string.h>

#include "base/wr.h"
#include "pki/cert.h"

static bool is_inside(struct span part, struct span whole)
{
	return !part.n || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* In the shortest form, as DER has it. */
static void put_head(struct wr *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n < 0x80) {
		wr_u8(w, (uint8_t)n);
	} else if (n < 0x100) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)n);
	} else {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
	}
}

static void put_integer(struct wr *w, const uint8_t half[32])
{
	size_t at = 0;

	while (at < 31 && !half[at])
		at++;
	put_head(w, 0x02, 32 - at + (half[at] >> 7));
	if (half[at] >> 7)
		wr_u8(w, 0);
	wr_bytes(w, span_of(half + at, 32 - at));
}

static void check_again(const struct cert *c)
{
	uint8_t numbers[80], inner[CERT_MAX], whole[CERT_MAX + 8];
	struct wr n = WR_ARRAY(numbers), in = WR_ARRAY(inner), w = WR_ARRAY(whole);
	struct span rs, content;

	put_integer(&n, c->signature.rs);
	put_integer(&n, c->signature.rs + 32);
	rs = wr_span(&n);
	wr_bytes(&in, c->tbs);
	wr_bytes(&in, cert_signature_algorithm());
	put_head(&in, 0x03, rs.n + 3);
	wr_u8(&in, 0);
	put_head(&in, 0x30, rs.n);
	wr_bytes(&in, rs);
	content = wr_span(&in);
	put_head(&w, 0x30, content.n);
	wr_bytes(&w, content);
	assert(span_equal(wr_span(&w), c->der));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span der = span_of(data, size);
	struct cert c, kept;

	memset(&c, 0x5a, sizeof(c));
	kept = c;
	if (cert_parse(&c, der)) {
		assert(memcmp(&c, &kept, sizeof(c)) == 0);
		return 0;
	}
	assert(c.der.p == data && c.der.n == size && size <= CERT_MAX);
	assert(is_inside(c.tbs, der) && is_inside(c.serial, c.tbs));
	assert(is_inside(c.issuer, c.tbs) && is_inside(c.subject, c.tbs));
	assert(is_inside(c.common_name, c.subject));
	assert(is_inside(c.ski, c.tbs) && is_inside(c.aki, c.tbs) && is_inside(c.sgx, c.tbs));
	assert(c.serial.n >= 1 && c.serial.n <= CERT_SERIAL_MAX);
	assert(c.not_before >= 0 && c.not_after >= 0);
	assert(c.is_ca || c.path_len == CERT_NO_PATH_LEN);
	assert(!c.common_name.n || cert_name_has(&c, ""));
	check_again(&c);
	assert(cert_parse(&kept, span_of(data, size - 1)) == RC_MALFORMED);
	return 0;
}
