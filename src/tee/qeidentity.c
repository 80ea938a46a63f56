#include "tee/qeidentity.h"

#include "base/mem.h"

enum {
	IDENTITY_VERSION = 2,
	SGX_FLAG_DEBUG = 1 << 1, /* ATTRIBUTES.flags, first byte */
};

static bool read_tee(enum quote_tee *out, const struct jtree *root)
{
	struct span id;

	if (!document_text(root, "id", &id))
		return false;
	*out = span_equal_str(id, "TD_QE") ? QUOTE_TDX : QUOTE_SGX;
	return *out == QUOTE_TDX || span_equal_str(id, "QE");
}

static bool read_enclave(struct qeidentity *q, const struct jtree *root)
{
	uint32_t prod_id;

	if (!document_hex(root, "miscselect", q->misc_select,
			  sizeof(q->misc_select)) ||
	    !document_hex(root, "miscselectMask", q->misc_select_mask,
			  sizeof(q->misc_select_mask)) ||
	    !document_hex(root, "attributes", q->attributes,
			  sizeof(q->attributes)) ||
	    !document_hex(root, "attributesMask", q->attributes_mask,
			  sizeof(q->attributes_mask)) ||
	    !document_hex(root, "mrsigner", q->mr_signer,
			  sizeof(q->mr_signer)) ||
	    !document_u32(root, "isvprodid", &prod_id, UINT16_MAX))
		return false;
	q->isv_prod_id = (uint16_t)prod_id;
	return true;
}

/* Of the words for a platform an enclave's level has five. */
static bool has_enclave_words(const struct svn_levels *l)
{
	for (size_t i = 0; i < l->count; i++) {
		enum tee_tcb_status s = l->items[i].level.status;

		if (s == TCB_SW_HARDENING_NEEDED ||
		    s == TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED)
			return false;
	}
	return true;
}

enum tee_reason qeidentity_parse(struct qeidentity *out, struct arena *arena,
				 struct span object)
{
	AUTO(arena_fini)
	struct arena tree = { .max = DOCUMENT_TREE_MAX };
	const struct jtree *root = document_load(&tree, object);
	struct qeidentity q = { 0 };
	enum tee_reason reason;
	uint32_t version;

	if (!document_u32(root, "version", &version, IDENTITY_VERSION) ||
	    version != IDENTITY_VERSION || !read_tee(&q.tee, root) ||
	    !document_time(root, "issueDate", &q.issued_at) ||
	    !document_time(root, "nextUpdate", &q.expires_at) ||
	    !document_u32(root, "tcbEvaluationDataNumber", &q.evaluation,
			  UINT32_MAX) ||
	    !read_enclave(&q, root))
		return TEE_COLLATERAL_MALFORMED;
	reason = svn_levels_read(&q.levels, arena, root, "tcbLevels");
	if (reason)
		return reason;
	if (!has_enclave_words(&q.levels))
		return TEE_TCB_UNRECOGNIZED;
	*out = q;
	return TEE_OK;
}

/* (got & mask) == want: a bit the value has outside the mask never matches. */
static bool matches(const uint8_t *got, const uint8_t *mask,
		    const uint8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((got[i] & mask[i]) != want[i])
			return false;
	return true;
}

enum tee_reason qeidentity_check(const char **field,
				 const struct qeidentity *identity,
				 const struct enclave_report *report)
{
	uint8_t misc[4];

	for (size_t i = 0; i < sizeof(misc); i++)
		misc[i] = (uint8_t)(report->misc_select >> 8 * i);
	if (report->attributes.p[0] & SGX_FLAG_DEBUG)
		return TEE_QE_DEBUG;
	if (!matches(misc, identity->misc_select_mask, identity->misc_select,
		     sizeof(misc)))
		*field = "MISCSELECT";
	else if (!matches(report->attributes.p, identity->attributes_mask,
			  identity->attributes, sizeof(identity->attributes)))
		*field = "ATTRIBUTES";
	else if (!span_equal(report->mr_signer,
			     SPAN_ARRAY(identity->mr_signer)))
		*field = "MRSIGNER";
	else if (report->isv_prod_id != identity->isv_prod_id)
		*field = "ISVPRODID";
	else
		return TEE_OK;
	return TEE_QE_IDENTITY;
}
