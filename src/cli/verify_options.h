/*
 * verify_options: what was asked of `postern verify`, and the files behind it:
 * rules, platform policy, anchors, roots, log list, DNS anchors.
 */
#ifndef POSTERN_CLI_VERIFY_OPTIONS_H
#define POSTERN_CLI_VERIFY_OPTIONS_H

#include "cli/complaint.h"
#include "cli/documents.h"
#include "evidence/checks.h"
#include "evidence/gathered.h"
#include "io/sock.h"

enum {
	VERIFY_FORWARDERS_MAX = 4,
	VERIFY_SOURCES_MAX = GATHERED_SOURCES_MAX,
	VERIFY_FILE_MAX = 64 * 1024 * 1024,
	VERIFY_ARENA = 512 * 1024 * 1024,
	VERIFY_HOST_MAX = 254,
	VERIFY_TIMEOUT_S = 60, /* of all that is asked of the network */
	VERIFY_TIMEOUT_MAX_S = 3600,
};

/* Where the history comes from: "crt.sh=https://crt.sh". */
struct verify_source {
	bool is_certspotter;
	const char *name, *url;
};

struct verify_options {
	struct complainer say;
	char host[VERIFY_HOST_MAX], port[6];
	bool has_name;
	const char *policy, *html, *offline, *save, *log_list, *log_list_key,
		*trust_anchor, *ca_file, *connect, *collateral, *memory;
	struct sock_addr forwarders[VERIFY_FORWARDERS_MAX];
	size_t forwarder_count;
	struct verify_source sources[VERIFY_SOURCES_MAX];
	size_t source_count;
	bool has_at, is_json, is_http, trust_saved, help;
	int64_t at;
	unsigned timeout_s;
	uint64_t give_up_at_ms; /* of clock_boot_ms() */
};
/* CLI_OK, or the complaint's status. */
int verify_options_read(struct verify_options *o, int argc, char **argv);

/* Milliseconds until everything is given up, at most 'max'; 0: now. */
unsigned verify_time_left(const struct verify_options *o, unsigned max);

/* What the verdict stands on beside the gathered; all in the arena. */
struct verify_grounds {
	struct rules rules;
	struct arena policy_arena;
	struct tee_policy policy;
	bool has_policy;
	struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX + 1];
	size_t anchor_count;
	struct path_roots *roots;
	struct span log_list_key; /* SPKI, DER; n == 0: none is pinned */
	struct span dns_anchors;
	struct material_memory memory; /* of the last visit */
	struct witness_policy witnesses;
	bool has_witnesses;
};
/* CLI_OK, or the complaint's status; verify_grounds_fini() is due anyway. */
int verify_grounds_load(struct verify_grounds *g, struct arena *arena,
			const struct verify_options *o);
void verify_grounds_fini(struct verify_grounds *g);

/* A whole file, in the arena.  False: error says why. */
bool verify_file(struct span *out, struct arena *arena, const char *path,
		 char error[COLLATERAL_ERROR_MAX]);

#endif
