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
	"Nodes, services, leases, tunnels, apps, certificates and rates of a "
	"cloud that\n"
	"`postern up` runs (default demo), or of this machine when it is a "
	"gateway.\n"
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

static void print_kms(const json_t *node)
{
	const json_t *status = json_object_get(node, "status");
	const json_t *policy = json_object_get(status, "policy");
	const json_t *counts = json_object_get(status, "counts");

	if (!json_is_object(status)) {
		fputs(" (no answer)", stdout);
		return;
	}
	printf(" %s, %lld apps, released %lld keys, refused %lld",
	       strcmp(jtext(status, "ready"), "ok") == 0
		       ? "ready"
		       : jtext(status, "ready"),
	       (long long)number_of(policy, "apps"),
	       (long long)number_of(counts, "keys"),
	       (long long)number_of(counts, "refusals"));
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
	else if (strcmp(kind, "kms") == 0)
		print_kms(node);
	putchar('\n');
}

static void print_lease(const json_t *l)
{
	json_int_t now_ms = clock_unix_ms();
	json_int_t left_ms = number_of(l, "expires_unix_ms") - now_ms;
	json_int_t age_ms = now_ms - number_of(l, "renewed_unix_ms");
	const json_t *handshake = json_object_get(l, "handshake_age_s");
	char shaken[32] = "never";

	if (json_is_integer(handshake))
		(void)snprintf(shaken, sizeof(shaken), "%lld s ago",
			       (long long)json_integer_value(handshake));
	printf("  %-12s %.8s %-12s %4lld s left, renewed %lld times, "
	       "evidence %lld s old, handshake %s, %s, %s, rx %lld tx %lld\n",
	       jtext(l, "app_name"), jtext(l, "instance_id"),
	       jtext(l, "address"), (long long)(left_ms / 1000),
	       (long long)number_of(l, "renewals"), (long long)(age_ms / 1000),
	       shaken, jtext(l, "image"), jtext(l, "tcb_status"),
	       (long long)number_of(l, "rx_bytes"),
	       (long long)number_of(l, "tx_bytes"));
}

/* "1234", "12.3 k", "4.5 M", "6.7 G" */
static const char *amount(char out[24], json_int_t n)
{
	static const char units[] = " kMGT";
	double v = (double)n;
	int unit = 0;

	while (v >= 10000 && unit < 4) {
		v /= 1000;
		unit++;
	}
	if (unit == 0)
		(void)snprintf(out, 24, "%lld", (long long)n);
	else
		(void)snprintf(out, 24, "%.1f %c", v, units[unit]);
	return out;
}

static void print_certificate(const json_t *c)
{
	const json_t *names = json_object_get(c, "names"), *name;
	json_int_t left_s = number_of(c, "expires_in_s");
	size_t i;

	fputs("  certificate", stdout);
	json_array_foreach(names, i, name)
		printf(" %s", json_string_value(name));
	if (left_s < 0)
		puts(": EXPIRED");
	else
		printf(": %lld days left, issued by %s\n",
		       (long long)(left_s / 86400), jtext(c, "issuer"));
}

static void print_app(const json_t *a)
{
	char up[24], down[24], total[24];

	printf("  %-12s %.8s %9lld %7lld %9s %8lld %9s %9s  %lld s\n",
	       jtext(a, "app_name"), jtext(a, "app_id"),
	       (long long)number_of(a, "instances"),
	       (long long)number_of(a, "active"),
	       amount(total, number_of(a, "connections")),
	       (long long)number_of(a, "limited"),
	       amount(up, number_of(a, "bytes_up")),
	       amount(down, number_of(a, "bytes_down")),
	       (long long)(number_of(a, "oldest_evidence_ms") / 1000));
}

static void print_edge(const json_t *node)
{
	const json_t *edge = json_object_get(node, "edge");
	const json_t *rates = json_object_get(edge, "per_s"), *one;
	const json_t *workers = json_object_get(edge, "workers");
	const json_t *apps = json_object_get(node, "apps");
	json_int_t restarts = 0;
	char up[24], down[24];
	size_t i;

	if (!json_is_object(edge))
		return;
	json_array_foreach(workers, i, one)
		restarts += number_of(one, "restarts");
	printf("\nedge of %s: %s, %lld connections; a second: %lld new, %lld "
	       "handshakes, %lld refused, %s bytes up, %s down\n"
	       "  %zu workers, %lld restarted; configuration %lld\n",
	       jtext(node, "name"), jtext(edge, "state"),
	       (long long)number_of(edge, "connections"),
	       (long long)number_of(rates, "connections"),
	       (long long)number_of(rates, "handshakes"),
	       (long long)number_of(rates, "refused"),
	       amount(up, number_of(rates, "bytes_up")),
	       amount(down, number_of(rates, "bytes_down")),
	       json_array_size(workers), (long long)restarts,
	       (long long)number_of(edge, "generation"));
	json_array_foreach(json_object_get(node, "certificates"), i, one)
		print_certificate(one);
	if (json_array_size(apps) > 0)
		puts("  APP          ID       INSTANCES  ACTIVE     TOTAL  "
		     "LIMITED        UP      DOWN  OLDEST EVIDENCE");
	json_array_foreach(apps, i, one)
		print_app(one);
}

/* The domains that end in a CVM, what they are served with, and what their
 * owner has to do. */
static void print_ingress(const json_t *node)
{
	const json_t *ingress = json_object_get(
		json_object_get(node, "status"), "ingress");
	const json_t *one;
	size_t i;

	if (!json_is_object(ingress))
		return;
	printf("\ningress of %s:", jtext(node, "name"));
	json_array_foreach(json_object_get(ingress, "domains"), i, one)
		printf(" %s", jtext(one, "name"));
	putchar('\n');
	json_array_foreach(json_object_get(node, "certificates"), i, one)
		print_certificate(one);
	json_array_foreach(json_object_get(node, "alarms"), i, one)
		printf("  %s %s: %s\n", jtext(one, "kind"),
		       jtext(one, "about"), jtext(one, "text"));
}

static void print_cloud(const json_t *cloud)
{
	const json_t *nodes = json_object_get(cloud, "nodes"), *node, *l;
	size_t i, k;

	if (json_object_get(cloud, "name"))
		printf("cloud %s, SIMULATED TEEs, https://*.%s:%lld, "
		       "supervisor %lld\n\n",
		       jtext(cloud, "name"), jtext(cloud, "base"),
		       (long long)number_of(cloud, "port"),
		       (long long)number_of(cloud, "supervisor"));
	printf("%-12s %-9s %-15s %-22s TUNNEL\n", "NODE", "KIND", "ADDRESS",
	       "SERVICES (* restarted)");
	json_array_foreach(nodes, i, node)
		print_node(node);
	json_array_foreach(nodes, i, node)
	{
		const json_t *leases = json_object_get(node, "leases");

		if (json_array_size(leases) > 0)
			printf("\nleases of %s\n", jtext(node, "name"));
		json_array_foreach(leases, k, l)
			print_lease(l);
		print_edge(node);
		print_ingress(node);
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
	bool is_json = false, is_named = false;
	json_t *cloud;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'n') {
			name = optarg;
			is_named = true;
		} else if (c == 'j')
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
	if (!cloud && !is_named)
		cloud = gather_machine();
	if (!cloud)
		return complain(&say, CLI_REFUSED, COMPLAINT_SILENT, NULL,
				"no cloud %s runs here; `postern up` starts "
				"one; nor is this machine a gateway",
				name);
	if (is_json)
		jprint(stdout, cloud);
	else
		print_cloud(cloud);
	json_decref(cloud);
	return CLI_OK;
}
