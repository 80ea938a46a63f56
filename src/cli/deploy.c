#include "cli/deploy.h"

#include <stdio.h>
#include <string.h>

#include "cli/deploy_app.h"
#include "cli/deploy_netns.h"
#include "cli/deploy_options.h"
#include "cli/deploy_vm.h"

static int deploy(struct deploy_options *o)
{
	struct deploy_app *d = deploy_app_new(o);
	int status = CLI_OK;
	bool is_netns = strcmp(o->backend, "netns") == 0;

	if (!deploy_app_read(d))
		status = CLI_USAGE;
	else if (!cli_is_root("deploy") ||
		 !(is_netns ? deploy_netns(d) : deploy_vm(d)))
		status = CLI_REFUSED;
	progress_clear(&d->progress);
	if (status != CLI_OK && *d->error)
		fprintf(stderr, "postern deploy: %s\n", d->error);
	deploy_app_free(d);
	return status;
}

int cli_deploy(int argc, char **argv)
{
	struct deploy_options o;
	int status = deploy_options_read(&o, argc, argv);

	if (status != CLI_OK)
		return status < 0 ? CLI_OK : status;
	return deploy(&o);
}
