/*
 * settings: what the configuration files of registrar and agent have in
 * common, and reading such a file.
 *
 * Source: docs/CONFIGURATION.md.
 */
#ifndef POSTERN_NODE_SETTINGS_H
#define POSTERN_NODE_SETTINGS_H

#include "base/arena.h"
#include "base/rc.h"
#include "conf/conf.h"
#include "io/sock.h"
#include "pcs/request.h"

enum {
	SETTINGS_ARENA_MAX = 4 * 1024 * 1024,
	SETTINGS_PLATFORMS_MAX = 64,
};

/* trust.source.update: which of the TCB states on offer */
struct source_update {
	enum pcs_update kind;
	uint32_t evaluation; /* with PCS_UPDATE_NUMBER */
};

/* trust.source: { url, ca, update, platforms } */
struct source_settings {
	struct pcs_server server;
	const char *ca; /* roots of its certificate; NULL: the system's */
	struct source_update update;
	struct conf_list platforms; /* FMSPCs, PCS_FMSPC_LEN bytes each */
};

/* trust: { policy, collateral, simulated_root, source } */
struct trust_settings {
	const char *policy, *collateral;
	const char *simulated_root; /* NULL: only Intel's root is trusted */
	struct source_settings source;
};
/* Collateral is fetched. */
bool settings_has_source(const struct trust_settings *s);
/* Where from, when the URL has an address; false: a name, or no source. */
bool settings_source_address(struct sock_addr *out,
			     const struct trust_settings *s);
extern const struct conf_field settings_trust_fields[];

/* quotes: { simulator } */
struct quotes_settings {
	const char *simulator; /* NULL: real TDX only */
};
extern const struct conf_field settings_quotes_fields[];

/* The names of CONF_ENUM for 'log:', in the order of enum log_level. */
extern const char *const settings_log_names[];

/* Checks of CUSTOM fields: struct sock_addr; struct io_prefix. */
conf_check_fn settings_check_address, settings_check_prefix;
/* Of STRING fields: 1..63 of [a-z0-9-]; an interface name; a host name. */
conf_check_fn settings_check_label, settings_check_interface,
	settings_check_host;
#define SETTINGS_ADDRESS "an address such as 192.0.2.1:443 or unix:/path"
#define SETTINGS_PREFIX "a prefix such as 10.88.0.1/16"
#define SETTINGS_LABEL "1 to 63 of a-z, 0-9 and -"
#define SETTINGS_INTERFACE "an interface name of at most 15 characters"
#define SETTINGS_HOST "a host name"

/*
 * Reads the file at 'path' into *out, as conf_read() does.  A file that cannot
 * be read is a mistake like any other: RC_MALFORMED, and error says.
 */
enum rc settings_load(void *out, const struct conf_field *fields,
		      struct arena *arena, const char *path,
		      char error[CONF_ERROR_MAX]);

/* The command line of a daemon: --config FILE, --check, --version, --help, and
 * the program's own. */
struct settings_arguments {
	const char *config;
	bool only_check;
	/* the program's own, "--switch", NULL-ended; NULL: it has none */
	const char *const *own;
	const char *given; /* which of them; the last one counts */
};
enum settings_start {
	SETTINGS_GO,
	SETTINGS_EXIT_OK, /* --help or --version was answered */
	SETTINGS_EXIT_USAGE, /* a mistake was reported */
};
enum settings_start settings_arguments(struct settings_arguments *out,
				       const char *program, int argc,
				       char *const argv[]);

#endif
