#include "cli/vm_machine.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "io/file.h"
#include "manifest/manifest.h"

static enum rc check_file(const struct image_file *f, char error[VM_ERROR_MAX])
{
	struct stat st;

	if (stat(f->path, &st) != 0) {
		(void)snprintf(error, VM_ERROR_MAX, "%.180s: %s", f->path,
			       strerror(errno));
		return RC_SYS;
	}
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == f->bytes)
		return RC_OK;
	(void)snprintf(error, VM_ERROR_MAX,
		       "%.150s: has not the %llu bytes that image.json says",
		       f->path, (unsigned long long)f->bytes);
	return RC_STALE;
}

static enum rc check_files(const struct image *i, char error[VM_ERROR_MAX])
{
	const struct image_file *files[] = { &i->kernel, &i->initrd, &i->root,
					     &i->firmware };

	for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
		enum rc rc = check_file(files[k], error);

		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc vm_image_open(struct image *out, struct arena *arena,
		      const char *folder, char error[VM_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	char real[PATH_MAX];
	enum rc rc;

	if (!realpath(folder, real)) {
		(void)snprintf(error, VM_ERROR_MAX, "image %.180s: %s", folder,
			       strerror(errno));
		return RC_SYS;
	}
	buf_init(&json, IMAGE_JSON_MAX);
	rc = file_read(&json, fmt(arena, "%s/image.json", real));
	if (rc) {
		(void)snprintf(error, VM_ERROR_MAX, "%.180s/image.json: %s",
			       real, file_why(rc));
		return RC_SYS;
	}
	rc = image_read(out, arena, fmt(arena, "%s", real), buf_span(&json),
			error);
	return rc ? rc : check_files(out, error);
}

static const char *in_folder(struct arena *a, const char *name,
			     const char *file, bool is_there)
{
	char path[FOLDER_PATH_MAX];

	folder_state(path, name, file);
	return is_there ? fmt(a, "%s", path) : NULL;
}

static const char *in_run(struct arena *a, const char *name, const char *file)
{
	char path[FOLDER_PATH_MAX];

	folder_run(path, name, file);
	return fmt(a, "%s", path);
}

static enum rc measure_manifest(uint8_t out[VM_CONFIG_ID_LEN], const char *path,
				char error[VM_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	enum rc rc;

	static_assert((int)VM_CONFIG_ID_LEN == (int)MANIFEST_CONFIG_ID_LEN);
	buf_init(&json, MANIFEST_MAX);
	rc = file_read(&json, path);
	if (rc) {
		(void)snprintf(error, VM_ERROR_MAX, "%.180s: %s", path,
			       file_why(rc));
		return RC_SYS;
	}
	manifest_config_id(out, buf_span(&json));
	return RC_OK;
}

static void fill_spec(struct vm_machine *m, struct arena *a, const char *name)
{
	const struct vm_settings *s = &m->settings;
	bool is_tdx = s->accel == VM_TDX;
	const char *own = in_run(a, name, "platform.sock");

	m->spec = (struct vm_spec){
		.name = name,
		.accel = s->accel,
		.memory_mib = s->memory_mib,
		.cpus = s->cpus,
		.qemu = m->image.qemu ? m->image.qemu
				      : "/usr/bin/qemu-system-x86_64",
		.tdvf = is_tdx ? m->image.firmware.path : NULL,
		.kernel = m->image.kernel.path,
		.initrd = m->image.initrd.path,
		.cmdline = m->image.cmdline,
		.root = m->image.root.path,
		.data = in_folder(a, name, "data.img", s->has_data),
		.images = in_folder(a, name, "images.tar", s->has_images),
		.manifest = in_folder(a, name, "manifest.json", true),
		.config = in_folder(a, name, "config.json", true),
		.env = in_folder(a, name, "env", s->has_env),
		.collateral = in_folder(a, name, "collateral.json",
					s->has_collateral),
		.quotes = is_tdx && *s->quotes ? s->quotes : NULL,
		.platform = is_tdx	   ? NULL
			    : *s->platform ? s->platform
			    : *s->control  ? own
					   : NULL,
		.net = s->net,
		.tap_fd = 3, /* until there is one */
		.serial = in_folder(a, name, "serial.log", true),
		.manage = in_run(a, name, "manage.sock"),
		.qmp = in_run(a, name, "qmp.sock"),
	};
	memcpy(m->spec.firmware_folders, m->image.firmware_folders,
	       sizeof(m->spec.firmware_folders));
	vm_mac(m->spec.mac, fmt(a, "%s/%s", s->cloud, name));
}

enum rc vm_machine_read(struct vm_machine *out, struct arena *arena,
			const char *name, char error[VM_ERROR_MAX])
{
	struct vm_machine m = { 0 };
	enum rc rc = folder_read_settings(&m.settings, arena, name, error);

	if (!rc)
		rc = vm_image_open(&m.image, arena, m.settings.image, error);
	if (rc)
		return rc;
	if (m.image.is_simulated == (m.settings.accel == VM_TDX)) {
		(void)snprintf(error, VM_ERROR_MAX,
			       "image %s is %s, and the machine's platform is "
			       "%s",
			       m.image.name,
			       m.image.is_simulated ? "SIMULATED" : "for TDX",
			       vm_accel_name(m.settings.accel));
		return RC_DENIED;
	}
	if (m.settings.memory_mib < m.image.memory_min_mib) {
		(void)snprintf(error, VM_ERROR_MAX,
			       "image %s needs %llu MiB of memory",
			       m.image.name,
			       (unsigned long long)m.image.memory_min_mib);
		return RC_DENIED;
	}
	fill_spec(&m, arena, name);
	rc = measure_manifest(m.spec.config_id, m.spec.manifest, error);
	if (!rc)
		rc = vm_spec_check(&m.spec, error);
	if (!rc)
		*out = m;
	return rc;
}
