/*
 * deploy_app: the app that is deployed: what its Compose file says, the
 * container images it runs, and the manifest made of both.
 *
 * Nothing is started here but the engine that builds images.  Where the app
 * runs is deploy_vm's and deploy_netns's matter; they fill in the cloud.
 */
#ifndef POSTERN_CLI_DEPLOY_APP_H
#define POSTERN_CLI_DEPLOY_APP_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "cli/deploy_options.h"
#include "cli/progress.h"
#include "compose/app.h"

enum {
	DEPLOY_ERROR_MAX = VM_CLOUD_ERROR_MAX,
	DEPLOY_NAME_MAX = 16, /* with its end */
};

/* What is known so far.  Whatever returns false leaves the reason in error,
 * without a line's end. */
struct deploy_app {
	struct deploy_options *o; /* borrowed; its images may be filled in */
	struct arena arena; /* for what lives as long as this */
	struct progress progress;
	struct vm_cloud cloud; /* where it runs, once there is one */
	struct compose compose;
	struct buf text; /* of the compose file, as it is */
	struct buf manifest; /* empty before deploy_app_make_manifest() */
	struct app_image images[COMPOSE_SERVICES_MAX]; /* each name once */
	size_t image_count;
	const char *folder; /* of the compose file, absolute */
	char name[DEPLOY_NAME_MAX]; /* its own, and that of its machine */
	char error[DEPLOY_ERROR_MAX];
};

/* Returns owned: deploy_app_free().  The progress starts now. */
struct deploy_app *deploy_app_new(struct deploy_options *o);
void deploy_app_free(struct deploy_app *d);

/* Puts "<what>: <errno's text>" into error; false. */
bool deploy_app_say(struct deploy_app *d, const char *what);

/* Reads the Compose file: text, compose, folder and name.  False: it cannot be
 * read, or is no Compose file that can be deployed. */
bool deploy_app_read(struct deploy_app *d);

/* Whether the app's folder holds a script `context` (cli/builder.h). */
bool deploy_app_has_context(const struct deploy_app *d);

/* Builds and saves what the file names, for d->cloud: the archive is then the
 * images of the options.  False: as builder_run() fails. */
bool deploy_app_build_images(struct deploy_app *d);

/* Finds each image of the file in the archive of the options: images.  False:
 * it cannot be read, or one is not in it. */
bool deploy_app_list_images(struct deploy_app *d);

/*
 * Makes the manifest.  Of a machine it lists images and names d->cloud's trust
 * and key service; an app that ran under this name goes on as the same app, if
 * a key service says so.  Else the cloud is not looked at.
 * False: the app does not fit a manifest.
 */
bool deploy_app_make_manifest(struct deploy_app *d, bool is_machine);

/* Writes the manifest, whole or not at all. */
bool deploy_app_write_manifest(struct deploy_app *d, const char *path,
			       mode_t mode);

#endif
