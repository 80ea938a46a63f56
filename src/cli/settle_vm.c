#include "cli/settle_vm.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/archive.h"
#include "cli/builder.h"
#include "cli/fmt.h"
#include "cli/json.h"
#include "cli/vm_cloud.h"
#include "cli/vm_start.h"
#include "io/file.h"
#include "vm/disk.h"

enum {
	ARENA_MAX = 8 * 1024 * 1024,
	TEXT_MAX = 256 * 1024,
	MEMORY_MIB = 1024,
};

static enum rc say(char error[PLAN_ERROR_MAX], const char *what)
{
	(void)snprintf(error, PLAN_ERROR_MAX, "%.400s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

static const char *read_text(struct arena *a, const char *path)
{
	AUTO(buf_fini)
	struct buf text = { 0 };

	buf_init(&text, TEXT_MAX);
	if (file_read(&text, path))
		return NULL;
	return fmt(a, "%.*s", (int)text.n, (const char *)buf_span(&text).p);
}

static const char *folder_of(struct arena *a, const struct machine *m)
{
	return fmt(a, "%s/postern-vm/%s", m->spec.lib, m->spec.name);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* One context a machine: its folder names the image, as compose has it. */
static enum rc build(const char **tar, struct arena *a, const struct plan *p,
		     const struct machine *m, char error[PLAN_ERROR_MAX])
{
	const char *const *contexts = m->cvm->contexts.items;
	const char *images[CLOUD_CONTEXTS_MAX];

	if (m->cvm->contexts.count != 1) {
		(void)snprintf(error, PLAN_ERROR_MAX,
			       "%s: a virtual machine has one context",
			       m->spec.name);
		return RC_DENIED;
	}
	images[0] = last_part(contexts[0]);
	return builder_run(
		tar, a,
		&(struct builder_job){
			.state = fmt(a, "%s/builder", p->places.state),
			.run = fmt(a, "%s/builder", p->places.run),
			.netns = fmt(a, "postern.%s.builder", p->cloud->name),
			.bin = p->places.bin,
			.base = p->cloud->base,
			.user = fmt(a, "%s/%s", p->places.state, m->spec.name),
			.context = contexts[0],
			.images = images,
			.count = 1 },
		error);
}

static enum rc write_manifest(struct arena *a, const struct plan *p,
			      const struct machine *m, const char *tar,
			      char error[PLAN_ERROR_MAX])
{
	AUTO(mem_auto_free)
	struct archive *archive = mem_new(sizeof(*archive));
	AUTO(jfree)
	json_t *root = jload(m->cvm->manifest);
	const char *trust = fmt(a, "%s/trust.yaml", p->places.state);
	const char *policy = read_text(a, trust);
	json_t *images;
	enum rc rc = RC_OK;
	char *text;

	if (!json_is_object(root)) {
		(void)snprintf(error, PLAN_ERROR_MAX, "%.400s: no JSON object",
			       m->cvm->manifest);
		return RC_MALFORMED;
	}
	images = json_object();
	jset(root, "images", images);
	if (!policy)
		return say(error, trust);
	if (archive_read(archive, tar, error))
		return RC_DENIED;
	for (size_t i = 0; i < archive->count; i++)
		jset_text(images, archive->images[i].name,
			  archive->images[i].digest);
	jset_text(root, "trust", policy);
	if (p->cloud->kms.count)
		jset_text(root, "key_service",
			  keyservice_id(a, p->places.state));
	text = json_dumps(root, JSON_INDENT(2));
	if (!text || fmt_file(m->manifest, 0644, text))
		rc = say(error, m->manifest);
	free(text);
	return rc;
}

static enum rc make_app(const struct plan *p, const struct machine *m,
			char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *tar = NULL, *folder;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	folder = folder_of(&a, m);
	if (file_make_dirs(folder, 0700))
		return say(error, folder);
	rc = build(&tar, &a, p, m, error);
	if (!rc)
		rc = vm_copy(fmt(&a, "%s/images.tar", folder), tar, error);
	return rc ? rc : write_manifest(&a, p, m, tar, error);
}

enum rc settle_vm_apps(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	enum rc rc = RC_OK;

	for (size_t i = PLAN_FIRST_NODE; !rc && i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		if (m->cvm && m->cvm->is_machine)
			rc = make_app(p, m, error);
	}
	return rc;
}

static enum rc write_config(struct arena *a, const struct plan *p,
			    const struct machine *m, const char *folder,
			    char error[PLAN_ERROR_MAX])
{
	const char *root = fmt(a, "%s/root.pem",
			       p->machines[PLAN_PLATFORM].spec.lib);
	const char *path = fmt(a, "%s/config.json", folder);
	AUTO(buf_fini)
	struct buf json = { 0 };
	const char *kms[CLOUD_KMS_MAX];
	struct vm_config config = {
		.kms = kms,
		.node = m->spec.name,
		.gateway_address = m->cvm->gateway,
		.gateway_name = fmt(a, "gateway.%s", p->cloud->base),
		.address = fmt(a, "%s/24", m->address),
		.root = read_text(a, root),
	};

	if (!config.root)
		return say(error, root);
	for (; config.kms_count < p->cloud->kms.count; config.kms_count++)
		kms[config.kms_count] =
			fmt(a, "%s:%d",
			    cloud_kms(p->cloud, config.kms_count)->address,
			    KEYSERVICE_PORT);
	buf_init(&json, TEXT_MAX);
	if (!vm_config_write(&json, &config) ||
	    file_replace(path, buf_span(&json), 0600))
		return say(error, path);
	return RC_OK;
}

/* vm.json as folder_write_settings() writes it; the machine's folder is that
 * of another file system here. */
static enum rc write_settings(struct arena *a, const struct plan *p,
			      const struct machine *m, const char *folder,
			      char error[PLAN_ERROR_MAX])
{
	const char *path = fmt(a, "%s/vm.json", folder);
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct vm_settings s = {
		.image = p->places.image->folder,
		.accel = vm_best_accel() == VM_KVM ? VM_KVM : VM_TCG,
		.memory_mib = MEMORY_MIB,
		.cpus = 1,
		.net = VM_NET_TAP,
		.netns = "",
		.bridge = "br0",
		.address = "",
		.cloud = "",
		.control = "",
		.platform = "/run/postern/tee.sock",
		.quotes = "",
		.has_data = m->cvm->data_mib > 0,
		.has_images = true,
		.has_collateral = true,
	};

	buf_init(&json, TEXT_MAX);
	if (!folder_settings_text(&json, &s, "") ||
	    file_replace(path, buf_span(&json), 0600))
		return say(error, path);
	return RC_OK;
}

/* The one of an earlier run, if there is one. */
static enum rc give_disk(struct arena *a, const struct machine *m,
			 const char *folder, char error[PLAN_ERROR_MAX])
{
	const char *path = fmt(a, "%s/data.img", folder);
	enum rc rc = disk_make(path, m->cvm->data_mib);

	if (rc == RC_DENIED)
		rc = disk_grow(path, m->cvm->data_mib);
	if (rc == RC_DENIED)
		(void)snprintf(error, PLAN_ERROR_MAX,
			       "%s: data: its disk is larger, and a disk "
			       "cannot shrink",
			       m->spec.name);
	else if (rc)
		(void)say(error, path);
	return rc;
}

enum rc settle_vm(const struct plan *p, const struct machine *m,
		  char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *folder;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	folder = folder_of(&a, m);
	rc = write_config(&a, p, m, folder, error);
	if (!rc)
		rc = write_settings(&a, p, m, folder, error);
	if (!rc && m->cvm->data_mib)
		rc = give_disk(&a, m, folder, error);
	if (!rc && fmt_copy(fmt(&a, "%s/manifest.json", folder), m->manifest,
			    0600))
		rc = say(error, m->manifest);
	if (!rc)
		rc = vm_cloud_collateral(
			fmt(&a, "%s/collateral.json", folder),
			fmt(&a, "%s/collateral",
			    p->machines[PLAN_PLATFORM].spec.lib),
			error);
	return rc;
}

enum rc settle_vm_policy(const struct plan *p, const struct machine *m,
			 char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *path, *policy, *row;

	arena_init(&a, ARENA_MAX);
	path = fmt(&a, "%s/policy.yaml", m->conf);
	policy = read_text(&a, path);
	if (!policy)
		return say(error, path);
	row = vm_cloud_image_row(&a, p->places.image, error);
	if (!row)
		return RC_MALFORMED;
	return fmt_file(path, 0644, fmt(&a, "%s%s", policy, row))
		       ? say(error, path)
		       : RC_OK;
}
