/*
 * san: a subjectAltName as libcrypto has it.  For request and proof.
 */
#ifndef POSTERN_PKI_SAN_H
#define POSTERN_PKI_SAN_H

#include <openssl/x509v3.h>

#include "pki/request.h"

/* Returns owned: san_auto().  NULL when a name's length is not one its kind
 * has. */
GENERAL_NAMES *san_of(const struct request_name *names, size_t count);
/* For AUTO(). */
void san_auto(GENERAL_NAMES **names);

#endif
