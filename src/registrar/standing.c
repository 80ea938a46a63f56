#include "registrar/standing.h"

#include <assert.h>
#include <string.h>

static_assert((int)STORE_ID_LEN == (int)MANIFEST_ID_LEN &&
	      (int)STORE_MARK_LEN == (int)sizeof(struct sha256));

/* Of the app itself, so what it says is so: also where it said otherwise before
 * its key service was made anew. */
static enum standing found(uint8_t app[STORE_ID_LEN], struct store *s,
			   const struct channel_peer *peer)
{
	enum rc rc = RC_OK;

	if (peer->has_lineage)
		rc = store_lineage_put(s, peer->manifest.app_id,
				       peer->lineage.b);
	/* Where there is no room its updates are unknown; it is itself. */
	if (rc && rc != RC_LIMIT)
		return STANDING_FAILED;
	memcpy(app, peer->manifest.app_id, STORE_ID_LEN);
	return STANDING_OK;
}

enum standing standing_of(uint8_t app[STORE_ID_LEN], struct store *s,
			  const struct channel_peer *peer)
{
	uint8_t mark[STORE_MARK_LEN];
	const uint8_t *lineage = peer->manifest.lineage;

	if (!peer->manifest.continues)
		return found(app, s, peer);
	switch (store_lineage_get(s, mark, lineage)) {
	case STORE_FOUND:
		break;
	case STORE_NONE:
		return STANDING_UNKNOWN;
	case STORE_FAILED:
		return STANDING_FAILED;
	}
	if (!peer->has_lineage ||
	    !span_equal(SPAN_ARRAY(mark), SPAN_ARRAY(peer->lineage.b)))
		return STANDING_UNPROVEN;
	memcpy(app, lineage, STORE_ID_LEN);
	return STANDING_OK;
}
