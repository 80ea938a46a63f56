#include "cli/status.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/complaint.h"
#include "cli/gather.h"
#include "cli/json.h"
#include "cli/place.h"
#include "io/clock.h"

static const char status_help[] =
	"usage: postern status [--name NAME] [--json]\n"
	"\n"
	"Nodes, services, leases and tunnels of a cloud that `postern up` runs "
	"(default demo).\n"
	"\n"
	"Exit status: 0 shown, 1 no such cloud, 2 arguments unusable.\n";

static json_int_t number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* "wg registrar edge" when all is well, else each with its state. */
static void print_services(const json_t *node)
{
	const json_t *services = json_object_get(node, "services"), *s;
	char line[256] = "";
	size_t i, n = 0;

	json_array_foreach(services, i, s)
	{
		const char *state = jtext(s, "state");
		json_int_t restarts = number_of(s, "restarts");
		bool is_fine = strcmp(state, "ready") == 0;

		if (strcmp(state, "done") == 0 || n >= sizeof(line) - 64)
			continue;
		n += (size_t)snprintf(line + n, 64, "%s%.20s%s%.10s%s",
				      n ? " " : "", jtext(s, "name"),
				      is_fine ? "" : ":", is_fine ? "" : state,
				      restarts ? "*" : "");
	}
	printf("%-22s", line);
}

static void print_gateway(const json_t *node)
{
	const json_t *status = json_object_get(node, "status");

	if (!json_is_object(status)) {
		fputs(" (no answer)", stdout);
		return;
	}
	printf(" %zu leases, %lld refused",
	       json_array_size(json_object_get(node, "leases")),
	       (long long)number_of(status, "refusals"));
}

static void print_cvm(const json_t *node)
{
	const json_t *status = json_object_get(node, "status");
	const json_t *lease = json_object_get(status, "lease");
	const json_t *refusals = json_object_get(status, "refusals");

	if (!json_is_object(status)) {
		fputs(" (no answer)", stdout);
		return;
	}
	printf(" %s", jtext(status, "state"));
	if (json_is_object(lease))
		printf(" %s", jtext(lease, "address"));
	if (json_array_size(refusals) > 0)
		printf(", last refusal: %s",
		       jtext(json_array_get(refusals, 0), "reason"));
}

static void print_node(const json_t *node)
{
	const char *kind = jtext(node, "kind");

	printf("%-12s %-9s %-15s ", jtext(node, "name"), kind,
	       jtext(node, "address"));
	print_services(node);
	if (strcmp(kind, "gateway") == 0)
		print_gateway(node);
	else if (strcmp(kind, "cvm") == 0)
		print_cvm(node);
	putchar('\n');
}

static void print_lease(const json_t *l)
{
	json_int_t left_ms = number_of(l, "expires_unix_ms") - clock_unix_ms();

	printf("  %-12s %.8s %-12s %4lld s left, renewed %lld times, %s, %s, "
	       "rx %lld tx %lld\n",
	       jtext(l, "app_name"), jtext(l, "instance_id"),
	       jtext(l, "address"), (long long)(left_ms / 1000),
	       (long long)number_of(l, "renewals"), jtext(l, "image"),
	       jtext(l, "tcb_status"), (long long)number_of(l, "rx_bytes"),
	       (long long)number_of(l, "tx_bytes"));
}

static void print_cloud(const json_t *cloud)
{
	const json_t *nodes = json_object_get(cloud, "nodes"), *node, *l;
	size_t i, k;

	printf("cloud %s, SIMULATED TEEs, https://*.%s:%lld, "
	       "supervisor %lld\n\n"
	       "%-12s %-9s %-15s %-22s TUNNEL\n",
	       jtext(cloud, "name"), jtext(cloud, "base"),
	       (long long)number_of(cloud, "port"),
	       (long long)number_of(cloud, "supervisor"), "NODE", "KIND",
	       "ADDRESS", "SERVICES (* restarted)");
	json_array_foreach(nodes, i, node)
		print_node(node);
	json_array_foreach(nodes, i, node)
	{
		const json_t *leases = json_object_get(node, "leases");

		if (json_array_size(leases) > 0)
			printf("\nleases of %s\n", jtext(node, "name"));
		json_array_foreach(leases, k, l)
			print_lease(l);
	}
}

int cli_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *name = PLACE_DEFAULT_NAME;
	struct complainer say = complainer_of("status", argc, argv);
	bool is_json = false;
	json_t *cloud;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'n')
			name = optarg;
		else if (c == 'j')
			is_json = true;
		else if (c == 'h') {
			fputs(status_help, stdout);
			return CLI_OK;
		} else
			return complain_usage(&say, "wrong arguments");
	}
	if (optind < argc)
		return complain_usage(&say, "what is '%s'?", argv[optind]);
	if (!cloud_is_name(name))
		return complain_usage(&say, "what is '%s'?", name);
	say.is_json = is_json;
	if (!complain_is_root(&say))
		return CLI_REFUSED;
	cloud = gather_cloud(name);
	if (!cloud)
		return complain(&say, CLI_REFUSED, COMPLAINT_SILENT, NULL,
				"no cloud %s runs here; `postern up` starts "
				"one",
				name);
	if (is_json)
		jprint(stdout, cloud);
	else
		print_cloud(cloud);
	json_decref(cloud);
	return CLI_OK;
}
