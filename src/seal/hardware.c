#include "seal/hardware.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "tee/quote.h"

enum {
	RTMRS = 3, /* RTMR3 holds what the TD logs as it runs */
};

enum rc hardware_measurement(uint8_t out[FORM_MEASUREMENT_LEN],
			     struct quote_source *source,
			     char error[SEAL_ERROR_MAX])
{
	static const char label[] = "postern/measurement/v1";
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	uint8_t text[sizeof(label) + (2 + RTMRS) * QUOTE_MR_LEN + 8];
	struct wr w = WR_ARRAY(text);
	struct sha512 report_data;
	struct sha256 hash;
	struct quote quote;
	enum rc rc;

	sha512_of(&report_data, span_str("postern/self-check/v1"));
	buf_init(&bytes, QUOTE_MAX);
	rc = quote_source_get(source, &bytes, report_data.b);
	if (!rc && (quote_parse(&quote, buf_span(&bytes)) ||
		    quote.tee != QUOTE_TDX))
		rc = RC_MALFORMED;
	if (rc) {
		(void)snprintf(error, SEAL_ERROR_MAX, "own quote from %s: %s",
			       quote_source_name(source), rc_name(rc));
		return rc;
	}
	wr_str(&w, label);
	wr_bytes(&w, quote.td.mr_td);
	for (size_t i = 0; i < RTMRS; i++)
		wr_bytes(&w, quote.td.rtmr[i]);
	wr_bytes(&w, quote.td.mr_config_id);
	wr_le64(&w, quote.td.td_attributes);
	sha256_of(&hash, wr_span(&w));
	memcpy(out, hash.b, FORM_MEASUREMENT_LEN);
	return RC_OK;
}

static enum rc hardware_key(void *arg, struct key32 *key,
			    uint8_t measurement[FORM_MEASUREMENT_LEN],
			    const char *label, char error[SEAL_ERROR_MAX])
{
	struct quote_source *source = arg;
	struct sha256 hash;
	enum rc rc = hardware_measurement(measurement, source, error);

	if (rc)
		return rc;
	sha256_of(&hash, span_str(label));
	rc = quote_source_key(source, key, &hash);
	if (rc == RC_UNSUPPORTED)
		(void)snprintf(error, SEAL_ERROR_MAX,
			       "%s has no sealing key of its own",
			       quote_source_name(source));
	else if (rc)
		(void)snprintf(error, SEAL_ERROR_MAX,
			       "no sealing key from %s: %s",
			       quote_source_name(source), rc_name(rc));
	return rc;
}

struct seal_provider hardware_provider(struct quote_source *source)
{
	return (struct seal_provider){
		.kind = FORM_SIMULATOR,
		.key = hardware_key,
		.arg = source,
	};
}
