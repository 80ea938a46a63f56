/*
 * vantage: the resolvers that names are looked up with, each a way into the
 * DNS of its own; and the servers of a zone asked past all caches.
 *
 * Blocks.  One thread each.
 */
#ifndef POSTERN_CERTD_VANTAGE_H
#define POSTERN_CERTD_VANTAGE_H

#include "certd/config.h"
#include "node/error.h"
#include "resolve/authority.h"
#include "resolve/climbing.h"

struct vantage {
	const struct config_dns *config;
	struct buf anchors;
	struct validator *of[CONFIG_SERVERS_MAX];
	size_t count;
};

/* RC_SYS, RC_MALFORMED: error says what of the configuration is wrong. */
enum rc vantage_open(struct vantage *out, const struct config_dns *config,
		     char error[NODE_ERROR_MAX]);
void vantage_close(struct vantage *v);

/* Forgets what was looked up, so that the next look is one.  As vantage_open().
 */
enum rc vantage_refresh(struct vantage *v, char error[NODE_ERROR_MAX]);

/*
 * A resolver that asks these servers themselves for names of their zone.
 * Returns owned: validator_free().
 */
enum rc vantage_direct(struct vantage *v, struct validator **out,
		       const struct authority *a);

#endif
