/*
 * publish: makes the evidence of the moment and puts it where everybody can
 * have it: dstack's four files, the core, the bundle, and what a gateway says
 * of itself below /.dstack/.  One quote covers all of it.
 *
 * Made anew when something that it tells of has changed (CAA, too: by the next
 * look of the watch), and when half of its life is over.  The files are written
 * to a folder of their own, which then takes the place of the one before in one
 * step (a link); the same bytes are served from memory.
 *
 * The issuer's thread.
 *
 * Source: docs/EVIDENCE.md.
 */
#ifndef POSTERN_CERTD_PUBLISH_H
#define POSTERN_CERTD_PUBLISH_H

#include "certd/issuer.h"
#include "certd/sightings.h"
#include "node/identity.h"

struct publish_options {
	const struct config *config;
	const struct log *log;
	struct custody *custody;
	struct audit *audit;
	struct alarm *alarm;
	struct shelf *shelf;
	struct sightings *sightings;
	struct since *since;
	const struct identity *identity;
	struct quote_source *source;
};

struct publish;

struct publish *publish_new(const struct publish_options *o);
void publish_free(struct publish *p);
/* The issuer comes after it. */
void publish_of(struct publish *p, struct issuer *issuer);

/* Publishes if it is time to; a failure is an alarm.  For
 * issuer_options.publish, with a struct publish; as that returns. */
int64_t publish_now(void *arg);

#endif
