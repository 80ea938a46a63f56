#include "cli/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"
#include "crypto/sha256.h"
#include "keys/document.h"
#include "keys/policy_read.h"
#include "manifest/lineage.h"
#include "tee/policy.h"

enum {
	NAME_DIGITS = 16, /* of the hash, in an image's name */
	NAME_MAX_LEN = 32,
	APP_HEX = 2 * MANIFEST_ID_LEN + 1,
};

static const struct {
	const char *key;
	enum policy_register place;
	bool is_optional;
} registers[] = {
	{ "mr_td", POLICY_MR_TD, false },
	{ "rtmr0", POLICY_RTMR0, true },
	{ "rtmr1", POLICY_RTMR1, false },
	{ "rtmr2", POLICY_RTMR2, false },
};

enum {
	REGISTERS = sizeof(registers) / sizeof(registers[0]),
};

json_t *release_new(void)
{
	json_t *policy = json_object();

	jset_text(policy, "type", "postern/kms-policy/v1");
	jset(policy, "serial", json_integer(0));
	jset_text(policy, "issued", "");
	jset(policy, "nodes", json_array());
	jset(policy, "images", json_array());
	jset(policy, "simulated", json_true());
	jset(policy, "apps", json_array());
	return policy;
}

void release_set_nodes(json_t *policy, const char *const *instances,
		       size_t count)
{
	json_t *nodes = json_array();

	for (size_t i = 0; i < count; i++)
		jadd(nodes, json_string(instances[i]));
	jset(policy, "nodes", nodes);
}

/* The list of that name, made where there is none. */
static json_t *list_of(json_t *object, const char *key)
{
	if (!json_is_array(json_object_get(object, key)))
		jset(object, key, json_array());
	return json_object_get(object, key);
}

/* The object of a list in which a member is that text. */
static json_t *find(json_t *list, const char *key, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(jtext(item, key), text) == 0)
			return item;
	}
	return NULL;
}

static bool has_text(const json_t *list, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (json_is_string(item) &&
		    strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

static void add_text(json_t *list, bool *changed, const char *text)
{
	if (has_text(list, text))
		return;
	jadd(list, json_string(text));
	*changed = true;
}

static bool is_wanted(const json_t *node, const char *const *instances,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (json_is_string(node) &&
		    strcmp(json_string_value(node), instances[i]) == 0)
			return true;
	return false;
}

/* The first that is not wanted; the list's end: all are. */
static size_t find_unwanted(const json_t *nodes, const char *const *instances,
			    size_t count)
{
	size_t i = 0;

	while (i < json_array_size(nodes) &&
	       is_wanted(json_array_get(nodes, i), instances, count))
		i++;
	return i;
}

bool release_has_node(const json_t *policy, const char *instance)
{
	return has_text(json_object_get(policy, "nodes"), instance);
}

bool release_step_nodes(json_t *policy, const char *const *instances,
			size_t count)
{
	json_t *nodes = list_of(policy, "nodes");
	size_t unwanted = find_unwanted(nodes, instances, count);
	bool has_changed = false;

	if (unwanted < json_array_size(nodes) && json_array_size(nodes) > 1) {
		(void)json_array_remove(nodes, unwanted);
		has_changed = true;
	}
	for (size_t i = 0; !has_changed && i < count; i++)
		add_text(nodes, &has_changed, instances[i]);
	return json_array_size(nodes) == count &&
	       find_unwanted(nodes, instances, count) == count;
}

static bool is_pinned_enough(const struct policy_image *image)
{
	for (size_t i = 0; i < REGISTERS; i++)
		if (!registers[i].is_optional &&
		    !image->is_pinned[registers[i].place])
			return false;
	return !image->is_enclave && !image->is_guest;
}

/* Which registers are pinned, and to what. */
static void name_image(char out[NAME_MAX_LEN], const struct policy_image *image)
{
	uint8_t pinned[REGISTERS];
	struct span parts[REGISTERS + 1] = { SPAN_ARRAY(pinned) };
	char hex[2 * sizeof(struct sha256) + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);
	struct sha256 hash;
	size_t count = 1;

	for (size_t i = 0; i < REGISTERS; i++) {
		pinned[i] = image->is_pinned[registers[i].place];
		if (pinned[i])
			parts[count++] = SPAN_ARRAY(
				image->value[registers[i].place]);
	}
	sha256_parts(&hash, parts, count);
	text_hex(&w, SPAN_ARRAY(hash.b));
	(void)snprintf(out, NAME_MAX_LEN, "image-%.*s", NAME_DIGITS, hex);
}

static void add_image(json_t *policy, bool *changed, const char *name,
		      const struct policy_image *image)
{
	json_t *images = list_of(policy, "images"), *added;

	if (find(images, "name", name))
		return;
	added = json_object();
	jset_text(added, "name", name);
	for (size_t i = 0; i < REGISTERS; i++)
		if (image->is_pinned[registers[i].place])
			jset_hex(added, registers[i].key,
				 SPAN_ARRAY(image->value[registers[i].place]));
	jadd(images, added);
	*changed = true;
}

/* Made where it is not there; but NULL where somebody else should have. */
static json_t *app_of(json_t *policy, bool *changed,
		      const struct release_app *app,
		      char error[RELEASE_ERROR_MAX])
{
	json_t *apps = list_of(policy, "apps"), *entry;
	char hex[APP_HEX] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);

	text_hex(&w, SPAN_ARRAY(app->id));
	entry = find(apps, "app", hex);
	if (entry)
		return entry;
	if (app->continues) {
		(void)snprintf(error, RELEASE_ERROR_MAX,
			       "the manifest continues app %s, which the key "
			       "service's policy does not have",
			       hex);
		return NULL;
	}
	entry = json_object();
	jset_text(entry, "app", hex);
	jadd(apps, entry);
	*changed = true;
	return entry;
}

/* An app of before there were lists is its first manifest alone, whose whole
 * hash is not known here: that one comes in again when it is deployed. */
static void add_manifest(json_t *entry, bool *changed,
			 const struct sha256 *manifest)
{
	char hex[2 * sizeof(manifest->b) + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);

	text_hex(&w, SPAN_ARRAY(manifest->b));
	add_text(list_of(entry, "manifests"), changed, hex);
}

/* What src/agent asks for: docs/PROTOCOL.disk.md, PROTOCOL.seal.md,
 * PROTOCOL.secrets.md, GUEST.md. */
static void give_purposes(json_t *app, bool *changed)
{
	add_text(list_of(app, "instance_keys"), changed, "disk");
	add_text(list_of(app, "instance_keys"), changed, "seal");
	add_text(list_of(app, "app_keys"), changed, "env");
	add_text(list_of(app, "app_keys"), changed, "app/guest");
	add_text(list_of(app, "app_keys"), changed, "lineage");
}

static enum rc read_rows(struct tee_policy *out, struct arena *arena,
			 const char *rows, char error[RELEASE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };

	buf_init(&text, strlen(rows) + 16);
	if (!buf_add(&text, span_str("images:\n")) ||
	    !buf_add(&text, span_str(rows)))
		return RC_LIMIT;
	return policy_read(out, arena, "images", buf_span(&text), error);
}

enum rc release_app_of(struct release_app *out, struct span manifest)
{
	struct release_app app = { 0 };
	uint8_t own[MANIFEST_ID_LEN];
	enum rc rc = lineage_of(app.id, manifest);

	if (rc)
		return rc;
	manifest_app_id(own, manifest);
	sha256_of(&app.manifest, manifest);
	app.continues = !span_equal(SPAN_ARRAY(own), SPAN_ARRAY(app.id));
	*out = app;
	return RC_OK;
}

enum rc release_allow(json_t *policy, bool *changed,
		      const struct release_app *app,
		      char error[RELEASE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	struct tee_policy read;
	json_t *entry;
	enum rc rc;

	arena_init(&arena, POLICY_ARENA_MAX);
	rc = read_rows(&read, &arena, app->rows, error);
	for (size_t i = 0; !rc && i < read.image_count; i++) {
		if (is_pinned_enough(&read.images[i]))
			continue;
		(void)snprintf(error, RELEASE_ERROR_MAX,
			       "image %.100s: a release policy needs its MRTD, "
			       "RTMR1 and RTMR2",
			       read.images[i].name);
		rc = RC_UNSUPPORTED;
	}
	if (rc)
		return rc;
	entry = app_of(policy, changed, app, error);
	if (!entry)
		return RC_DENIED;
	for (size_t i = 0; i < read.image_count; i++) {
		char name[NAME_MAX_LEN];

		name_image(name, &read.images[i]);
		add_image(policy, changed, name, &read.images[i]);
		add_text(list_of(entry, "images"), changed, name);
	}
	add_manifest(entry, changed, &app->manifest);
	give_purposes(entry, changed);
	return RC_OK;
}

static enum rc join(struct buf *out, struct span object,
		    const struct p256_private *key)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(KEYS_POLICY_MAX);
	struct wr w = wr_over(room, KEYS_POLICY_MAX);
	struct keys_signature signature;
	struct span done;

	p256_private_point(key, &signature.key);
	p256_sign(key, &signature.signature, object);
	keys_document_join(&w, object, &signature, 1);
	return wr_done(&w, &done) && buf_add(out, done) ? RC_OK : RC_LIMIT;
}

enum rc release_sign(struct buf *out, json_t *policy, int64_t now_s,
		     const struct p256_private *key,
		     char error[RELEASE_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena = { .max = KEYS_POLICY_TREE_MAX };
	AUTO(mem_auto_free)
	char *text = NULL;
	json_int_t serial =
		json_integer_value(json_object_get(policy, "serial"));
	struct keys_policy read;

	jset(policy, "serial", json_integer(serial + 1));
	jset_time(policy, "issued", now_s);
	text = json_dumps(policy, JSON_COMPACT);
	if (!text)
		abort(); /* out of memory */
	/* What a node would refuse is not signed. */
	if (keys_policy_read_object(&read, &arena, span_str(text), error))
		return RC_LIMIT;
	(void)snprintf(error, RELEASE_ERROR_MAX,
		       "the release policy is larger than %d bytes",
		       KEYS_POLICY_MAX);
	return join(out, span_str(text), key);
}
