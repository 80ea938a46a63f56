/* config: kms.yaml.  Source: docs/CONFIGURATION.md. */
#ifndef POSTERN_KMS_CONFIG_H
#define POSTERN_KMS_CONFIG_H

#include "io/sock.h"
#include "node/settings.h"

struct config {
	struct arena arena; /* of everything below */
	const char *node, *admin, *manifest, *state;
	struct sock_addr listen;
	struct conf_list peers; /* of struct sock_addr */
	struct trust_settings trust;
	struct quotes_settings quotes;
	uint64_t max_channels, quote_interval_ms, source_per_minute;
	int log;
};

/* RC_MALFORMED: error says "file:line: key: what is expected". */
enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX]);
void config_fini(struct config *c);

#endif
