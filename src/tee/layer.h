/*
 * layer: which part of a verification a reason belongs to.
 *
 * Layers are numbered in the order in which they are told to people.  The
 * verification itself goes back and forth between the form of certificates,
 * dates and signatures, cheapest first; so a refusal by collateral or chain
 * says nothing about the other of the two, while one by a later layer says
 * that all layers before it held.
 */
#ifndef POSTERN_TEE_LAYER_H
#define POSTERN_TEE_LAYER_H

#include "tee/reason.h"

enum tee_layer {
	TEE_LAYER_NONE, /* accepted */
	TEE_LAYER_EVIDENCE, /* the form of the quote */
	TEE_LAYER_COLLATERAL, /* documents and CRLs: signed, in time, its */
	TEE_LAYER_CHAIN, /* PCK certificate to root, not revoked */
	TEE_LAYER_SIGNATURE, /* QE report, attestation key, quote */
	TEE_LAYER_TCB, /* the vendor's word on platform, module, QE */
	TEE_LAYER_POLICY, /* what is accepted of it */
	TEE_LAYER_BINDING, /* report data */
	TEE_LAYER_LOG, /* event logs */
	TEE_LAYER_COUNT,
};

enum tee_layer tee_reason_layer(enum tee_reason reason);
/* "none", "evidence", "collateral", ... */
const char *tee_layer_name(enum tee_layer layer);

#endif
