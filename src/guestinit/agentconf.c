#include "guestinit/agentconf.h"

#include "base/text.h"

/* No value holds a quote or a backslash: hostconf.h. */
static void put(struct wr *w, const char *key, const char *value)
{
	wr_printf(w, "%s: \"%s\"\n", key, value);
}

static void put_kms(struct wr *w, const struct hostconf *c,
		    const struct manifest_launch *launch)
{
	wr_str(w, "kms:\n  addresses:\n");
	for (size_t i = 0; i < c->kms_count; i++)
		wr_printf(w, "    - \"%s\"\n", c->kms[i]);
	wr_str(w, "  app: \"");
	text_hex(w, SPAN_ARRAY(launch->key_service));
	wr_str(w, "\"\n");
}

void agentconf_write(struct wr *w, const struct hostconf *c,
		     const struct manifest_launch *launch, bool has_disk)
{
	put(w, "node", c->node);
	wr_str(w, "gateway:\n");
	put(w, "  address", c->gateway_address);
	put(w, "  name", c->gateway_name);
	if (c->gateway_app[0])
		put(w, "  app", c->gateway_app);
	put(w, "manifest", GUEST_MANIFEST);
	wr_str(w, "trust:\n");
	put(w, "  policy", GUEST_POLICY);
	put(w, "  collateral", GUEST_COLLATERAL);
	if (c->simulated_root[0])
		put(w, "  simulated_root", GUEST_ROOT);
	if (c->collateral_url[0]) {
		wr_str(w, "  source:\n");
		put(w, "    url", c->collateral_url);
	}
	if (c->kms_count)
		put_kms(w, c, launch);
	if (has_disk) {
		wr_str(w, "storage:\n");
		put(w, "  device", "data");
		put(w, "  ready", GUEST_STORAGE);
	}
	wr_str(w, "containers:\n");
	put(w, "  socket", GUEST_ENGINE);
}
