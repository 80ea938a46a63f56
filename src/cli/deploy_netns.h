/*
 * deploy_netns: an app in namespaces: in a cloud of its own, which is called
 * like it and made again at each deploy.  What its containers write can be read
 * there.
 *
 * Below PLACE_STATE/<name>.app/ stand the cloud's description, the manifest
 * and what `postern up` said.
 */
#ifndef POSTERN_CLI_DEPLOY_NETNS_H
#define POSTERN_CLI_DEPLOY_NETNS_H

#include "cli/deploy_app.h"

/*
 * Describes a cloud for the app that deploy_app_read() read, ends that of
 * before, starts the new one, waits until the app answers and prints its URLs.
 * With manifest_only it ends when that is written.
 *
 * False: a cloud of this name is no app's, it cannot be described, ended or
 * started, or there is no answer in wait_s.  A cloud that was started then
 * goes on.
 */
bool deploy_netns(struct deploy_app *d);

#endif
