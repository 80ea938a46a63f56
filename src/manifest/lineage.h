/*
 * lineage: which app a manifest belongs to.  The app is founded by its first
 * manifest, whose app id it keeps; each later one says so:
 *
 *   "continues": "<40 hex: the app id of the first>"
 *
 * The word of a manifest alone: see manifest.h on what it is worth.  It names
 * the first, never the one before: so a manifest is taken out of the middle
 * without breaking what came after it.
 *
 * Pure.
 */
#ifndef POSTERN_MANIFEST_LINEAGE_H
#define POSTERN_MANIFEST_LINEAGE_H

#include <jansson.h>

#include "manifest/manifest.h"

/*
 * The app of the manifest with this app id whose "continues" is 'id'; NULL:
 * it has none, so it founds its own.  Returns what was expected instead; NULL:
 * *out is filled, and untouched otherwise.
 */
const char *lineage_read(uint8_t out[MANIFEST_ID_LEN],
			 const uint8_t app_id[MANIFEST_ID_LEN],
			 const json_t *id);

/* The same of a manifest's bytes.  RC_MALFORMED: no JSON object, or its
 * "continues" is none; *out is untouched. */
enum rc lineage_of(uint8_t out[MANIFEST_ID_LEN], struct span json);

#endif
