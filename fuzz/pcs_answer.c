/*
 * What a server answers.  A chain that decodes is printable text of lines and
 * survives being encoded again; a list that decodes is one DER element and is
 * the same in every form; a wait is bounded.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "pcs/answer.h"
#include "pki/crl_form.h"
#include "pki/pem.h"

enum {
	INPUT_MAX = 8 * 1024, /* larger ones find nothing more, only later */
	ROOM = 64 * 1024,
	NOW = 1'800'000'000,
};

struct rooms {
	uint8_t first[ROOM], text[3 * ROOM], second[ROOM];
};

static void check_chain(struct rooms *r, struct span value)
{
	struct wr w = WR_ARRAY(r->first), text = WR_ARRAY(r->text);
	struct wr again = WR_ARRAY(r->second);
	struct span got;

	if (pcs_chain_decode(&w, value))
		return;
	got = wr_span(&w);
	assert(got.n && got.p[got.n - 1] == '\n' && got.n <= value.n + 1);
	for (size_t i = 0; i < got.n; i++) {
		assert((got.p[i] >= ' ' && got.p[i] < 0x7f) || got.p[i] == '\n' ||
		       got.p[i] == '\r');
		wr_printf(&text, "%%%02X", got.p[i]);
	}
	assert(pcs_chain_decode(&again, wr_span(&text)) == RC_OK);
	assert(span_equal(wr_span(&again), got));
}

static void expect_same(struct rooms *r, struct span body, struct span der)
{
	struct wr again = WR_ARRAY(r->second);

	assert(crl_form_decode(&again, body) == RC_OK);
	assert(span_equal(wr_span(&again), der));
}

static void check_list(struct rooms *r, struct span body)
{
	struct wr w = WR_ARRAY(r->first), text = WR_ARRAY(r->text);
	enum crl_form form = crl_form_of(body);
	enum rc rc = crl_form_decode(&w, body);
	struct span der = wr_span(&w);

	assert(form != CRL_FORM_UNKNOWN || rc == RC_MALFORMED);
	assert(pcs_body_is(PCS_PCK_CRL, body) == (form != CRL_FORM_UNKNOWN));
	/* PEM may hold anything; what it holds is for the verifier. */
	if (rc || form == CRL_FORM_PEM)
		return;
	assert(der.n >= 2 && der.p[0] == 0x30 && der.n <= body.n);
	text_hex(&text, der);
	expect_same(r, wr_span(&text), der);
	text = WR_ARRAY(r->text);
	pem_encode(&text, PEM_CRL, der);
	expect_same(r, wr_span(&text), der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rooms rooms;
	struct span input = span_of(data, size);

	if (size > INPUT_MAX)
		return 0;
	assert(pcs_retry_after(input, NOW) <= PCS_RETRY_MAX_S);
	check_chain(&rooms, input);
	check_list(&rooms, input);
	for (int item = 0; item < PCS_ITEM_COUNT; item++)
		(void)pcs_body_is((enum pcs_item)item, input);
	return 0;
}
