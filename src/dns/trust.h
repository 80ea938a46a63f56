/*
 * trust: how far an answer of DNS can be believed.
 *
 * Source: RFC 4035 §4.3; RFC 4033 §5.
 */
#ifndef POSTERN_DNS_TRUST_H
#define POSTERN_DNS_TRUST_H

/* From the worst to the best. */
enum dns_trust {
	DNS_FAILED, /* none came, or an error did */
	DNS_BOGUS, /* signed, and the signatures are wrong */
	DNS_INSECURE, /* its zone is proved to be unsigned */
	DNS_SECURE, /* signed up to the anchor: also the absence of records */
};
/* "failed", "bogus", "insecure", "secure". */
const char *dns_trust_name(enum dns_trust t);

#endif
