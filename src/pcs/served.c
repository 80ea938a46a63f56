#include "pcs/served.h"

#include "base/mem.h"
#include "pcs/answer.h"
#include "pki/crl_form.h"

/* No form is shorter than what it stands for. */
static void normalize(struct buf *document,
		      enum rc (*decode)(struct wr *w, struct span s))
{
	struct span s = buf_span(document);
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(s.n + 1);
	struct wr w = wr_over(room, s.n);

	if (decode(&w, s))
		return;
	buf_reset(document);
	(void)buf_add(document, wr_span(&w)); /* more was in it */
}

static bool is_encoded(struct span chain)
{
	return span_has_prefix(chain, span_str("-----BEGIN%20"));
}

static void cut_nul(struct buf *document)
{
	struct span s = buf_span(document);

	while (s.n && s.p[s.n - 1] == '\0')
		s.n--;
	document->n = s.n;
}

void served_normalize(struct collateral_files *c)
{
	struct buf *const chains[] = {
		&c->tcb_info_chain,
		&c->qe_identity_chain,
		&c->pck_crl_chain,
	};

	normalize(&c->root_crl, crl_form_decode);
	normalize(&c->pck_crl, crl_form_decode);
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		if (is_encoded(buf_span(chains[i])))
			normalize(chains[i], pcs_chain_decode);
	cut_nul(&c->tcb_info);
	cut_nul(&c->qe_identity);
}

enum rc served_load(struct collateral_files *out, const char *dir,
		    const uint8_t fmspc[6], char error[256])
{
	enum rc rc = collateral_load(out, dir, fmspc, error);

	if (!rc)
		served_normalize(out);
	return rc;
}
