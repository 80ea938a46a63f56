/*
 * verify_material: from what was gathered, now or by somebody else, to what the
 * checks judge: lists read and their signatures checked, DNS climbed again,
 * proofs validated.
 */
#ifndef POSTERN_CLI_VERIFY_MATERIAL_H
#define POSTERN_CLI_VERIFY_MATERIAL_H

#include "cli/verify_options.h"

/* Fills *out, which borrows everything given; memory is the arena's. */
void verify_material(struct material *out, struct arena *arena,
		     const struct gathered *seen,
		     const struct verify_grounds *g);

#endif
