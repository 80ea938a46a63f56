#include "manifest/launch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static const char ID_EXPECTED[] = "expected \"sha256:\" and 64 hex digits";

static void json_done(json_t **j)
{
	json_decref(*j);
}

static enum rc refuse(char error[MANIFEST_ERROR_MAX], const char *key,
		      const char *expected)
{
	(void)snprintf(error, MANIFEST_ERROR_MAX, "%.*s: %s",
		       MANIFEST_IMAGE_NAME_MAX / 2, key, expected);
	return RC_MALFORMED;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c >= 'A' && c <= 'Z') || (c != '\0' && strchr("._-/:", c));
}

/* A reference without a digest; a tag stands after the last slash. */
static bool take_name(struct manifest_image *image, const char *name)
{
	static const char latest[] = ":latest";
	const char *slash = strrchr(name, '/');
	bool has_tag = strchr(slash ? slash : name, ':');
	size_t n = strlen(name), more = has_tag ? 0 : sizeof(latest) - 1;

	if (n < 1 || n + more > MANIFEST_IMAGE_NAME_MAX ||
	    !is_name_char(name[0]) || strchr("._-/:", name[0]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_name_char(name[i]))
			return false;
	memcpy(image->name, name, n);
	memcpy(image->name + n, latest, more);
	return true;
}

static bool take_id(struct manifest_image *image, const json_t *value)
{
	static const char prefix[] = "sha256:";
	struct span text, head;

	if (!json_is_string(value))
		return false;
	text = span_of(json_string_value(value), json_string_length(value));
	return rd_n(&text, &head, sizeof(prefix) - 1) &&
	       span_equal_str(head, prefix) &&
	       text_hex_decode(image->id.b, sizeof(image->id.b), text);
}

static bool has_name(const struct manifest_launch *l, const char *name)
{
	for (size_t i = 0; i < l->image_count; i++)
		if (strcmp(l->images[i].name, name) == 0)
			return true;
	return false;
}

static enum rc read_images(struct manifest_launch *l, json_t *root, char *error)
{
	json_t *images = json_object_get(root, "images");
	const char *name;
	json_t *value;

	if (!images)
		return RC_OK;
	if (!json_is_object(images) ||
	    json_object_size(images) > MANIFEST_IMAGES_MAX)
		return refuse(error, "images",
			      "expected an object of at most 32 images");
	l->lists_images = true;
	l->images = mem_new_array(json_object_size(images) + 1,
				  sizeof(*l->images));
	json_object_foreach(images, name, value)
	{
		struct manifest_image image = { 0 };

		if (!take_name(&image, name))
			return refuse(error, name,
				      "expected an image's name such as "
				      "\"hello:1.2\"");
		if (has_name(l, image.name))
			return refuse(error, name, "listed twice");
		if (!take_id(&image, value))
			return refuse(error, name, ID_EXPECTED);
		l->images[l->image_count++] = image;
	}
	return RC_OK;
}

static enum rc read_trust(struct manifest_launch *l, const json_t *root,
			  char *error)
{
	const json_t *trust = json_object_get(root, "trust");

	if (!trust)
		return RC_OK;
	if (!json_is_string(trust) || json_string_length(trust) == 0)
		return refuse(error, "trust",
			      "expected the text of a policy");
	l->trust = mem_dup_n(json_string_value(trust),
			     json_string_length(trust));
	return RC_OK;
}

/* Zero would stand for any: it is nobody's id. */
static enum rc read_key_service(struct manifest_launch *l, const json_t *root,
				char *error)
{
	const json_t *id = json_object_get(root, "key_service");

	if (!id)
		return RC_OK;
	if (json_is_string(id) &&
	    text_hex_decode(l->key_service, sizeof(l->key_service),
			    span_of(json_string_value(id),
				    json_string_length(id))) &&
	    !span_is_zero(SPAN_ARRAY(l->key_service)))
		return RC_OK;
	return refuse(error, "key_service",
		      "expected an app id of 40 hex digits");
}

enum rc manifest_launch_read(struct manifest_launch *out, struct span json,
			     char error[MANIFEST_ERROR_MAX])
{
	AUTO(manifest_launch_fini)
	struct manifest_launch l = { 0 };
	AUTO(json_done)
	json_t *root = NULL;
	enum rc rc;

	if (json.n <= MANIFEST_MAX)
		root = json_loadb((const char *)json.p, json.n,
				  JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root))
		return refuse(error, "manifest",
			      "expected a JSON object of at most 64 KiB");
	rc = read_trust(&l, root, error);
	if (!rc)
		rc = read_key_service(&l, root, error);
	if (!rc)
		rc = read_images(&l, root, error);
	if (rc)
		return rc;
	*out = l;
	l = (struct manifest_launch){ 0 };
	return RC_OK;
}

void manifest_launch_fini(struct manifest_launch *l)
{
	free(l->trust);
	free(l->images);
	*l = (struct manifest_launch){ 0 };
}
