/*
 * pck: what Intel says of a platform in its PCK certificate's SGX extension.
 *
 * Reads only.  Exactly the five entries of a Processor-CA certificate or the
 * seven of a Platform-CA certificate, each once, in any order.
 *
 * Source: Intel SGX PCK Certificate and CRL Profile Specification 1.5 §2.4.3.
 */
#ifndef POSTERN_TEE_PCK_H
#define POSTERN_TEE_PCK_H

#include "base/span.h"

enum {
	PCK_COMPONENT_COUNT = 16,
};

enum pck_sgx_type {
	PCK_STANDARD,
	PCK_SCALABLE,
	PCK_SCALABLE_WITH_INTEGRITY,
};

struct pck_info {
	uint8_t ppid[16];
	uint8_t component[PCK_COMPONENT_COUNT]; /* SGX TCB component SVNs */
	uint16_t pce_svn;
	uint8_t cpu_svn[16]; /* informative; levels compare components */
	uint8_t pce_id[2];
	uint8_t fmspc[6];
	enum pck_sgx_type sgx_type;
	/* Platform-CA certificates only */
	bool has_platform;
	uint8_t platform_instance_id[16];
	bool dynamic_platform, cached_keys, smt_enabled;
};

/* 'extension' is struct cert's sgx.  False, *out untouched: not of its form. */
bool pck_parse(struct pck_info *out, struct span extension);

#endif
