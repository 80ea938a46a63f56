/*
 * ingress_files: edge.yaml and cert.yaml of a CVM's ingress, out of the
 * measured manifest and of what the node is told.
 *
 * What decides who may prove a name and where its bytes go comes from the
 * manifest alone; the node says where resolvers, authority and logs are.  No
 * text of either can become another key of the file: all are quoted.  Pure.
 *
 * Source: docs/CONFIGURATION.md, "edge.yaml", "cert.yaml".
 */
#ifndef POSTERN_AGENT_INGRESS_FILES_H
#define POSTERN_AGENT_INGRESS_FILES_H

#include "agent/config.h"
#include "base/wr.h"

enum {
	INGRESS_FILE_MAX = 64 * 1024,
};

struct ingress_places {
	const char *folder; /* of files and sockets */
	const char *state; /* of postern-cert */
};

/* Each writes the whole file. */
void ingress_write_edge(struct wr *w, const struct manifest *m,
			const struct ingress_places *places);
void ingress_write_cert(struct wr *w, const struct manifest *m,
			const struct config *c,
			const struct ingress_places *places);

#endif
