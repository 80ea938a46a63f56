#include "cli/domains.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/fmt.h"
#include "io/file.h"
#include "manifest/manifest.h"

/* RC_OK: manifest_fini(). */
static enum rc read_manifest(struct manifest *out, const char *path)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	char error[MANIFEST_ERROR_MAX];
	enum rc rc;

	buf_init(&json, MANIFEST_MAX);
	rc = file_read(&json, path);
	return rc ? rc : manifest_read(out, buf_span(&json), error);
}

bool domains_has(const char *manifest)
{
	AUTO(manifest_fini)
	struct manifest m = { 0 };

	return read_manifest(&m, manifest) == RC_OK &&
	       m.ingress.domain_count > 0;
}

static void add(struct domains *d, const char *path, struct arena *arena)
{
	AUTO(manifest_fini)
	struct manifest m = { 0 };
	char hex[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);
	const char *app;

	if (read_manifest(&m, path))
		return;
	text_hex(&w, SPAN_ARRAY(m.lineage));
	app = fmt(arena, "%s", hex);
	for (size_t i = 0; i < m.ingress.domain_count; i++) {
		if (d->count == DOMAINS_MAX)
			return;
		d->at[d->count].name =
			fmt(arena, "%s", m.ingress.domains[i].name);
		d->at[d->count++].app = app;
	}
}

void domains_of(struct domains *out, const struct cloud *c,
		struct arena *arena)
{
	out->count = 0;
	for (size_t i = 0; i < c->cvms.count; i++)
		add(out, cloud_cvm(c, i)->manifest, arena);
}

/* "b.example" of "a.b.example"; a manifest has no name of fewer labels. */
static const char *zone_of(const char *name)
{
	const char *last = strrchr(name, '.');

	while (last > name && last[-1] != '.')
		last--;
	return last;
}

static bool is_before(const struct domains *d, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(zone_of(d->at[k].name), zone_of(d->at[i].name)) == 0)
			return true;
	return false;
}

const char *domains_zones(const struct domains *d, const char *base,
			  struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; i < d->count; i++)
		if (strcmp(zone_of(d->at[i].name), base) != 0 &&
		    !is_before(d, i))
			text = fmt(arena, "%s%s\n", text,
				   zone_of(d->at[i].name));
	return text;
}

const char *domains_records(const struct domains *d, const char *gateway,
			    struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; i < d->count; i++) {
		const char *name = d->at[i].name;
		bool is_wild = name[0] == '*';

		text = fmt(arena,
			   "%s%s. 60 A %s\n"
			   "%s%s. 60 TXT \"%s:443\"\n",
			   text, name, gateway,
			   is_wild ? "_dstack-app-address-wildcard."
				   : "_postern.",
			   is_wild ? name + 2 : name, d->at[i].app);
	}
	return text;
}
