/* config: registrar.yaml.  Source: docs/CONFIGURATION.md. */
#ifndef POSTERN_REGISTRAR_CONFIG_H
#define POSTERN_REGISTRAR_CONFIG_H

#include "io/sock.h"
#include "io/tun.h"
#include "node/settings.h"
#include "store/store.h"

struct config_wireguard {
	const char *interface;
	uint64_t listen_port;
	struct sock_addr endpoint; /* what CVMs are told to send to */
	struct io_prefix address; /* own, and the network to hand out of */
	uint64_t keepalive_ms; /* what CVMs are told to send; 0: off */
};

struct config {
	struct arena arena; /* of everything below */
	const char *base, *node, *admin, *status, *store, *manifest;
	const char *edge; /* its metrics socket, for the page; "": none */
	const char *state; /* folder of the instance id; default: store */
	struct sock_addr listen;
	struct trust_settings trust;
	struct quotes_settings quotes;
	struct config_wireguard wireguard;
	uint64_t lease_ms, max_channels, quote_interval_ms;
	bool has_apps; /* 'apps' is there: only these are admitted */
	struct conf_list apps; /* of uint8_t[STORE_ID_LEN] */
	struct conf_list aliases; /* of struct store_alias */
	int log;
};

/* RC_MALFORMED: error says "file:line: key: what is expected". */
enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX]);
void config_fini(struct config *c);

/* Whether 'apps' lets an app in. */
bool config_admits(const struct config *c, const uint8_t app_id[STORE_ID_LEN]);

#endif
