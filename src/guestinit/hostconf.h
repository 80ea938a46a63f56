/*
 * hostconf: what a guest's host tells it of the world around it, as a small
 * JSON object (docs/IMAGE.md): names and addresses, of which none is trusted.
 *
 * The host can say anything here.  So it can cut the guest off, which it can
 * anyway; everything that matters is either measured (the manifest) or proves
 * itself (the gateway, the key services, the collateral's signatures).  What is
 * read here goes into a configuration file, so texts have narrow alphabets.
 *
 * Pure.
 */
#ifndef POSTERN_GUESTINIT_HOSTCONF_H
#define POSTERN_GUESTINIT_HOSTCONF_H

#include <stdbool.h>

#include "base/rc.h"
#include "base/span.h"
#include "io/tun.h"

enum {
	HOSTCONF_MAX = 16 * 1024, /* bytes */
	HOSTCONF_ERROR_MAX = 160,
	HOSTCONF_KMS_MAX = 8,
	HOSTCONF_ADDRESS_MAX = 64, /* with a NUL */
	HOSTCONF_URL_MAX = 256, /* with a NUL */
	HOSTCONF_PEM_MAX = 4096, /* with a NUL */
};

struct hostconf {
	char node[64]; /* 1..63 of [a-z0-9-] */
	char gateway_address[HOSTCONF_ADDRESS_MAX]; /* "192.0.2.1:443" */
	char gateway_name[254]; /* of [a-z0-9.-] */
	char gateway_app[41]; /* hex; "": any that the policy accepts */
	char kms[HOSTCONF_KMS_MAX][HOSTCONF_ADDRESS_MAX];
	size_t kms_count;
	bool has_net;
	struct io_prefix address; /* with has_net; IPv4 */
	uint8_t route[4]; /* the default gateway; zero: none */
	char collateral_url[HOSTCONF_URL_MAX]; /* "": none */
	char simulated_root[HOSTCONF_PEM_MAX]; /* "": none */
};

/*
 * Reads the object.  'is_simulated' says which kind of image asks: a simulated
 * one needs "simulated_root", another one refuses it.
 *
 * RC_MALFORMED  error names the member and what is expected of it
 * RC_DENIED     a simulated root, for an image that knows none
 *
 * On failure *out is untouched.
 */
enum rc hostconf_read(struct hostconf *out, struct span json, bool is_simulated,
		      char error[HOSTCONF_ERROR_MAX]);

#endif
