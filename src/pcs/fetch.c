#include "pcs/fetch.h"

#include "base/mem.h"
#include "pcs/answer.h"
#include "pki/crl_form.h"

/* The bytes of the issuer chain, decoded. */
static enum pcs_reason take_chain(struct buf *chain, struct pcs_error *error,
				  const struct get_reply *reply,
				  enum pcs_item item)
{
	const char *const *names = pcs_item_headers(item);
	uint8_t room[PCS_CHAIN_MAX];
	struct wr w = WR_ARRAY(room);

	for (size_t i = 0; names[i]; i++) {
		struct span value = buf_span(&reply->header[i]);

		if (!value.n)
			continue;
		if (pcs_chain_decode(&w, value) || !buf_add(chain, wr_span(&w)))
			return pcs_fail(error, PCS_FORM,
					"%s: header %s: not percent-encoded "
					"PEM",
					pcs_item_name(item), names[i]);
		return PCS_OK;
	}
	if (!names[0])
		return PCS_OK;
	return pcs_fail(error, PCS_CHAIN, "%s: no header %s",
			pcs_item_name(item), names[0]);
}

static enum pcs_reason take_body(struct buf *body, struct pcs_error *error,
				 const struct get_reply *reply,
				 enum pcs_item item)
{
	AUTO(mem_auto_free)
	uint8_t *room = NULL;
	struct span s = buf_span(&reply->body);
	struct wr w;

	if (!pcs_body_is(item, s))
		return pcs_fail(error, PCS_FORM, "%s: not of its form",
				pcs_item_name(item));
	if (item == PCS_PCK_CRL || item == PCS_ROOT_CRL) {
		room = mem_new(PCS_BODY_MAX);
		w = wr_over(room, PCS_BODY_MAX);
		if (crl_form_decode(&w, s))
			return pcs_fail(error, PCS_FORM,
					"%s: neither DER nor PEM nor hex",
					pcs_item_name(item));
		s = wr_span(&w);
	}
	if (!buf_add(body, s))
		return pcs_fail(error, PCS_TOO_LARGE, "%s: too large",
				pcs_item_name(item));
	return PCS_OK;
}

enum pcs_reason fetch_item(struct buf *body, struct buf *chain,
			   struct pcs_error *error,
			   const struct pcs_source *source, enum pcs_item item,
			   const struct pcs_key *key, int64_t now)
{
	char url[PCS_REQUEST_MAX] = "";
	struct wr w = WR_ARRAY(url);
	const struct get_options options = {
		.url = url,
		.ca_file = source->ca_file,
		.headers = pcs_item_headers(item),
		.body_max = PCS_BODY_MAX,
		.timeout_ms = source->timeout_ms,
		.stop = source->stop,
	};
	AUTO(get_reply_fini)
	struct get_reply reply = { 0 };
	enum pcs_reason reason;

	pcs_request_url(&w, &source->server, item, key);
	reason = get(&reply, error, &options);
	if (reason)
		return reason;
	reason = pcs_status_judge(reply.status);
	if (reason) {
		error->retry_after_s =
			pcs_retry_after(buf_span(&reply.retry_after), now);
		return pcs_fail(error, reason, "%s: %s: status %u",
				pcs_item_name(item), url, reply.status);
	}
	reason = take_body(body, error, &reply, item);
	return reason ? reason : take_chain(chain, error, &reply, item);
}

enum pcs_reason fetch_set(struct collateral_files *out,
			  struct pcs_error *error,
			  const struct pcs_source *source,
			  const struct pcs_key *key, int64_t now)
{
	AUTO(collateral_fini)
	struct collateral_files c;
	struct buf none = { 0 };
	const struct {
		enum pcs_item item;
		struct buf *body, *chain;
	} wanted[] = {
		/* first what a server may not have */
		{ PCS_TCB_INFO, &c.tcb_info, &c.tcb_info_chain },
		{ PCS_QE_IDENTITY, &c.qe_identity, &c.qe_identity_chain },
		{ PCS_PCK_CRL, &c.pck_crl, &c.pck_crl_chain },
		{ PCS_ROOT_CRL, &c.root_crl, &none },
	};

	collateral_init(&c);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		enum pcs_reason reason =
			fetch_item(wanted[i].body, wanted[i].chain, error,
				   source, wanted[i].item, key, now);

		if (reason)
			return reason;
	}
	*out = c;
	c = (struct collateral_files){ 0 };
	return PCS_OK;
}
