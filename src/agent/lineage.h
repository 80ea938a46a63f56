/*
 * lineage: shows the gateway which app this CVM's manifest may say it is of, by
 * a mark in the claims that is made of a key: PROTOCOL.kms.md §3a.
 */
#ifndef POSTERN_AGENT_LINEAGE_H
#define POSTERN_AGENT_LINEAGE_H

#include "agent/appkeys.h"
#include "io/log.h"

/*
 * Asks for the key and puts the mark into id->claims; nothing where the
 * measured manifest names no key service, or 'keys' is none.  Blocks.
 *
 * A manifest that founds its app does without where it gets no key: that is
 * logged.  One that continues an app would have no gateway: as keys->get(),
 * error says why.
 */
enum rc lineage_show(struct identity *id, const struct appkeys *keys,
		     const struct log *log, char error[NODE_ERROR_MAX]);

#endif
