#include "cli/deploy.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/archive.h"
#include "cli/builder.h"
#include "cli/deploy_cloud.h"
#include "cli/deploy_lineage.h"
#include "cli/fmt.h"
#include "cli/place.h"
#include "cli/progress.h"
#include "cli/vm_start.h"
#include "cli/vm_wait.h"
#include "compose/app.h"
#include "http/fetch.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	ARENA_MAX = 16 * 1024 * 1024,
	DEFAULT_PORT = 8443,
	DEFAULT_WAIT_S = 300,
	DEFAULT_DATA_MIB = 2048, /* of an app with volumes; it is sparse */
	TICK_US = 100 * 1000,
	FETCH_MS = 3000,
	ANSWER_MAX = 64 * 1024,
	STATUS_GATEWAY_FIRST = 502, /* to 504: the app does not answer yet */
	STATUS_GATEWAY_LAST = 504,
	PORT_HTTP = 80,
	PORT_HTTPS = 443,
	ERROR_MAX = VM_CLOUD_ERROR_MAX,
};

static const char deploy_help[] =
	"usage: postern deploy COMPOSE.yaml [OPTION...]\n"
	"\n"
	"Runs an app in a confidential VM of this host, in a cloud of `postern "
	"up`, and\n"
	"waits until it answers.  Again: its machine gets the new manifest, as "
	"the same\n"
	"app with its disk where the cloud has a key service, else as another "
	"app.  All\n"
	"SIMULATED.\n"
	"\n"
	"  --name NAME       of the app and its machine (default the file's "
	"or its folder's)\n"
	"  --image DIR|NAME  what the machine boots (default that of the last "
	"time, else\n"
	"                    " VM_IMAGES "/default)\n"
	"  --backend vm|netns  a virtual machine, or namespaces (default vm)\n"
	"  --images TAR      container images, instead of building and saving\n"
	"  --env FILE        encrypted environment\n"
	"  --data SIZE       its disk (default 2G for an app with volumes)\n"
	"  --memory SIZE --cpus N\n"
	"  --cloud NAME      where several run\n"
	"  --config FILE     cloud to start when none runs (default one "
	"gateway)\n"
	"  --port N          of a cloud that is started (default 8443)\n"
	"  --wait SECONDS    how long the app may take to answer (default "
	"300)\n"
	"  --manifest FILE   writes the manifest there, and deploys nothing\n"
	"\n"
	"Exit status: 0 it answers, 1 refused or failed, 2 the file or the "
	"arguments are\n"
	"unusable.\n";

struct options {
	const char *file, *name, *manifest_only, *backend;
	struct vm_change change;
	struct deploy_cloud_options cloud;
	uint64_t wait_s;
};

struct deploy {
	struct options *o;
	struct arena arena;
	struct progress progress;
	struct vm_cloud cloud;
	struct compose compose;
	struct buf text; /* of the compose file */
	struct buf manifest;
	struct app_image images[COMPOSE_SERVICES_MAX];
	size_t image_count;
	const char *folder; /* of the compose file, absolute */
	char name[16];
	char error[ERROR_MAX];
};

static bool say(struct deploy *d, const char *what)
{
	(void)snprintf(d->error, ERROR_MAX, "%.300s: %s", what,
		       strerror(errno));
	return false;
}

/* The app. */

static bool find_folder(struct deploy *d)
{
	char real[PATH_MAX];
	char *slash;

	if (!realpath(d->o->file, real))
		return say(d, d->o->file);
	slash = strrchr(real, '/');
	*slash = '\0';
	d->folder = fmt(&d->arena, "%s", *real ? real : "/");
	return true;
}

static bool read_compose(struct deploy *d)
{
	const char *slash, *name = d->o->name;
	enum rc rc;

	buf_init(&d->text, COMPOSE_MAX + 1);
	rc = file_read(&d->text, d->o->file);
	if (rc) {
		(void)snprintf(d->error, ERROR_MAX, "%.300s: %s", d->o->file,
			       file_why(rc));
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

static bool has_context(const struct deploy *d)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/context", d->folder);
	return access(path, X_OK) == 0;
}

static bool build_images(struct deploy *d)
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
		.context = has_context(d) ? d->folder : NULL,
		.images = d->compose.images,
		.count = d->compose.image_count,
	};

	if (n <= 0)
		return say(d, "/proc/self/exe");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	place_path(run, d->cloud.name, "builder");
	return builder_run(&d->o->change.images, a, &job, d->error) == RC_OK;
}

/* Two services may name one image, each in its way. */
static void add_image(struct deploy *d, const struct app_image *image)
{
	for (size_t i = 0; i < d->image_count; i++) {
		if (strcmp(d->images[i].name, image->name) == 0)
			return;
	}
	d->images[d->image_count++] = *image;
}

/* What the archive must hold, and with which ids. */
static bool list_images(struct deploy *d)
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
			(void)snprintf(d->error, ERROR_MAX,
				       "%.200s: no image %.200s in it",
				       d->o->change.images,
				       d->compose.images[i]);
			return false;
		}
		add_image(d, found);
	}
	return true;
}

static bool write_app(struct deploy *d, bool has_images, const char *continues)
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
	(void)snprintf(d->error, ERROR_MAX, "%.200s: %s", d->o->file, why);
	return false;
}

/* Of a machine: an app that ran under this name goes on as the same app, if a
 * key service says so. */
static bool make_manifest(struct deploy *d, bool is_machine)
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

/* Its machine. */

static const char *app_host(struct deploy *d, const struct compose_port *port)
{
	uint8_t id[MANIFEST_ID_LEN];
	char hex[2 * MANIFEST_ID_LEN + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);
	const char *suffix = "";

	/* ours, so it is one */
	if (lineage_of(id, buf_span(&d->manifest)))
		manifest_app_id(id, buf_span(&d->manifest));
	text_hex(&w, SPAN_ARRAY(id));
	if (port->protocol == MANIFEST_TLS)
		suffix = port->port == PORT_HTTPS
				 ? "-s"
				 : fmt(&d->arena, "-%us", port->port);
	else if (port->protocol == MANIFEST_H2)
		suffix = fmt(&d->arena, "-%ug", port->port);
	else if (port->port != PORT_HTTP)
		suffix = fmt(&d->arena, "-%u", port->port);
	return fmt(&d->arena, "%s%s.%s", hex, suffix, d->cloud.base);
}

/* The port that is asked whether the app answers; NULL: none can be. */
static const struct compose_port *http_port(const struct deploy *d)
{
	for (size_t i = 0; i < d->compose.port_count; i++) {
		if (d->compose.ports[i].protocol == MANIFEST_HTTP)
			return &d->compose.ports[i];
	}
	return NULL;
}

static bool is_as_before(struct deploy *d)
{
	AUTO(buf_fini)
	struct buf old = { 0 };
	char path[FOLDER_PATH_MAX];

	folder_state(path, d->name, "manifest.json");
	buf_init(&old, MANIFEST_MAX);
	return folder_keeper(d->name) > 0 && !d->o->change.image &&
	       !d->o->change.env && !d->o->change.data_mib &&
	       !d->o->change.memory_mib && !d->o->change.cpus &&
	       file_read(&old, path) == RC_OK &&
	       span_equal(buf_span(&old), buf_span(&d->manifest));
}

static bool write_manifest(struct deploy *d, const char *path, mode_t mode)
{
	return file_replace(path, buf_span(&d->manifest), mode) == RC_OK ||
	       say(d, path);
}

/* Before the old one is stopped: the new app would not start. */
static bool can_have_disk(struct deploy *d)
{
	if (!deploy_has_other_disk(d->name, buf_span(&d->manifest)))
		return true;
	(void)snprintf(d->error, ERROR_MAX,
		       "%s: its manifest has changed, and no key service that "
		       "both name lets it be the same app, so it cannot open "
		       "its disk; `postern vm remove %s` first, which removes "
		       "the disk, or deploy under another --name",
		       d->name, d->name);
	return false;
}

static bool start_machine(struct deploy *d)
{
	struct vm_change *c = &d->o->change;
	char path[PLACE_PATH_MAX];
	bool is_new = !folder_exists(d->name), was_running;

	if (!can_have_disk(d))
		return false;
	if (is_new && !c->image)
		c->image = "default";
	if (is_new && !c->data_mib && d->compose.has_volumes)
		c->data_mib = DEFAULT_DATA_MIB;
	place_path(path, d->cloud.name, "deploy.json");
	if (!write_manifest(d, path, 0600))
		return false;
	c->manifest = path;
	c->cloud = d->cloud.name;
	if (vm_halt(&was_running, d->name, d->error))
		return false;
	if (was_running)
		progress_event(&d->progress, "%s: the old one is stopped",
			       d->name);
	if (vm_apply(d->name, c, d->error) || vm_launch(d->name, d->error))
		return false;
	progress_event(&d->progress, "%s: machine started, SIMULATED", d->name);
	return true;
}

/* Waiting. */

static bool answers(struct deploy *d, const char *host)
{
	const char *url = fmt(&d->arena, "https://%s:%llu/", host,
			      (unsigned long long)d->cloud.port);
	const char *const resolve[] = {
		fmt(&d->arena, "%s:%llu:127.0.0.1", host,
		    (unsigned long long)d->cloud.port),
		NULL
	};
	struct fetch_options options = {
		.ca_file = fmt(&d->arena, "%s/ca.pem", d->cloud.state),
		.timeout_ms = FETCH_MS,
		.resolve = resolve,
	};
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	char ignored[FETCH_ERROR_MAX];

	return web_ask_init(&ask, WEB_GET, span_str(url), ANSWER_MAX) ==
		       RC_OK &&
	       fetch(&answer, ignored, &ask, &options) == FETCH_OK &&
	       (answer.status < STATUS_GATEWAY_FIRST ||
		answer.status > STATUS_GATEWAY_LAST);
}

/* Prints what the guest reported since the last look. */
static void tell_steps(struct deploy *d, const struct vm_run *run, size_t *seen)
{
	for (; *seen < run->step_count; (*seen)++) {
		const struct vm_step *s = &run->steps[*seen];

		progress_event(&d->progress, "%s: %s%s%s (%.1f s after start)",
			       d->name, s->step, *s->text ? ": " : "", s->text,
			       (double)s->ms / 1000);
	}
}

static bool fail_ended(struct deploy *d, const struct vm_run *run)
{
	(void)snprintf(d->error, ERROR_MAX,
		       "%s: %s; see `postern vm log %s`", d->name,
		       *run->why ? run->why : "its machine ended", d->name);
	return false;
}

/* Where nothing can be asked over HTTP, the guest's word has to do. */
static bool is_there(struct deploy *d, const struct vm_run *run,
		     const char *host)
{
	return host ? answers(d, host)
		    : vm_find_step(run, VM_STEP_CONTAINERS) != NULL;
}

/* Until the tunnel is up and the app is there. */
static bool wait_app(struct deploy *d)
{
	const struct compose_port *port = http_port(d);
	const char *host = port ? app_host(d, port) : NULL;
	uint64_t end_ms = clock_boot_ms() + d->o->wait_s * 1000;
	bool has_tunnel = false;
	struct vm_run run;
	size_t seen = 0;

	while (clock_boot_ms() < end_ms) {
		enum vm_wait now = vm_wait_tunnel(&run, d->name);

		tell_steps(d, &run, &seen);
		if (now == VM_WAIT_ENDED)
			return fail_ended(d, &run);
		if (now == VM_WAIT_THERE && !has_tunnel)
			progress_event(&d->progress, "%s: tunnel up", d->name);
		has_tunnel = now == VM_WAIT_THERE;
		if (has_tunnel && is_there(d, &run, host))
			return true;
		progress_waiting(&d->progress,
				 has_tunnel ? "the app" : "the tunnel");
		(void)usleep(TICK_US);
	}
	(void)snprintf(d->error, ERROR_MAX,
		       "%s: %s after %llu s; see `postern vm log %s`%s",
		       d->name,
		       has_tunnel ? "the app does not answer" : "no tunnel",
		       (unsigned long long)d->o->wait_s, d->name,
		       has_tunnel ? "; what containers write stays inside, "
				    "where `--backend netns` lets it be read"
				  : "");
	return false;
}

static void tell_urls(struct deploy *d)
{
	for (size_t i = 0; i < d->compose.port_count; i++) {
		const struct compose_port *p = &d->compose.ports[i];
		bool is_web = p->protocol != MANIFEST_TCP;

		printf("%s://%s:%llu%s\n", is_web ? "https" : "tls",
		       app_host(d, p), (unsigned long long)d->cloud.port,
		       is_web ? "/" : "");
	}
	printf("authority of the gateway's certificate: %s/ca.pem (SIMULATED "
	       "platform)\n",
	       d->cloud.state);
}

static bool deploy_vm(struct deploy *d)
{
	bool was_started;

	if (deploy_cloud(&d->cloud, &was_started, &d->arena, &d->o->cloud,
			 d->error))
		return false;
	if (was_started)
		progress_event(&d->progress,
			       "cloud %s: started (`postern down --name %s` "
			       "ends it)",
			       d->cloud.name, d->cloud.name);
	if (!d->o->change.images) {
		if (!build_images(d))
			return false;
		progress_event(&d->progress, "%s: %zu container image%s saved",
			       d->name, d->compose.image_count,
			       d->compose.image_count == 1 ? "" : "s");
	}
	if (!list_images(d) || !make_manifest(d, true))
		return false;
	if (d->o->manifest_only)
		return write_manifest(d, d->o->manifest_only, 0644);
	/* One that ran in a cloud of before has to find the new one. */
	if (!was_started && is_as_before(d))
		progress_event(&d->progress, "%s: nothing changed", d->name);
	else if (!start_machine(d))
		return false;
	if (!wait_app(d))
		return false;
	progress_event(&d->progress, "%s: answers", d->name);
	tell_urls(d);
	return true;
}

/* Namespaces: a cloud of the app's own, made again at each deploy. */

static const char *describe_cloud(struct deploy *d)
{
	struct arena *a = &d->arena;
	const char *gateway = deploy_example(a, "deploy/gateway.json");
	const char *contexts = has_context(d)
				       ? fmt(a, "    contexts: [ \"%s\" ]\n",
					     d->folder)
				       : "";

	return fmt(a,
		   "name: %s\n"
		   "base: postern.localhost\n"
		   "lease: 60s\n"
		   "gateways:\n"
		   "  - name: gateway\n"
		   "    address: 198.51.100.1\n"
		   "    public: true\n"
		   "    image: gateway\n"
		   "    accepts: base\n"
		   "    manifest: \"%s\"\n"
		   "cvms:\n"
		   "  - name: cvm\n"
		   "    address: 198.51.100.11\n"
		   "    image: base\n"
		   "    manifest: manifest.json\n"
		   "%s"
		   "    gateway: 198.51.100.1:443\n"
		   "    accepts: gateway\n",
		   d->name, gateway ? gateway : "gateway.json", contexts);
}

/* Its path goes into a quoted text of YAML. */
static bool can_be_described(struct deploy *d)
{
	if (!strpbrk(d->folder, "\"\\\n"))
		return true;
	(void)snprintf(d->error, ERROR_MAX,
		       "%.300s: the folder's path must not have '\"', '\\' or "
		       "a line's end",
		       d->o->file);
	return false;
}

/* A cloud of this name that no deploy described is a person's. */
static bool is_ours(struct deploy *d, const char *config)
{
	if (place_supervisor(d->name) <= 0 || access(config, F_OK) == 0)
		return true;
	(void)snprintf(d->error, ERROR_MAX,
		       "cloud %s runs and is no app's: say another --name",
		       d->name);
	return false;
}

static bool end_old_cloud(struct deploy *d)
{
	pid_t pid = place_supervisor(d->name);
	uint64_t end_ms = clock_boot_ms() + d->o->wait_s * 1000;

	if (pid > 0)
		(void)kill(pid, SIGTERM);
	while (pid > 0 && place_supervisor(d->name) == pid) {
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(d->error, ERROR_MAX,
				       "cloud %s does not end", d->name);
			return false;
		}
		(void)usleep(TICK_US);
	}
	return true;
}

static bool deploy_netns(struct deploy *d)
{
	struct arena *a = &d->arena;
	const char *folder = fmt(a, PLACE_STATE "/%s.app", d->name);
	const char *config = fmt(a, "%s/cloud.yaml", folder);
	const struct compose_port *port = http_port(d);
	uint64_t end_ms = clock_boot_ms() + d->o->wait_s * 1000;

	if (!make_manifest(d, false))
		return false;
	if (d->o->manifest_only)
		return write_manifest(d, d->o->manifest_only, 0644);
	if (!is_ours(d, config) || !can_be_described(d))
		return false;
	if (file_make_dirs(folder, 0755))
		return say(d, folder);
	if (!write_manifest(d, fmt(a, "%s/manifest.json", folder), 0644))
		return false;
	if (fmt_file(config, 0644, describe_cloud(d)))
		return say(d, config);
	if (!end_old_cloud(d) ||
	    deploy_up(config, d->name, d->o->cloud.port,
		      fmt(a, "%s/up.log", folder),
		      (unsigned)d->o->wait_s * 1000, d->error) ||
	    vm_cloud_find(&d->cloud, a, d->name, d->error))
		return false;
	while (port && !answers(d, app_host(d, port))) {
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(d->error, ERROR_MAX,
				       "%s: the app does not answer", d->name);
			return false;
		}
		(void)usleep(TICK_US);
	}
	progress_event(&d->progress, "%s: answers, in namespaces", d->name);
	tell_urls(d);
	return true;
}

static int deploy(struct options *o)
{
	struct deploy *d = mem_new(sizeof(*d));
	int status = CLI_OK;
	bool is_netns = strcmp(o->backend, "netns") == 0;

	d->o = o;
	d->progress = progress_start();
	arena_init(&d->arena, ARENA_MAX);
	if (!read_compose(d))
		status = CLI_USAGE;
	else if (!cli_is_root("deploy") ||
		 !(is_netns ? deploy_netns(d) : deploy_vm(d)))
		status = CLI_REFUSED;
	progress_clear(&d->progress);
	if (status != CLI_OK && *d->error)
		fprintf(stderr, "postern deploy: %s\n", d->error);
	buf_fini(&d->text);
	buf_fini(&d->manifest);
	arena_fini(&d->arena);
	free(d);
	return status;
}

/* Options. */

static bool take_number(struct options *o, int option, const char *value)
{
	struct span text = span_str(value);

	switch (option) {
	case 'd':
		return vm_size(&o->change.data_mib, value);
	case 'm':
		return vm_size(&o->change.memory_mib, value);
	case 'c':
		return text_u64(&o->change.cpus, text, VM_CPUS_MAX) &&
		       o->change.cpus > 0;
	case 'p':
		return text_u64(&o->cloud.port, text, UINT16_MAX) &&
		       o->cloud.port > 0;
	case 'w':
		return text_u64(&o->wait_s, text, 86400);
	default:
		return false;
	}
}

static bool take_text(struct options *o, int option, const char *value)
{
	const struct {
		int option;
		const char **to;
	} rows[] = {
		{ 'n', &o->name },
		{ 'i', &o->change.image },
		{ 'b', &o->backend },
		{ 't', &o->change.images },
		{ 'e', &o->change.env },
		{ 'l', &o->cloud.name },
		{ 'g', &o->cloud.config },
		{ 'f', &o->manifest_only },
		{ 'a', &o->change.backend },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].option != option)
			continue;
		*rows[i].to = value;
		return true;
	}
	return false;
}

static const struct option longs[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "image", required_argument, NULL, 'i' },
	{ "backend", required_argument, NULL, 'b' },
	{ "accel", required_argument, NULL, 'a' },
	{ "images", required_argument, NULL, 't' },
	{ "env", required_argument, NULL, 'e' },
	{ "data", required_argument, NULL, 'd' },
	{ "memory", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "cloud", required_argument, NULL, 'l' },
	{ "config", required_argument, NULL, 'g' },
	{ "port", required_argument, NULL, 'p' },
	{ "wait", required_argument, NULL, 'w' },
	{ "manifest", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int check(const struct options *o)
{
	char label[16];

	if (strcmp(o->backend, "vm") != 0 && strcmp(o->backend, "netns") != 0)
		return cli_usage("deploy", "--backend takes vm or netns");
	if (!o->name)
		return CLI_OK;
	app_label(label, o->name);
	return strcmp(label, o->name) == 0
		       ? CLI_OK
		       : cli_usage("deploy",
				   "--name takes 1 to 15 of a-z, 0-9 and '-'");
}

int cli_deploy(int argc, char **argv)
{
	struct options o = { .backend = "vm",
			     .cloud = { .port = DEFAULT_PORT },
			     .wait_s = DEFAULT_WAIT_S };
	int c, index = 0, status;

	while ((c = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (c == 'h') {
			fputs(deploy_help, stdout);
			return CLI_OK;
		}
		if (c == '?')
			return cli_usage("deploy", "wrong arguments");
		if (!take_text(&o, c, optarg) && !take_number(&o, c, optarg))
			return cli_usage("deploy", "--%s: what is '%s'?",
					 longs[index].name, optarg);
	}
	if (argc - optind != 1)
		return cli_usage("deploy", "say one Compose file");
	o.file = argv[optind];
	status = check(&o);
	return status == CLI_OK ? deploy(&o) : status;
}
