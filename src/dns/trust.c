#include "dns/trust.h"

const char *dns_trust_name(enum dns_trust t)
{
	static const char *const names[] = {
		[DNS_FAILED] = "failed",
		[DNS_BOGUS] = "bogus",
		[DNS_INSECURE] = "insecure",
		[DNS_SECURE] = "secure",
	};

	return names[t];
}
