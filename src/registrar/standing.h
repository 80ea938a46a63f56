/*
 * standing: as which app a verified peer is leased and reached.
 *
 * A manifest that founds an app is that app by its hash.  One that continues an
 * app (manifest/lineage.h) only says so, and with the app goes its name, so it
 * has to show that it may: its key service gave it the app's key of purpose
 * "lineage", as to every manifest that the release policy lists, and its claims
 * have a mark made of that key (channel/claims.h).  The gateway knows the mark
 * from the app's first manifest, and keeps it; what continues the app has the
 * same.  So it is known only once the first manifest was here.
 *
 * The mark is public: what counts is that the measured code of an image that is
 * accepted here puts none into its claims but that of a key it was given, and
 * takes none of another service than its measured manifest names.
 *
 * Source: docs/PROTOCOL.kms.md §3a.
 */
#ifndef POSTERN_REGISTRAR_STANDING_H
#define POSTERN_REGISTRAR_STANDING_H

#include "channel/session.h"
#include "store/store.h"

enum standing {
	STANDING_OK, /* *app is filled */
	STANDING_UNKNOWN, /* the app's first manifest showed no mark here */
	STANDING_UNPROVEN, /* no mark, or another */
	STANDING_FAILED, /* the store; errno */
};
enum standing standing_of(uint8_t app[STORE_ID_LEN], struct store *s,
			  const struct channel_peer *peer);

#endif
