#include "manifest/lineage.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static void json_done(json_t **j)
{
	json_decref(*j);
}

const char *lineage_read(uint8_t out[MANIFEST_ID_LEN],
			 const uint8_t app_id[MANIFEST_ID_LEN],
			 const json_t *id)
{
	uint8_t first[MANIFEST_ID_LEN];

	if (!id) {
		memcpy(out, app_id, MANIFEST_ID_LEN);
		return NULL;
	}
	if (!json_is_string(id) ||
	    !text_hex_decode(first, sizeof(first),
			     span_str(json_string_value(id))))
		return "expected 40 hex digits, the app id of the app's first "
		       "manifest";
	if (span_equal(SPAN_ARRAY(first), span_of(app_id, MANIFEST_ID_LEN)))
		return "expected the id of another manifest";
	memcpy(out, first, sizeof(first));
	return NULL;
}

enum rc lineage_of(uint8_t out[MANIFEST_ID_LEN], struct span json)
{
	AUTO(json_done)
	json_t *root = NULL;
	uint8_t app_id[MANIFEST_ID_LEN];

	if (json.n == 0 || json.n > MANIFEST_MAX)
		return RC_MALFORMED;
	root = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES,
			  NULL);
	if (!json_is_object(root))
		return RC_MALFORMED;
	manifest_app_id(app_id, json);
	return lineage_read(out, app_id, json_object_get(root, "continues"))
		       ? RC_MALFORMED
		       : RC_OK;
}
