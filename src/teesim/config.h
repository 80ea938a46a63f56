/*
 * config: teesim.yaml, by a table (docs/CONFIGURATION.md).
 */
#ifndef POSTERN_TEESIM_CONFIG_H
#define POSTERN_TEESIM_CONFIG_H

#include "conf/conf.h"
#include "io/log.h"
#include "teesim/td.h"

/* Strings live in the arena. */
struct config {
	const char *state; /* folder of the PKI */
	const char *collateral; /* folder of the documents */
	const char *root; /* file of the simulated anchor */
	const char *control; /* socket; NULL: none */
	uint64_t quote_delay_ms;
	struct conf_list tds; /* struct td_spec */
	int log; /* enum log_level */
};

/* As conf_read(), with defaults; two trust domains may not share a name or a
 * socket. */
enum rc config_read(struct config *out, struct arena *arena, const char *name,
		    struct span text, char error[CONF_ERROR_MAX]);

#endif
