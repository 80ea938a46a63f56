#include "teesim/sealing.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/file.h"

#define FILE_NAME "sealing-key"

enum {
	FILE_LEN = 2 * 32 + 1,
	TD_BYTES = 5 * QUOTE_MR_LEN + 8,
	LABEL_MAX = 64,
};

static enum rc make(struct sealing *out, const char *path)
{
	char line[FILE_LEN];
	struct wr w = WR_ARRAY(line);
	enum rc rc;

	rng_bytes(out->fused.b, sizeof(out->fused.b));
	text_hex(&w, SPAN_ARRAY(out->fused.b));
	wr_str(&w, "\n");
	rc = file_replace(path, wr_span(&w), 0600);
	secret_wipe(line, sizeof(line));
	return rc;
}

static enum rc take(struct sealing *out, struct span text)
{
	struct span hex;

	return rd_n(&text, &hex, FILE_LEN - 1) && span_equal_str(text, "\n") &&
			       text_hex_decode(out->fused.b,
					       sizeof(out->fused.b), hex)
		       ? RC_OK
		       : RC_MALFORMED;
}

enum rc sealing_open(struct sealing *out, const char *folder, char error[256])
{
	AUTO(buf_wipe)
	struct buf text = { 0 };
	AUTO(sealing_wipe)
	struct sealing s = { 0 };
	char path[PATH_MAX];
	enum rc rc;

	buf_init(&text, FILE_LEN);
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, folder) >=
	    (int)sizeof(path)) {
		(void)snprintf(error, 256, "state folder: path too long");
		return RC_MALFORMED;
	}
	rc = file_read(&text, path);
	if (!rc)
		rc = take(&s, buf_span(&text));
	else if (rc == RC_SYS && errno == ENOENT)
		rc = make(&s, path);
	if (!rc) {
		*out = s;
		return RC_OK;
	}
	if (rc == RC_SYS)
		(void)snprintf(error, 256, "%.200s: %s", path, strerror(errno));
	else
		(void)snprintf(error, 256,
			       "%.200s: expected 64 hex digits, newline", path);
	return rc;
}

void sealing_wipe(struct sealing *s)
{
	key32_wipe(&s->fused);
}

void sealing_key(struct key32 *out, const struct sealing *s,
		 const struct sim_td *td, struct span label)
{
	uint8_t info[TD_BYTES + LABEL_MAX];
	struct wr w = WR_ARRAY(info);

	wr_bytes(&w, SPAN_ARRAY(td->mr_td.b));
	for (unsigned i = 0; i < 3; i++)
		wr_bytes(&w, SPAN_ARRAY(td->rtmr[i].b));
	wr_bytes(&w, SPAN_ARRAY(td->mr_config_id));
	wr_le64(&w, td->attributes);
	wr_bytes(&w, label);
	hkdf_sha256(out->b, sizeof(out->b),
		    span_str("postern/simulated-sealing/v1"),
		    SPAN_ARRAY(s->fused.b), wr_span(&w));
}
