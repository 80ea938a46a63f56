/*
 * certs: a throwaway authority, and the certificate for <base> and *.<base>
 * that a gateway shows where nothing better is at hand: in a cloud without a
 * world (see world.h), and at gateways that no CA certifies.
 *
 * The key of this authority lies on the host, so nothing about it is attested.
 * Made with openssl(1).
 */
#ifndef POSTERN_CLI_CERTS_H
#define POSTERN_CLI_CERTS_H

#include "base/rc.h"

/* <folder>/ca.pem and ca.key, unless they are there and last another week. */
enum rc certs_authority(const char *folder, char error[512]);

/* <folder>/chain.pem and key.pem, signed for 30 days by the authority in that
 * other folder. */
enum rc certs_issue(const char *authority, const char *base, const char *folder,
		    char error[512]);

#endif
