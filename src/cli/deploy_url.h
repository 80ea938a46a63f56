/*
 * deploy_url: where an app is reached: at a name for each of its ports, made
 * of its app id, below its cloud's domain.
 *
 * The manifest is made and the cloud is there before any of this is asked.
 */
#ifndef POSTERN_CLI_DEPLOY_URL_H
#define POSTERN_CLI_DEPLOY_URL_H

#include "cli/deploy_app.h"

/* The host name of one port, in the arena. */
const char *deploy_url_host(struct deploy_app *d,
			    const struct compose_port *port);

/* The port that is asked whether the app answers; NULL: none can be. */
const struct compose_port *deploy_url_port(const struct deploy_app *d);

/* Asks the cloud's gateway on this host once, for 3 seconds at most, under the
 * authority of that cloud.  True: there was an answer, and not one with which
 * the gateway says that the app gives none (502 to 504). */
bool deploy_url_answers(struct deploy_app *d, const char *host);

/* Prints a URL for each port, and where the authority's certificate is. */
void deploy_url_print(struct deploy_app *d);

#endif
