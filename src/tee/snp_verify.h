/*
 * snp_verify: the SEV-SNP part of tee_verify(), which is the way in: nobody
 * else calls this.
 *
 * Layer 1: ARK among the anchors, ASK (or ASVK) by the ARK, VCEK (or VLEK) by
 * the ASK, CRL by the ARK, all their dates; certificate and report name the
 * same chip and the same TCB; the report by the certificate's key.  There is no
 * layer 2: AMD publishes no TCB status, and what is new enough is the policy's
 * to say (layer 3).
 *
 * Source: AMD 57230 (VCEK certificate and KDS) for names and extensions; AMD
 * 56860 (SEV-SNP Firmware ABI).
 */
#ifndef POSTERN_TEE_SNP_VERIFY_H
#define POSTERN_TEE_SNP_VERIFY_H

#include "tee/verify.h"

void snp_verify(struct tee_verdict *verdict, const struct tee_input *in);

#endif
