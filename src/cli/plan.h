/*
 * plan: a cloud turned into machines: which namespaces, folders and services
 * each of its nodes gets, and what stands in their configuration.
 *
 *   <state>/ca.pem                     roots of the gateway's web pages; with
 *                                      ca.key, where the cloud has no world
 *   <state>/world/                     of the world, see world.h
 *   <state>/<node>/etc/postern/...     over /etc of the node
 *   <state>/<node>/lib/                its /var/lib
 *   <state>/<node>/log/<service>.log
 *   <state>/platform/                  the simulated TDX platform
 *   <state>/trust.yaml                 policy that accepts the gateways, and
 *                                      the key service
 *   <state>/kms-*                      of its administrator: keyservice.h
 *   <state>/<node>/lib/postern-vm/     of a CVM that is a virtual machine
 *   <run>/<node>/run/                  its /run
 *   <run>/platform/control.sock        launches trust domains
 *
 * Two nodes are always there: "platform", outside every TD, and "hostile", the
 * network in the middle.
 */
#ifndef POSTERN_CLI_PLAN_H
#define POSTERN_CLI_PLAN_H

#include "cli/cloud.h"
#include "cli/node.h"
#include "vm/image.h"

enum {
	PLAN_ERROR_MAX = 512,
	PLAN_PLATFORM = 0, /* places in machines[] */
	PLAN_HOSTILE = 1,
	PLAN_FIRST_NODE = 2,
	PLAN_MACHINES_MAX =
		PLAN_FIRST_NODE + CLOUD_KMS_MAX + CLOUD_GATEWAYS_MAX +
		CLOUD_CVMS_MAX,
};

struct machine {
	struct node_spec spec;
	struct node node;
	/* What it is; the other two are NULL, or all of them are. */
	const struct cloud_gateway *gateway;
	const struct cloud_cvm *cvm;
	const struct cloud_kms *kms;
	const char *address; /* on the network in between, or NULL */
	const char *conf; /* <etc>/postern */
	const char *tee_socket; /* of the simulated platform, for this TD */
	const char *manifest; /* file, measured */
};

struct plan_places {
	const char *state, *run, *bin;
	bool has_kernel_wireguard;
	int public_fds[2]; /* listening, for the public gateway */
	unsigned public_count;
	const struct image *image; /* of virtual machines; NULL: none is one */
};

struct plan {
	const struct cloud *cloud;
	struct plan_places places;
	struct machine machines[PLAN_MACHINES_MAX];
	size_t count;
	const char *control; /* socket of the platform's owner */
};

/* Strings live in the arena, cloud is borrowed. */
void plan_make(struct plan *out, const struct cloud *cloud,
	       const struct plan_places *places, struct arena *arena);

/* Makes every folder.  RC_SYS: error. */
enum rc plan_folders(const struct plan *p, char error[PLAN_ERROR_MAX]);

#endif
