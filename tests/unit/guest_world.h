/* A world for the guest API's tests: a manifest, a root key, registers. */
#ifndef GUEST_WORLD_H
#define GUEST_WORLD_H

#include <string.h>

#include "guest/desk.h"

static const char guest_world_manifest[] =
	"{\"manifest_version\":2,\"name\":\"app\",\"guest\":{\"raw_quotes\":true,\"containers\":{"
	"\"all\":[\"info\",\"quote\",\"evidence\",\"key:*\",\"sign:*\",\"tls-key\",\"event\"],"
	"\"few\":[\"info\",\"key:/few/*\"],\"none\":[],\"tls\":[\"tls-key\"]}}}";

struct guest_world {
	struct manifest manifest;
	struct key32 root;
	struct desk_registers registers;
	struct desk_world w;
};

/* True: made; guest_world_fini(). */
static bool guest_world_make(struct guest_world *g)
{
	char error[MANIFEST_ERROR_MAX];

	*g = (struct guest_world){ 0 };
	if (manifest_read(&g->manifest, span_str(guest_world_manifest), error))
		return false;
	memset(g->root.b, 7, sizeof(g->root.b));
	memset(&g->registers, 3, sizeof(g->registers));
	g->w = (struct desk_world){
		.manifest = &g->manifest,
		.manifest_bytes = span_str(guest_world_manifest),
		.instance_id = { 9 },
		.root = &g->root,
		.provider = "test",
		.registers = &g->registers,
		.event_log = span_str("[]"),
		.now_s = 1800000000,
		.version = "1",
	};
	return true;
}

static void guest_world_fini(struct guest_world *g)
{
	manifest_fini(&g->manifest);
}

#endif
