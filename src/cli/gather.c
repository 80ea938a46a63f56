#include "cli/gather.h"

#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/json.h"
#include "cli/place.h"

/* What a program of the node answers, or null.  Without a cloud the node is
 * this machine. */
static json_t *ask_node(const char *cloud, const char *node,
			const char *socket, const char *question)
{
	char rest[128], path[PLACE_PATH_MAX], error[ASK_ERROR_MAX];
	json_t *answer = NULL;

	if (cloud) {
		(void)snprintf(rest, sizeof(rest), "%.32s/run/postern/%s", node,
			       socket);
		place_path(path, cloud, rest);
	} else {
		(void)snprintf(path, sizeof(path), "/run/postern/%s", socket);
	}
	if (ask(&answer, path, "GET", question, error))
		return json_null();
	return answer;
}

/* One list out of an answer: {"leases": [...]} to [...]. */
static json_t *ask_list(const char *cloud, const char *node, const char *socket,
			const char *list)
{
	char question[64];
	json_t *answer, *inner;

	(void)snprintf(question, sizeof(question), "/v1/%s", list);
	answer = ask_node(cloud, node, socket, question);
	inner = json_incref(json_object_get(answer, list));
	json_decref(answer);
	return inner ? inner : json_array();
}

static void add_services(json_t *node, const char *cloud, const char *name)
{
	char rest[128], path[PLACE_PATH_MAX];
	json_t *report;

	(void)snprintf(rest, sizeof(rest), "%.32s/run/postern/services.json",
		       name);
	place_path(path, cloud, rest);
	report = jload(path);
	(void)json_object_set(node, "services",
			      json_object_get(report, "services"));
	json_decref(report);
}

static void add_gateway(json_t *node, const char *cloud, const char *name)
{
	static const char registrar[] = "admin.sock";
	static const char edge[] = "edge-admin.sock";
	static const struct {
		const char *key, *socket, *list;
	} lists[] = {
		{ "leases", registrar, "leases" },
		{ "refusals", registrar, "refusals" },
		{ "apps", edge, "apps" },
		{ "certificates", edge, "certificates" },
	};
	size_t i;

	(void)json_object_set_new(node, "status",
				  ask_node(cloud, name, registrar,
					   "/v1/status"));
	(void)json_object_set_new(node, "edge",
				  ask_node(cloud, name, edge, "/v1/status"));
	for (i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		(void)json_object_set_new(node, lists[i].key,
					  ask_list(cloud, name, lists[i].socket,
						   lists[i].list));
}

/* Of a CVM that ends TLS of its app's domains. */
static void add_ingress(json_t *node, const char *cloud, const char *name)
{
	const json_t *status = json_object_get(node, "status");
	json_t *cert;

	if (!json_is_object(json_object_get(status, "ingress")))
		return;
	cert = ask_node(cloud, name, "ingress/cert.sock", "/v1/status");
	(void)json_object_set_new(node, "certificates",
				  ask_list(cloud, name, "ingress/edge.sock",
					   "certificates"));
	(void)json_object_set(node, "alarms", json_object_get(cert, "alarms"));
	json_decref(cert);
}

static void add_node(json_t *node, const char *cloud)
{
	const char *name = "", *kind = "";

	(void)json_unpack(node, "{s:s, s:s}", "name", &name, "kind", &kind);
	add_services(node, cloud, name);
	if (strcmp(kind, "gateway") == 0) {
		add_gateway(node, cloud, name);
	} else if (strcmp(kind, "cvm") == 0) {
		(void)json_object_set_new(
			node, "status",
			ask_node(cloud, name, "agent.sock", "/v1/status"));
		add_ingress(node, cloud, name);
	} else if (strcmp(kind, "kms") == 0) {
		(void)json_object_set_new(
			node, "status",
			ask_node(cloud, name, "kms.sock", "/v1/status"));
	}
}

static json_t *describe(const char *name)
{
	char path[PLACE_PATH_MAX];

	place_path(path, name, "cloud.json");
	return jload(path);
}

json_t *gather_cloud(const char *name)
{
	pid_t pid = place_supervisor(name);
	json_t *cloud = pid > 0 ? describe(name) : NULL;
	json_t *node;
	size_t i;

	if (!cloud)
		return NULL;
	(void)json_object_set_new(cloud, "supervisor", json_integer(pid));
	json_array_foreach(json_object_get(cloud, "nodes"), i, node)
		add_node(node, name);
	return cloud;
}

json_t *gather_machine(void)
{
	json_t *node = json_pack("{s:s, s:s, s:s}", "name", "this machine",
				 "kind", "gateway", "address", "");

	add_gateway(node, NULL, "");
	if (json_is_object(json_object_get(node, "status")) ||
	    json_is_object(json_object_get(node, "edge")))
		return json_pack("{s:[o]}", "nodes", node);
	json_decref(node);
	return NULL;
}

void gather_admin(char out[GATHER_PATH_MAX], const char *name)
{
	json_t *cloud = place_supervisor(name) > 0 ? describe(name) : NULL;
	json_t *node;
	size_t i;

	(void)snprintf(out, GATHER_PATH_MAX, "/run/postern/admin.sock");
	json_array_foreach(json_object_get(cloud, "nodes"), i, node)
	{
		const char *at = "", *kind = "";
		char rest[128];

		(void)json_unpack(node, "{s:s, s:s}", "name", &at, "kind",
				  &kind);
		if (strcmp(kind, "gateway") != 0)
			continue;
		(void)snprintf(rest, sizeof(rest),
			       "%.32s/run/postern/admin.sock",
			       at);
		place_path(out, name, rest);
		break;
	}
	json_decref(cloud);
}
