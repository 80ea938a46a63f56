/* ca_inside: what certd/ca and its driving share; nobody else includes it. */
#ifndef POSTERN_CERTD_CA_INSIDE_H
#define POSTERN_CERTD_CA_INSIDE_H

#include "certd/ca.h"

struct ca {
	struct ca_options options;
	struct acme *client;
	struct p256_private *key, *next_key, *certificate_key;
	struct path_roots *roots;
	char purpose[FORM_PURPOSE_MAX + 1]; /* of the client's state */
	bool has_state;
	enum ca_standing standing;
};

#endif
