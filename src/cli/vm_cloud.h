/*
 * vm_cloud: a virtual machine's place in a cloud that runs on this machine:
 * where its gateway is, on which wire it gets its card, who plays its CPU, and
 * what it must bring to be believed.
 *
 * The cloud of `postern up` has one operator, who runs this command, too: so it
 * may list an image in the gateways' policies, and an app in the key service's,
 * which elsewhere is for others to do.  Everything here is SIMULATED.
 */
#ifndef POSTERN_CLI_VM_CLOUD_H
#define POSTERN_CLI_VM_CLOUD_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "cli/keyservice.h"
#include "vm/folder.h"
#include "vm/image.h"

enum {
	VM_CLOUD_ERROR_MAX = 512,
};

/* Texts live in the arena. */
struct vm_cloud {
	const char *name, *state, *base;
	uint64_t port; /* on this machine, of the public gateway */
	const char *gateway; /* its node's name */
	const char *gateway_address; /* "198.51.100.1:443" */
	const char *control; /* of the simulated platform */
	const char *netns; /* path: of the network in between */
	/* policy with which its gateways and key service are accepted */
	const char *trust;
	struct keyservice keys;
	const char *kms[KEYSERVICE_NODES_MAX]; /* addresses of its nodes */
	const char *key_service; /* its app id in hex; NULL: there is none */
};

/*
 * RC_CLOSED: no cloud of that name runs here.  RC_SYS, RC_MALFORMED: what it
 * left of itself cannot be read; error is a line.
 */
enum rc vm_cloud_find(struct vm_cloud *out, struct arena *arena,
		      const char *name, char error[VM_CLOUD_ERROR_MAX]);

/*
 * Fills the settings that depend on the cloud; an address that no node and no
 * other machine of this cloud has, kept when the machine has one already.
 * RC_LIMIT: all are taken.  RC_DENIED: a node of the cloud has that name.
 */
enum rc vm_cloud_settle(struct vm_settings *s, struct arena *arena,
			const struct vm_cloud *cloud, const char *name,
			char error[VM_CLOUD_ERROR_MAX]);

/*
 * Leaves the key service out of the cloud for a machine whose manifest (a file)
 * names none ("key_service"), since its guest would believe none.  RC_DENIED:
 * it names another; RC_SYS: it cannot be read; error says so.
 */
enum rc vm_cloud_heed(struct vm_cloud *cloud, const char *manifest,
		      char error[VM_CLOUD_ERROR_MAX]);

/* config.json and collateral.json of the machine. */
enum rc vm_cloud_files(const struct vm_settings *s,
		       const struct vm_cloud *cloud, const char *name,
		       char error[VM_CLOUD_ERROR_MAX]);

/* The bundle 'path' of a folder of collateral. */
enum rc vm_cloud_collateral(const char *path, const char *folder,
			    char error[VM_CLOUD_ERROR_MAX]);

/* What a policy says of the image: one of its rows.  NULL: error says why. */
const char *vm_cloud_image_row(struct arena *a, const struct image *image,
			       char error[VM_CLOUD_ERROR_MAX]);

/*
 * Lists the image in the policy of the cloud's public gateway, unless it is
 * there; *was_added says which.
 */
enum rc vm_cloud_list_image(bool *was_added, const struct vm_cloud *cloud,
			    const struct image *image,
			    char error[VM_CLOUD_ERROR_MAX]);

/*
 * Has the cloud's key service, if it has one, give the app of that manifest its
 * keys in the image; *was_added as above.  RC_SYS: the file cannot be read;
 * else as keyservice_allow().
 */
enum rc vm_cloud_list_app(bool *was_added, const struct vm_cloud *cloud,
			  const struct image *image, const char *manifest,
			  char error[VM_CLOUD_ERROR_MAX]);

/*
 * The text of config.json (docs/IMAGE.md); 'root' is a PEM, or NULL.  Pure.
 * False: it does not fit.
 */
struct vm_config {
	const char *const *kms; /* addresses of the key service */
	size_t kms_count;
	const char *node, *gateway_address, *gateway_name, *address, *route,
		*collateral_url, *root; /* NULL or "": none */
};
bool vm_config_write(struct buf *out, const struct vm_config *c);

#endif
