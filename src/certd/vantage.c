#include "certd/vantage.h"

#include <errno.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	ANCHORS_MAX = 64 * 1024,
};

static enum rc open_resolvers(struct vantage *v, char error[NODE_ERROR_MAX])
{
	const struct sock_addr *servers = v->config->resolvers.items;

	for (size_t i = 0; i < v->config->resolvers.count; i++) {
		const struct validator_config config = {
			.anchors = buf_span(&v->anchors),
			.forwarders = &servers[i],
			.forwarder_count = 1,
		};
		enum rc rc = validator_new(&v->of[v->count], &config);

		if (rc) {
			error_set(error, "dns.resolvers[%zu]: %s", i,
				  rc_name(rc));
			return rc;
		}
		v->count++;
	}
	return RC_OK;
}

static void close_resolvers(struct vantage *v)
{
	while (v->count)
		validator_free(v->of[--v->count]);
}

enum rc vantage_open(struct vantage *out, const struct config_dns *config,
		     char error[NODE_ERROR_MAX])
{
	struct vantage v = { .config = config };
	enum rc rc;

	buf_init(&v.anchors, ANCHORS_MAX);
	rc = file_read(&v.anchors, config->anchors);
	if (rc)
		error_set(error, "dns.anchors: %s: %s", config->anchors,
			  file_why(rc));
	if (!rc)
		rc = open_resolvers(&v, error);
	if (rc) {
		vantage_close(&v);
		return rc;
	}
	*out = v;
	return RC_OK;
}

void vantage_close(struct vantage *v)
{
	close_resolvers(v);
	buf_fini(&v->anchors);
}

enum rc vantage_refresh(struct vantage *v, char error[NODE_ERROR_MAX])
{
	close_resolvers(v);
	return open_resolvers(v, error);
}

enum rc vantage_direct(struct vantage *v, struct validator **out,
		       const struct authority *a)
{
	const struct sock_addr *servers = v->config->resolvers.items;
	struct sock_addr at[VALIDATOR_SERVERS_MAX];
	char zone[DNS_NAME_TEXT];
	struct validator_stub stub = { .zone = zone, .servers = at };

	dns_name_text(zone, &a->zone);
	for (size_t i = 0; i < a->count && i < VALIDATOR_SERVERS_MAX; i++)
		at[stub.server_count++] = a->servers[i].address;
	return validator_new(out, &(struct validator_config){
					  .anchors = buf_span(&v->anchors),
					  .forwarders = servers,
					  .forwarder_count =
						  v->config->resolvers.count,
					  .stubs = &stub,
					  .stub_count = 1,
				  });
}
