#include "kms/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "node/confinement.h"

enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX])
{
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
	confinement_path(&c, config->state, CONFINEMENT_WRITE);
	confinement_folder(&c, config->admin, CONFINEMENT_WRITE);
	confinement_listen(&c, &config->listen);
	/* A port below 1024 to listen at. */
	return confinement_begin(&c, UINT64_C(1) << CAP_NET_BIND_SERVICE, log,
				 error);
}
