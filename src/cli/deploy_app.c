#include "cli/deploy_app.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/archive.h"
#include "cli/builder.h"
#include "cli/deploy_lineage.h"
#include "cli/fmt.h"
#include "cli/place.h"
#include "io/file.h"

enum {
	ARENA_MAX = 16 * 1024 * 1024,
};

struct deploy_app *deploy_app_new(struct deploy_options *o)
{
	struct deploy_app *d = mem_new(sizeof(*d));

	d->o = o;
	d->progress = progress_start();
	arena_init(&d->arena, ARENA_MAX);
	return d;
}

void deploy_app_free(struct deploy_app *d)
{
	if (!d)
		return;
	buf_fini(&d->text);
	buf_fini(&d->manifest);
	arena_fini(&d->arena);
	free(d);
}

bool deploy_app_say(struct deploy_app *d, const char *what)
{
	(void)snprintf(d->error, DEPLOY_ERROR_MAX, "%.300s: %s", what,
		       strerror(errno));
	return false;
}

static bool find_folder(struct deploy_app *d)
{
	char real[PATH_MAX];
	char *slash;

	if (!realpath(d->o->file, real))
		return deploy_app_say(d, d->o->file);
	slash = strrchr(real, '/');
	*slash = '\0';
	d->folder = fmt(&d->arena, "%s", *real ? real : "/");
	return true;
}

bool deploy_app_read(struct deploy_app *d)
{
	const char *slash, *name = d->o->name;
	enum rc rc;

	buf_init(&d->text, COMPOSE_MAX + 1);
	rc = file_read(&d->text, d->o->file);
	if (rc) {
		(void)snprintf(d->error, DEPLOY_ERROR_MAX, "%.300s: %s",
			       d->o->file, file_why(rc));
		return false;
	}
	if (!find_folder(d) ||
	    compose_read(&d->compose, &d->arena, d->o->file,
			 buf_span(&d->text), d->error))
		return false;
	slash = strrchr(d->folder, '/');
	if (!name)
		name = d->compose.name ? d->compose.name : slash + 1;
	app_label(d->name, name);
	return true;
}

bool deploy_app_has_context(const struct deploy_app *d)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/context", d->folder);
	return access(path, X_OK) == 0;
}

bool deploy_app_build_images(struct deploy_app *d)
{
	struct arena *a = &d->arena;
	char run[PLACE_PATH_MAX], self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct builder_job job = {
		.state = fmt(a, "%s/builder", d->cloud.state),
		.run = run,
		.netns = fmt(a, "postern.%s.builder", d->cloud.name),
		.bin = self,
		.base = d->cloud.base,
		.context = deploy_app_has_context(d) ? d->folder : NULL,
		.images = d->compose.images,
		.count = d->compose.image_count,
	};

	if (n <= 0)
		return deploy_app_say(d, "/proc/self/exe");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	place_path(run, d->cloud.name, "builder");
	return builder_run(&d->o->change.images, a, &job, d->error) == RC_OK;
}

/* Two services may name one image, each in its way. */
static void add_image(struct deploy_app *d, const struct app_image *image)
{
	for (size_t i = 0; i < d->image_count; i++) {
		if (strcmp(d->images[i].name, image->name) == 0)
			return;
	}
	d->images[d->image_count++] = *image;
}

/* What the archive must hold, and with which ids. */
bool deploy_app_list_images(struct deploy_app *d)
{
	AUTO(mem_auto_free)
	struct archive *archive = mem_new(sizeof(*archive));

	if (archive_read(archive, d->o->change.images, d->error))
		return false;
	for (size_t i = 0; i < d->compose.image_count; i++) {
		char name[APP_IMAGE_MAX];
		const struct app_image *found = NULL;

		if (app_image_name(name, d->compose.images[i]))
			found = archive_find(archive, name);
		if (!found) {
			(void)snprintf(d->error, DEPLOY_ERROR_MAX,
				       "%.200s: no image %.200s in it",
				       d->o->change.images,
				       d->compose.images[i]);
			return false;
		}
		add_image(d, found);
	}
	return true;
}

static bool write_app(struct deploy_app *d, bool has_images,
		      const char *continues)
{
	char why[MANIFEST_ERROR_MAX];
	struct app app = {
		.name = d->name,
		.compose = buf_span(&d->text),
		.read = &d->compose,
		.images = d->images,
		.image_count = has_images ? d->image_count : 0,
		.trust = has_images ? d->cloud.trust : NULL,
		.key_service = has_images ? d->cloud.key_service : NULL,
		.continues = continues,
	};

	buf_fini(&d->manifest);
	buf_init(&d->manifest, MANIFEST_MAX);
	if (app_manifest(&d->manifest, &app, why) == RC_OK)
		return true;
	(void)snprintf(d->error, DEPLOY_ERROR_MAX, "%.200s: %s",
		       d->o->file, why);
	return false;
}

bool deploy_app_make_manifest(struct deploy_app *d, bool is_machine)
{
	const char *continues;

	if (!write_app(d, is_machine, NULL))
		return false;
	if (!is_machine)
		return true;
	continues = deploy_continues(&d->arena, d->name, buf_span(&d->manifest),
				     d->cloud.key_service);
	return !continues || write_app(d, true, continues);
}

bool deploy_app_write_manifest(struct deploy_app *d, const char *path,
			       mode_t mode)
{
	return file_replace(path, buf_span(&d->manifest), mode) == RC_OK ||
	       deploy_app_say(d, path);
}
