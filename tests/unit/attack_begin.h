/* What every attack on the evidence is written with: a change at a stage of an honest world. */
#ifndef POSTERN_TESTS_ATTACK_BEGIN_H
#define POSTERN_TESTS_ATTACK_BEGIN_H

#include "evidence_world.h"

#define HOOK(name) static void name(struct ev *e, enum ev_stage at)
#define WHEN(stage) \
	if (at != (stage)) \
	return

static void copy_bytes(struct buf *b, size_t at, const char *put)
{
	memcpy(b->p + b->at + at, put, strlen(put));
}

/* A leaf of the CA for our host with a stranger's key, in e->other. */
static void make_other(struct ev *e, const struct web_key *key, const struct web_leaf_want *want)
{
	web_leaf_make(&e->other, &e->base->ca, key, want, &e->promises);
}
static void add_history(struct ev *e)
{
	for (int i = 0; i < 2; i++) {
		e->certs[i][1] =
			(struct material_cert){ web_span(&e->other), web_span(&e->base->ca.der) };
		e->sources[i].count = 2;
	}
}

#endif
