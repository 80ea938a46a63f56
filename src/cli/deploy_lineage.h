/*
 * deploy_lineage: whether what is deployed again under a name is the app that
 * was there before, or another one.
 *
 * It can only be the same where a key service says which manifests may have its
 * keys (manifest/lineage.h).  So the new manifest continues the old one when
 * both name the same service.
 */
#ifndef POSTERN_CLI_DEPLOY_LINEAGE_H
#define POSTERN_CLI_DEPLOY_LINEAGE_H

#include "base/arena.h"
#include "manifest/lineage.h"

/*
 * What a machine of that name, if there is one, has the new manifest continue:
 * an app id in hex and in the arena.  NULL: it is the app's first, or another
 * app.  'key_service' is what the new manifest names; NULL: none.
 */
const char *deploy_continues(struct arena *a, const char *name,
			     struct span manifest, const char *key_service);

/* The machine of that name has a data disk, and it is another app's than the
 * manifest's. */
bool deploy_has_other_disk(const char *name, struct span manifest);

#endif
