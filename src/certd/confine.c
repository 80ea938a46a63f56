#include "certd/confine.h"

#include "base/mem.h"
#include "node/confinement.h"

static void add_read(struct confinement *p, const struct config *c)
{
	const struct config_authority *a = c->authorities.items;
	const struct config_source *s = c->ct.aggregators.items;

	confinement_fetching(p);
	confinement_path(p, "/dev/urandom", CONFINEMENT_READ);
	for (size_t i = 0; i < c->authorities.count; i++) {
		confinement_folder(p, a[i].ca, CONFINEMENT_READ);
		confinement_folder(p, a[i].roots, CONFINEMENT_READ);
		confinement_folder(p, a[i].binding.key_file, CONFINEMENT_READ);
	}
	for (size_t i = 0; i < c->ct.aggregators.count; i++)
		confinement_folder(p, s[i].token_file, CONFINEMENT_READ);
	confinement_folder(p, c->ct.list, CONFINEMENT_READ);
	confinement_folder(p, c->ct.list_key, CONFINEMENT_READ);
	confinement_folder(p, c->ct.ca, CONFINEMENT_READ);
	confinement_folder(p, c->dns.anchors, CONFINEMENT_READ);
	confinement_folder(p, c->dns.update.secret_file, CONFINEMENT_READ);
	confinement_path(p, c->collateral, CONFINEMENT_READ);
	confinement_folder(p, c->kms.trust.policy, CONFINEMENT_READ);
	confinement_path(p, c->kms.trust.collateral, CONFINEMENT_READ);
	confinement_folder(p, c->kms.trust.simulated_root, CONFINEMENT_READ);
}

static void add_written(struct confinement *p, const struct config *c)
{
	confinement_quotes(p);
	confinement_path(p, c->state, CONFINEMENT_WRITE);
	confinement_path(p, c->instance, CONFINEMENT_WRITE);
	confinement_folder(p, c->admin, CONFINEMENT_WRITE);
	confinement_folder(p, c->keys, CONFINEMENT_WRITE);
	confinement_folder(p, c->public, CONFINEMENT_WRITE);
	confinement_folder(p, c->metrics, CONFINEMENT_WRITE);
}

enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX])
{
	AUTO(confinement_fini)
	struct confinement paths;

	confinement_init(&paths);
	add_read(&paths, config);
	add_written(&paths, config);
	return confinement_begin(&paths, 0, log, error);
}
