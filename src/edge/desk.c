#include "edge/desk.h"

#include "edge/admin.h"
#include "edge/master.h"

enum {
	ADMIN_MODE = 0600,
	METRICS_MODE = 0666, /* numbers only; a scraper is somebody else */
};

void desk_close(struct master *m)
{
	http_server_free(m->admin);
	http_server_free(m->metrics);
	m->admin = m->metrics = NULL;
}

enum rc desk_open(struct master *m, const char **at)
{
	const struct edge_config *c = &m->setup->config;
	enum rc rc = RC_OK;

	*at = c->admin;
	if (*c->admin)
		rc = http_server_new(&m->admin, m->loop, c->admin, ADMIN_MODE,
				     admin_answer, m);
	if (!rc && *c->admin && c->admin_uid)
		rc = http_server_admit(m->admin, (uid_t)c->admin_uid);
	if (!rc && *c->metrics) {
		*at = c->metrics;
		rc = http_server_new(&m->metrics, m->loop, c->metrics,
				     METRICS_MODE, admin_metrics, m);
	}
	return rc;
}
