#include "cli/vm_cloud.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/fmt.h"
#include "cli/json.h"
#include "cli/node.h"
#include "cli/place.h"
#include "io/file.h"
#include "io/proc.h"
#include "json/jwrite.h"

enum {
	TEXT_MAX = 256 * 1024,
	CONFIG_MAX = 16 * 1024, /* docs/IMAGE.md */
	PROGRAM_MS = 20000,
	GATEWAY_PORT = 443,
	FIRST_HOST = 100, /* of 198.51.100.0/24; nodes are below, mostly */
	LAST_HOST = 199,
};

static const char net[] = "198.51.100.";

static_assert((int)KEYSERVICE_ERROR_MAX <= (int)VM_CLOUD_ERROR_MAX);

static enum rc say(char error[VM_CLOUD_ERROR_MAX], const char *what)
{
	(void)snprintf(error, VM_CLOUD_ERROR_MAX, "%.300s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

static const char *read_text(struct arena *a, const char *path)
{
	AUTO(buf_fini)
	struct buf text = { 0 };

	buf_init(&text, TEXT_MAX);
	if (file_read(&text, path))
		return NULL;
	return fmt(a, "%.*s", (int)text.n, (const char *)buf_span(&text).p);
}

static const json_t *find_gateway(const json_t *nodes)
{
	const json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		if (strcmp(jtext(node, "kind"), "gateway") == 0 &&
		    jtrue(node, "public"))
			return node;
	}
	return NULL;
}

/* Nodes that exceed the bound are not asked: any one knows all. */
static enum rc find_kms(struct vm_cloud *c, struct arena *arena,
			const json_t *nodes,
			char error[VM_CLOUD_ERROR_MAX])
{
	struct keyservice *k = &c->keys;
	const json_t *node;
	size_t i;

	*k = (struct keyservice){ .cloud = c->name, .state = c->state };
	json_array_foreach(nodes, i, node)
	{
		if (strcmp(jtext(node, "kind"), "kms") != 0 ||
		    k->count == KEYSERVICE_NODES_MAX)
			continue;
		c->kms[k->count] = fmt(arena, "%s:%d", jtext(node, "address"),
				       KEYSERVICE_PORT);
		k->nodes[k->count++] = fmt(arena, "%s", jtext(node, "name"));
	}
	if (k->count)
		c->key_service = keyservice_id(arena, c->state);
	if (k->count && !c->key_service)
		return say(error, keyservice_manifest(arena, c->state));
	return RC_OK;
}

enum rc vm_cloud_find(struct vm_cloud *out, struct arena *arena,
		      const char *name, char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(jfree)
	json_t *root = NULL;
	const json_t *gateway;
	char path[PLACE_PATH_MAX];
	struct vm_cloud c = { .name = fmt(arena, "%s", name) };
	enum rc rc;

	if (place_supervisor(name) == 0) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "no cloud %s runs on this machine; see `postern "
			       "up`",
			       name);
		return RC_CLOSED;
	}
	place_path(path, name, "cloud.json");
	root = jload(path);
	gateway = find_gateway(json_object_get(root, "nodes"));
	if (!gateway || !*jtext(root, "control")) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "%.400s: says nothing of a gateway yet", path);
		return RC_MALFORMED;
	}
	c.state = fmt(arena, "%s", jtext(root, "state"));
	c.base = fmt(arena, "%s", jtext(root, "base"));
	c.port = (uint64_t)json_integer_value(json_object_get(root, "port"));
	c.gateway = fmt(arena, "%s", jtext(gateway, "name"));
	c.gateway_address = fmt(arena, "%s:%d", jtext(gateway, "address"),
				GATEWAY_PORT);
	c.control = fmt(arena, "%s", jtext(root, "control"));
	c.netns = fmt(arena, "/run/netns/postern.%s.hostile", name);
	c.trust = read_text(arena, fmt(arena, "%s/trust.yaml", c.state));
	if (!c.trust)
		return say(error, fmt(arena, "%s/trust.yaml", c.state));
	rc = find_kms(&c, arena, json_object_get(root, "nodes"), error);
	if (!rc)
		*out = c;
	return rc;
}

/* Addresses that somebody has, by their last byte. */
struct taken {
	bool host[256];
};

static void take(struct taken *t, const char *address)
{
	struct span rest = span_str(address), host;
	uint64_t v;

	if (!span_has_prefix(rest, span_str(net)) ||
	    !rd_skip(&rest, strlen(net)) || !rd_until(&rest, &host, '/'))
		return;
	if (text_u64(&v, host, UINT8_MAX))
		t->host[v] = true;
}

static enum rc take_nodes(struct taken *t, const struct vm_cloud *cloud,
			  const char *name, char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(jfree)
	json_t *root = NULL;
	const json_t *node;
	char path[PLACE_PATH_MAX];
	size_t i;

	place_path(path, cloud->name, "cloud.json");
	root = jload(path);
	json_array_foreach(json_object_get(root, "nodes"), i, node)
	{
		take(t, jtext(node, "address"));
		if (strcmp(jtext(node, "name"), name) != 0)
			continue;
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "cloud %s has a node called %s already",
			       cloud->name, name);
		return RC_DENIED;
	}
	return RC_OK;
}

static void take_machines(struct taken *t, struct arena *arena,
			  const struct vm_cloud *cloud, const char *name)
{
	for (const char *const *other = folder_list(arena); *other; other++) {
		char ignored[VM_ERROR_MAX];
		struct vm_settings s;

		if (strcmp(*other, name) == 0 ||
		    folder_read_settings(&s, arena, *other, ignored) ||
		    strcmp(s.cloud, cloud->name) != 0)
			continue;
		take(t, s.address);
	}
}

enum rc vm_cloud_settle(struct vm_settings *s, struct arena *arena,
			const struct vm_cloud *cloud, const char *name,
			char error[VM_CLOUD_ERROR_MAX])
{
	struct taken taken = { 0 };
	bool keeps = strcmp(s->cloud, cloud->name) == 0 && *s->address;
	enum rc rc = take_nodes(&taken, cloud, name, error);

	if (rc)
		return rc;
	s->net = VM_NET_TAP;
	s->netns = cloud->netns;
	s->bridge = "br0";
	s->cloud = cloud->name;
	s->control = cloud->control;
	s->platform = "";
	s->has_collateral = true;
	if (keeps)
		return RC_OK;
	take_machines(&taken, arena, cloud, name);
	for (unsigned host = FIRST_HOST; host <= LAST_HOST; host++) {
		if (taken.host[host])
			continue;
		s->address = fmt(arena, "%s%u/24", net, host);
		return RC_OK;
	}
	(void)snprintf(error, VM_CLOUD_ERROR_MAX,
		       "no address is left in cloud %s", cloud->name);
	return RC_LIMIT;
}

bool vm_config_write(struct buf *out, const struct vm_config *c)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "node", c->node);
	jwrite_object(&j, "gateway");
	jwrite_str(&j, "address", c->gateway_address);
	jwrite_str(&j, "name", c->gateway_name);
	jwrite_end(&j);
	if (c->kms_count) {
		jwrite_array(&j, "kms");
		for (size_t i = 0; i < c->kms_count; i++)
			jwrite_str(&j, NULL, c->kms[i]);
		jwrite_end(&j);
	}
	if (c->address && *c->address) {
		jwrite_object(&j, "net");
		jwrite_str(&j, "address", c->address);
		if (c->route && *c->route)
			jwrite_str(&j, "route", c->route);
		jwrite_end(&j);
	}
	if (c->collateral_url && *c->collateral_url) {
		jwrite_object(&j, "collateral");
		jwrite_str(&j, "url", c->collateral_url);
		jwrite_end(&j);
	}
	if (c->root)
		jwrite_str(&j, "simulated_root", c->root);
	jwrite_end(&j);
	return jwrite_done(&j);
}

enum rc vm_cloud_heed(struct vm_cloud *cloud, const char *manifest,
		      char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(jfree)
	json_t *root = jload(manifest);
	const char *named = jtext(root, "key_service");

	if (!root) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "%.300s: cannot be read as JSON", manifest);
		return RC_SYS;
	}
	if (!cloud->keys.count || !*named) {
		cloud->keys.count = 0;
		return RC_OK;
	}
	if (strcmp(named, cloud->key_service) == 0)
		return RC_OK;
	(void)snprintf(error, VM_CLOUD_ERROR_MAX,
		       "its manifest names key service %.40s, that of cloud %s "
		       "is %s",
		       named, cloud->name, cloud->key_service);
	return RC_DENIED;
}

static enum rc write_config(const struct vm_settings *s, struct arena *a,
			    const struct vm_cloud *cloud, const char *name,
			    char error[VM_CLOUD_ERROR_MAX])
{
	const char *root = fmt(a, "%s/platform/lib/root.pem", cloud->state);
	AUTO(buf_fini)
	struct buf json = { 0 };
	char path[FOLDER_PATH_MAX];
	struct vm_config config = {
		.node = name,
		.gateway_address = cloud->gateway_address,
		.gateway_name = fmt(a, "gateway.%s", cloud->base),
		.kms = cloud->kms,
		.kms_count = cloud->keys.count,
		.address = s->address,
		.root = read_text(a, root),
	};

	if (!config.root)
		return say(error, root);
	buf_init(&json, CONFIG_MAX);
	folder_state(path, name, "config.json");
	if (!vm_config_write(&json, &config)) {
		errno = E2BIG;
		return say(error, path);
	}
	return file_replace(path, buf_span(&json), 0600) ? say(error, path)
							 : RC_OK;
}

/* Runs this very program. */
static enum rc run_self(const char *const *argv, char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf said = { 0 };
	struct span text;
	int status;

	buf_init(&said, TEXT_MAX);
	if (proc_run(argv, (struct span){ 0 }, &said, PROGRAM_MS, &status) ==
	    RC_OK)
		return RC_OK;
	text = buf_span(&said);
	(void)snprintf(error, VM_CLOUD_ERROR_MAX, "%.100s: %.*s", argv[1],
		       (int)(text.n < 300 ? text.n : 300),
		       (const char *)text.p);
	return RC_DENIED;
}

enum rc vm_cloud_collateral(const char *path, const char *folder,
			    char error[VM_CLOUD_ERROR_MAX])
{
	(void)unlink(path); /* the platform's, which may be another by now */
	return run_self((const char *[]){ "/proc/self/exe", "collateral",
					  "export", path, "--dir", folder,
					  NULL },
			error);
}

enum rc vm_cloud_files(const struct vm_settings *s,
		       const struct vm_cloud *cloud, const char *name,
		       char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	char path[FOLDER_PATH_MAX];
	enum rc rc;

	arena_init(&a, 4 * TEXT_MAX);
	rc = write_config(s, &a, cloud, name, error);
	if (rc)
		return rc;
	folder_state(path, name, "collateral.json");
	return vm_cloud_collateral(
		path, fmt(&a, "%s/platform/lib/collateral", cloud->state),
		error);
}

/* Without the comments and the key above it. */
const char *vm_cloud_image_row(struct arena *a, const struct image *image,
			       char error[VM_CLOUD_ERROR_MAX])
{
	const char *path = fmt(a, "%s/policy.yaml", image->folder);
	const char *text = read_text(a, path);
	const char *row = text ? strstr(text, "images:\n") : NULL;

	if (row)
		return row + strlen("images:\n");
	if (text)
		errno = EINVAL;
	(void)say(error, path);
	return NULL;
}

enum rc vm_cloud_list_image(bool *was_added, const struct vm_cloud *cloud,
			    const struct image *image,
			    char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *path, *row, *policy, *inside, *whole;
	char run[PLACE_PATH_MAX];
	pid_t node = place_node(cloud->name, cloud->gateway);

	arena_init(&a, 8 * TEXT_MAX);
	path = fmt(&a, "%s/%s/etc/postern/policy.yaml", cloud->state,
		   cloud->gateway);
	policy = read_text(&a, path);
	if (!policy)
		return say(error, path);
	row = vm_cloud_image_row(&a, image, error);
	if (!row)
		return RC_MALFORMED;
	*was_added = strstr(policy, row) == NULL;
	if (!*was_added)
		return RC_OK;
	/* The node sees /etc through an overlay, in which files are to be
	 * changed from inside; and a node that is made anew starts from what
	 * lies outside. */
	whole = fmt(&a, "%s%s", policy, row);
	place_path(run, cloud->name,
		   fmt(&a, "%s/run/postern/policy.new", cloud->gateway));
	if (fmt_file(run, 0644, whole))
		return say(error, run);
	inside = "cp /run/postern/policy.new /etc/postern/policy.yaml.new && "
		 "mv /etc/postern/policy.yaml.new /etc/postern/policy.yaml";
	if (node <= 0 ||
	    node_exec(node, (char *const *)(uintptr_t)(const char *[]){
				    "sh", "-c", inside, NULL }) != 0) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "%s: its policy could not be changed",
			       cloud->gateway);
		return RC_SYS;
	}
	return fmt_file(path, 0644, whole) ? say(error, path) : RC_OK;
}

enum rc vm_cloud_list_app(bool *was_added, const struct vm_cloud *cloud,
			  const struct image *image, const char *manifest,
			  char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct release_app app;

	arena_init(&a, 2 * TEXT_MAX);
	*was_added = false;
	if (!cloud->keys.count)
		return RC_OK;
	buf_init(&json, MANIFEST_MAX);
	if (file_read(&json, manifest))
		return say(error, manifest);
	if (release_app_of(&app, buf_span(&json))) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX, "%.300s: no manifest",
			       manifest);
		return RC_MALFORMED;
	}
	app.rows = vm_cloud_image_row(&a, image, error);
	return app.rows ? keyservice_allow(&cloud->keys, was_added, &app, error)
			: RC_MALFORMED;
}
