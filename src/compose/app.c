#include "compose/app.h"

#include <stdio.h>
#include <string.h>

#include "json/jwrite.h"

enum {
	LABEL_MAX = 15,
};

static const char *protocol_name(enum manifest_protocol p)
{
	switch (p) {
	case MANIFEST_H2:
		return "h2";
	case MANIFEST_TCP:
		return "tcp";
	case MANIFEST_TLS:
		return "tls";
	case MANIFEST_HTTP:
		break;
	}
	return "http";
}

static void write_ports(struct jwrite *j, const struct compose *c)
{
	jwrite_array(j, "ports");
	for (size_t i = 0; i < c->port_count; i++) {
		jwrite_object(j, NULL);
		jwrite_number(j, "port", c->ports[i].port);
		jwrite_str(j, "protocol", protocol_name(c->ports[i].protocol));
		jwrite_end(j);
	}
	jwrite_end(j);
}

/* A reference's alphabet (compose.h) needs no escapes in a key. */
static void write_images(struct jwrite *j, const struct app *app)
{
	if (app->image_count == 0)
		return;
	jwrite_object(j, "images");
	for (size_t i = 0; i < app->image_count; i++)
		jwrite_str(j, app->images[i].name, app->images[i].digest);
	jwrite_end(j);
}

static void write_domains(struct jwrite *j, const struct compose *c)
{
	if (!c->lists_domains)
		return;
	jwrite_array(j, "domains");
	for (size_t i = 0; i < c->domain_count; i++)
		jwrite_str(j, NULL, c->domains[i]);
	jwrite_end(j);
}

static bool write_app(struct buf *to, const struct app *app)
{
	struct jwrite j = jwrite_to(to);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "manifest_version", 2);
	jwrite_str(&j, "name", app->name);
	jwrite_str(&j, "runner", "docker-compose");
	jwrite_text(&j, "docker_compose_file", app->compose);
	write_ports(&j, app->read);
	write_domains(&j, app->read);
	jwrite_bool(&j, "egress", app->read->allows_egress);
	write_images(&j, app);
	if (app->trust)
		jwrite_str(&j, "trust", app->trust);
	if (app->key_service)
		jwrite_str(&j, "key_service", app->key_service);
	if (app->continues)
		jwrite_str(&j, "continues", app->continues);
	jwrite_end(&j);
	return jwrite_done(&j);
}

enum rc app_manifest(struct buf *out, const struct app *app,
		     char error[MANIFEST_ERROR_MAX])
{
	struct buf text = { 0 };
	struct manifest read;
	enum rc rc;

	buf_init(&text, MANIFEST_MAX);
	if (!write_app(&text, app) || !buf_add(&text, span_str("\n"))) {
		(void)snprintf(error, MANIFEST_ERROR_MAX,
			       "the manifest would be larger than %d bytes",
			       MANIFEST_MAX);
		buf_fini(&text);
		return RC_LIMIT;
	}
	rc = manifest_read(&read, buf_span(&text), error);
	if (!rc) {
		manifest_fini(&read);
		if (!buf_add(out, buf_span(&text)))
			rc = RC_LIMIT;
	}
	buf_fini(&text);
	return rc;
}

bool app_image_name(char out[APP_IMAGE_MAX], const char *reference)
{
	const char *slash = strrchr(reference, '/');
	const char *tag = strchr(slash ? slash : reference, ':');
	int n = snprintf(out, APP_IMAGE_MAX, "%s%s", reference,
			 tag ? "" : ":latest");

	return n > 0 && n < APP_IMAGE_MAX;
}

void app_label(char out[16], const char *name)
{
	size_t n = 0;

	for (; *name && n < LABEL_MAX; name++) {
		char c = *name;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
			c = '-';
		if (c == '-' && n == 0)
			continue;
		out[n++] = c;
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		(void)snprintf(out, LABEL_MAX + 1, "app");
}
