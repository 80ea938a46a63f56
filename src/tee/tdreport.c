#include "tee/tdreport.h"

enum {
	TYPE_TDX = 0x81,
	VERSION_MAX = 1,
	/* REPORTMACSTRUCT: what lies around the report data */
	CPU_SVN_AND_HASHES_LEN = 12 + 16 + 48 + 48,
	MAC_LEN = 32 + 32, /* 32 of it reserved */
	TEE_TCB_INFO_LEN = 239 + 17,
};

static bool read_head(struct tdreport *r, struct span *in)
{
	uint8_t type, subtype, reserved;

	return rd_u8(in, &type) && type == TYPE_TDX &&
	       rd_u8(in, &subtype) && !subtype &&
	       rd_u8(in, &r->version) && r->version <= VERSION_MAX &&
	       rd_u8(in, &reserved) && !reserved &&
	       rd_skip(in, CPU_SVN_AND_HASHES_LEN) &&
	       rd_n(in, &r->report_data, QUOTE_REPORT_DATA_LEN) &&
	       rd_skip(in, MAC_LEN) && rd_skip(in, TEE_TCB_INFO_LEN);
}

static bool read_td_info(struct tdreport *r, struct span *in)
{
	if (!rd_n(in, &r->td_attributes, 8) ||
	    !rd_n(in, &r->xfam, 8) ||
	    !rd_n(in, &r->mr_td, QUOTE_MR_LEN) ||
	    !rd_n(in, &r->mr_config_id, QUOTE_MR_LEN) ||
	    !rd_n(in, &r->mr_owner, QUOTE_MR_LEN) ||
	    !rd_n(in, &r->mr_owner_config, QUOTE_MR_LEN))
		return false;
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		if (!rd_n(in, &r->rtmr[i], QUOTE_MR_LEN))
			return false;
	return true;
}

bool tdreport_parse(struct tdreport *out, struct span bytes)
{
	struct tdreport r = { 0 };

	if (bytes.n != TDREPORT_LEN || !read_head(&r, &bytes) ||
	    !read_td_info(&r, &bytes))
		return false;
	*out = r;
	return true;
}

static bool has_bits(struct span le, uint64_t bits)
{
	uint64_t v;

	return rd_le64(&le, &v) && v == bits;
}

bool tdreport_is_quoted(const struct tdreport *r, const struct quote *q)
{
	const struct td_report *td = &q->td;

	if (q->tee != QUOTE_TDX)
		return false;
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		if (!span_equal(r->rtmr[i], td->rtmr[i]))
			return false;
	return span_equal(r->report_data, td->report_data) &&
	       has_bits(r->td_attributes, td->td_attributes) &&
	       has_bits(r->xfam, td->xfam) &&
	       span_equal(r->mr_td, td->mr_td) &&
	       span_equal(r->mr_config_id, td->mr_config_id) &&
	       span_equal(r->mr_owner, td->mr_owner) &&
	       span_equal(r->mr_owner_config, td->mr_owner_config);
}
