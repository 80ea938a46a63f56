#include "cli/report_data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"

bool report_data_read(struct report_data *out, const char *text,
		      char error[REPORT_DATA_ERROR_MAX])
{
	struct report_data r = { 0 };
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	enum rc rc;

	if (text_hex_decode_any(r.bytes, sizeof(r.bytes), &r.n,
				span_str(text)) &&
	    r.n) {
		*out = r;
		return true;
	}
	buf_init(&bytes, sizeof(r.bytes));
	rc = file_read_argument(&bytes, text);
	if (rc == RC_SYS) {
		(void)snprintf(error, REPORT_DATA_ERROR_MAX,
			       "--report-data %.256s: neither 2 to 128 hex "
			       "digits nor a file: %s",
			       text, strerror(errno));
		return false;
	}
	r.n = buf_span(&bytes).n;
	if (rc || !r.n) {
		(void)snprintf(error, REPORT_DATA_ERROR_MAX,
			       "--report-data %.256s: expected a file of 1 to "
			       "%d bytes",
			       text, QUOTE_REPORT_DATA_LEN);
		return false;
	}
	memcpy(r.bytes, buf_span(&bytes).p, r.n);
	*out = r;
	return true;
}
