/*
 * certs: the authority of a demo's web pages, and the certificate its gateways
 * show for <base> and *.<base>.
 *
 * Stands in for an ACME account: the key of this authority lies on the host,
 * so nothing about it is attested.  Made with openssl(1).
 */
#ifndef POSTERN_CLI_CERTS_H
#define POSTERN_CLI_CERTS_H

#include "base/rc.h"

/* <state>/ca.pem and ca.key, unless they are there and last another week. */
enum rc certs_authority(const char *state, char error[512]);

/* <folder>/chain.pem and key.pem, signed by that authority for 30 days. */
enum rc certs_issue(const char *state, const char *base, const char *folder,
		    char error[512]);

#endif
