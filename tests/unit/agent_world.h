/* An app in a trust domain of a simulated platform, for tests of the agent. */
#ifndef POSTERN_TESTS_AGENT_WORLD_H
#define POSTERN_TESTS_AGENT_WORLD_H

#include "sim_platform.h"

#include "agent/measured.h"
#include "io/file.h"

struct agent_world {
	struct platform platform;
	struct quote_source *source;
	struct identity id;
	struct measured *m;
	char manifest[128], state[128];
};

static const char agent_world_manifest[] =
	"{\"manifest_version\":2,\"name\":\"app\",\"allowed_envs\":[\"A\",\"B\"]}";

static inline int agent_world_setup(struct agent_world *w)
{
	const struct identity_options o = {
		.manifest = w->manifest,
		.state = w->state,
		.node = "cvm-1",
	};
	char error[NODE_ERROR_MAX] = "";
	uint8_t config_id[48];

	manifest_config_id(config_id, span_str(agent_world_manifest));
	w->source = platform_start(&w->platform, config_id);
	folder_file(w->manifest, &w->platform.folder, "manifest.json");
	folder_file(w->state, &w->platform.folder, "state");
	assert_int_equal(file_replace(w->manifest, span_str(agent_world_manifest), 0600), RC_OK);
	if (identity_open(&w->id, &o, w->source, error))
		fail_msg("%s", error);
	w->m = measured_new(&w->id, w->source, w->state);
	return 0;
}

static inline void agent_world_teardown(struct agent_world *w)
{
	measured_free(w->m);
	identity_fini(&w->id);
	platform_end(&w->platform);
}

#endif
