#include "registrar/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "node/confinement.h"

enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX])
{
	/* The tunnel's interface, and a port below 1024 to listen at. */
	const uint64_t keep = UINT64_C(1) << CAP_NET_ADMIN |
			      UINT64_C(1) << CAP_NET_BIND_SERVICE;
	AUTO(confinement_fini)
	struct confinement c;

	confinement_init(&c);
	/* It may be filled only later. */
	if (file_make_dirs(config->trust.collateral, 0755)) {
		error_set(error, "%s: %s", config->trust.collateral,
			  strerror(errno));
		return RC_SYS;
	}
	confinement_trust(&c, &config->trust);
	confinement_quotes(&c);
	confinement_path(&c, config->store, CONFINEMENT_WRITE);
	confinement_path(&c, config->state, CONFINEMENT_WRITE);
	confinement_folder(&c, config->admin, CONFINEMENT_WRITE);
	confinement_folder(&c, config->status, CONFINEMENT_WRITE);
	confinement_listen(&c, &config->listen);
	return confinement_begin(&c, keep, log, error);
}
