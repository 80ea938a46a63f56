#include "cli/up_prepare.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/fmt.h"
#include "cli/leftovers.h"
#include "cli/vm_start.h"
#include "io/sock.h"
#include "wgctl/wgctl.h"

enum {
	LISTEN_BACKLOG = 512,
};

static bool open_public(struct up_run *u, struct plan_places *places)
{
	static const char *const hosts[] = { "127.0.0.1", "[::1]" };

	for (size_t i = 0; i < 2; i++) {
		const char *at = fmt(&u->arena, "%s:%llu", hosts[i],
				     (unsigned long long)u->options.port);
		struct sock_addr a;
		int fd;

		if (sock_addr_parse(&a, span_str(at)) &&
		    sock_listen(&fd, &a, LISTEN_BACKLOG) == RC_OK) {
			places->public_fds[places->public_count++] = fd;
			continue;
		}
		/* A machine without IPv6 is served on IPv4. */
		if (i == 1 && errno != EADDRINUSE)
			continue;
		(void)snprintf(u->error, UP_RUN_ERROR_MAX, "%s: %s; try --port",
			       at, strerror(errno));
		return false;
	}
	return true;
}

static bool own_folder(struct up_run *u, const char **bin)
{
	char path[PLACE_PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	*slash = '\0';
	*bin = fmt(&u->arena, "%s", path);
	return true;
}

/* For the commands that look at a running cloud. */
static bool note_cloud(struct up_run *u)
{
	char path[PLACE_PATH_MAX];
	json_t *nodes = json_array(), *root;
	char *text;
	enum rc rc;

	for (size_t i = 0; i < u->plan.count; i++) {
		const struct machine *m = &u->plan.machines[i];
		const char *kind = m->cvm	? "cvm"
				   : m->gateway ? "gateway"
				   : m->kms	? "kms"
						: m->spec.name;

		(void)json_array_append_new(
			nodes,
			json_pack("{s:s, s:s, s:s, s:b}", "name", m->spec.name,
				  "kind", kind, "address",
				  m->address ? m->address : "", "public",
				  m->gateway && m->gateway->is_public));
	}
	root = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:b, s:o}", "name",
			 u->cloud.name, "state", u->plan.places.state, "base",
			 u->cloud.base, "control", u->plan.control, "port",
			 (json_int_t)u->options.port, "lease_ms",
			 (json_int_t)u->cloud.lease_ms, "simulated", 1, "nodes",
			 nodes);
	text = json_dumps(root, JSON_INDENT(1));
	place_path(path, u->cloud.name, "cloud.json");
	rc = fmt_file(path, 0644, text);
	free(text);
	json_decref(root);
	return rc == RC_OK;
}

/* Which CVMs are virtual machines: those in which something is to run. */
static bool choose_machines(struct up_run *u, struct plan_places *places)
{
	struct cloud_cvm *cvms = u->cloud.cvms.items;
	const char *given = u->options.image;

	if (strcmp(u->options.backend, "vm") != 0)
		return true;
	if (!strchr(given, '/'))
		given = fmt(&u->arena, VM_IMAGES "/%s", given);
	if (vm_image_open(&u->image, &u->arena, given, u->error))
		return false;
	for (size_t i = 0; i < u->cloud.cvms.count; i++) {
		cvms[i].is_machine = cvms[i].engine == CLOUD_DOCKER &&
				     cvms[i].expect == CLOUD_EXPECT_TUNNEL;
		if (cvms[i].is_machine)
			places->image = &u->image;
	}
	return true;
}

bool up_prepare(struct up_run *u)
{
	struct plan_places places = {
		.run = u->run,
		.has_kernel_wireguard = wgctl_kernel_has_wireguard(),
	};

	if (!choose_machines(u, &places))
		return false;
	if (!leftovers_remove(u->cloud.name, u->run, u->error))
		return false;
	/* Nothing is made on disk where the port cannot be had. */
	if (!open_public(u, &places))
		return false;
	if (!own_folder(u, &places.bin)) {
		(void)snprintf(u->error, UP_RUN_ERROR_MAX, "/proc/self/exe: %s",
			       strerror(errno));
		return false;
	}
	if (place_state(&places.state, &u->arena,
			&(struct place_state_options){
				.name = u->cloud.name,
				.chosen = u->options.state,
				.is_ephemeral = u->options.is_ephemeral },
			u->error))
		return false;
	plan_make(&u->plan, &u->cloud, &places, &u->arena);
	if (plan_folders(&u->plan, u->error))
		return false;
	if (!note_cloud(u)) {
		(void)snprintf(u->error, UP_RUN_ERROR_MAX, "%.400s: %s", u->run,
			       strerror(errno));
		return false;
	}
	return true;
}
