/*
 * cloud: the file that describes a confidential cloud on one machine: its
 * gateways, its CVMs and who is to be accepted by whom.
 *
 *   name: demo
 *   base: postern.localhost
 *   lease: 20s
 *   world: ../../tests/world/world.py   # the Internet's DNS, CA and CT logs
 *   gateways:
 *     - name: gateway
 *       address: 198.51.100.1     # on the network in between
 *       public: true              # gets the port opened on this machine
 *       image: gateway            # which image's registers its TD has
 *       accepts: base             # the image of the CVMs it takes
 *       manifest: gateway.json
 *   kms:                            # the key service; may be left out
 *     - name: kms
 *       address: 198.51.100.5
 *       image: kms
 *   cvms:
 *     - name: hello
 *       address: 198.51.100.11
 *       image: base
 *       debug: false
 *       manifest: ../hello/manifest.json
 *       contexts: [ ../hello ]    # container images to build, see images.h
 *       gateway: 198.51.100.1:443
 *       accepts: gateway
 *       alias: hello              # the label under which gateways serve it
 *       engine: docker            # or none
 *       data: 2G                  # disk of a virtual machine; absent: none
 *       expect: tunnel            # or refused, nothing: what `up` waits for
 *
 * Paths are relative to the file's folder.  Every TD is SIMULATED.  The key
 * service has a manifest of its own: see keyservice.h.
 */
#ifndef POSTERN_CLI_CLOUD_H
#define POSTERN_CLI_CLOUD_H

#include "base/arena.h"
#include "base/rc.h"
#include "conf/conf.h"

enum {
	CLOUD_GATEWAYS_MAX = 4,
	CLOUD_CVMS_MAX = 12,
	CLOUD_KMS_MAX = 5,
	CLOUD_CONTEXTS_MAX = 4,
};

enum cloud_expect {
	CLOUD_EXPECT_TUNNEL,
	CLOUD_EXPECT_REFUSED,
	CLOUD_EXPECT_NOTHING,
};

enum cloud_engine {
	CLOUD_DOCKER,
	CLOUD_NO_ENGINE,
};

struct cloud_gateway {
	const char *name, *address, *image, *accepts, *manifest;
	bool is_public;
};

/* A node of the key service. */
struct cloud_kms {
	const char *name, *address, *image;
};

struct cloud_cvm {
	const char *name, *address, *image, *manifest, *gateway, *accepts,
		*alias;
	bool is_debug;
	int engine; /* enum cloud_engine */
	int expect; /* enum cloud_expect */
	bool is_machine; /* a virtual one; the command line says so */
	uint64_t data_mib; /* of a machine's disk; 0: none */
	struct conf_list contexts; /* of const char * */
};

struct cloud {
	const char *name, *base;
	const char *world; /* program, see world.h; NULL: there is none */
	uint64_t lease_ms;
	struct conf_list gateways; /* of struct cloud_gateway */
	struct conf_list cvms; /* of struct cloud_cvm */
	struct conf_list kms; /* of struct cloud_kms; none: no key service */
};

/*
 * Reads the file at 'path'.  RC_SYS with errno when it cannot be read;
 * RC_MALFORMED when it says something wrong; error says which and where.
 * Strings live in the arena.
 */
enum rc cloud_read(struct cloud *out, struct arena *arena, const char *path,
		   char error[CONF_ERROR_MAX]);

/*
 * Whether every manifest can be read and every context has its script.
 * RC_SYS: error says which has not.
 */
enum rc cloud_check_files(const struct cloud *c, const char *path,
			  char error[CONF_ERROR_MAX]);

const struct cloud_gateway *cloud_gateway(const struct cloud *c, size_t i);
const struct cloud_cvm *cloud_cvm(const struct cloud *c, size_t i);
const struct cloud_kms *cloud_kms(const struct cloud *c, size_t i);

/* Lower-case letters, digits and '-', 1..15 of them: fits every name made of
 * it (host, interface, socket path). */
bool cloud_is_name(const char *name);

#endif
