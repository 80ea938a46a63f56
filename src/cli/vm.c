#include "cli/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/fmt.h"
#include "cli/json.h"
#include "cli/place.h"
#include "cli/vm_keep.h"
#include "cli/vm_report.h"
#include "cli/vm_start.h"
#include "cli/vm_wait.h"
#include "io/clock.h"
#include "io/file.h"
#include "vm/disk.h"
#include "vm/monitor.h"

enum {
	ARENA_MAX = 1024 * 1024,
	FOLLOW_US = 200 * 1000,
	TICK_US = 100 * 1000,
	CHUNK = 64 * 1024,
	QMP_MS = 5000,
	MIB = 1024 * 1024,
	WAIT_MAX_S = 86400,
};

static const char vm_help[] =
	"usage: postern vm start NAME [OPTION...]\n"
	"       postern vm stop | restart | remove NAME\n"
	"       postern vm status NAME [--json]\n"
	"       postern vm list [--json]\n"
	"       postern vm log NAME [-f] [--keeper]\n"
	"       postern vm resize NAME [--data SIZE] [--memory SIZE] "
	"[--cpus N]\n"
	"       postern vm update NAME --manifest FILE [--images TAR] "
	"[--env FILE]\n"
	"       postern vm run NAME\n"
	"\n"
	"Virtual machines on this host.  Without TDX they are SIMULATED.\n"
	"start makes a machine that does not exist, and starts it; run keeps "
	"one in the\n"
	"foreground.\n"
	"\n"
	"  --image DIR|NAME   what it boots (docs/IMAGE.md; names: " VM_IMAGES
	")\n"
	"  --manifest FILE    the app, measured\n"
	"  --images TAR       container images, as `docker save` writes them\n"
	"  --env FILE         encrypted environment\n"
	"  --data SIZE        its disk, such as 512M or 20G\n"
	"  --memory SIZE      (default 1G)\n"
	"  --cpus N           (default 1)\n"
	"  --backend WHICH    tdx, kvm or tcg (default the best there is)\n"
	"  --cloud NAME       its place is in this cloud of `postern up`\n"
	"  --wait SECONDS     until the tunnel is up\n"
	"\n"
	"in no cloud of this host:\n"
	"  --gateway ADDRESS:PORT  --gateway-name NAME\n"
	"  --kms ADDRESS:PORT,...  nodes of its key service\n"
	"  --net user|none|tap  --netns PATH  --bridge NAME\n"
	"  --address A/N  --route A\n"
	"  --collateral FILE | --collateral-url URL\n"
	"  --quotes vsock:CID:PORT|unix:PATH   service that signs (TDX)\n"
	"  --control SOCKET | --platform SOCKET  --root PEM   (SIMULATED)\n"
	"\n"
	"Exit status: 0 done, 1 refused or failed, 2 arguments unusable.\n";

struct vm_options {
	const char *name;
	struct vm_change change;
	uint64_t wait_s;
	bool is_json, follows, is_keeper, has_change;
	int ready_fd;
};

static int refused(const char *name, const char *error)
{
	fprintf(stderr, "postern vm: %s: %s\n", name, error);
	return CLI_REFUSED;
}

/* Waiting for a guest. */

static int wait_tunnel(const struct vm_options *o)
{
	uint64_t end_ms = clock_boot_ms() + o->wait_s * 1000;
	struct vm_run run;

	while (o->wait_s && clock_boot_ms() < end_ms) {
		switch (vm_wait_tunnel(&run, o->name)) {
		case VM_WAIT_THERE:
			return CLI_OK;
		case VM_WAIT_ENDED:
			return refused(o->name, *run.why ? run.why : "ended");
		case VM_WAIT_MORE:
			(void)usleep(TICK_US);
		}
	}
	if (o->wait_s == 0)
		return CLI_OK;
	return refused(o->name, "no tunnel in time; see `postern vm log`");
}

/* Commands. */

static void tell_started(const char *name)
{
	AUTO(jfree)
	json_t *report = NULL;
	char ignored[VM_ERROR_MAX];

	if (vm_report(&report, name, ignored) == RC_OK)
		printf("%s: started, %s%s\n", name, jtext(report, "accel"),
		       jtrue(report, "simulated") ? ", SIMULATED" : "");
}

static int start(const struct vm_options *o)
{
	char error[VM_START_ERROR_MAX];

	if (vm_apply(o->name, &o->change, error) || vm_launch(o->name, error))
		return refused(o->name, error);
	tell_started(o->name);
	return wait_tunnel(o);
}

static int stop(const struct vm_options *o)
{
	char error[VM_START_ERROR_MAX];
	bool was_running;

	if (vm_halt(&was_running, o->name, error))
		return refused(o->name, error);
	printf("%s: %s\n", o->name,
	       was_running ? "stopped" : "does not run");
	return CLI_OK;
}

static int restart(const struct vm_options *o)
{
	char error[VM_START_ERROR_MAX];
	bool was_running;

	if (vm_halt(&was_running, o->name, error))
		return refused(o->name, error);
	return start(o);
}

static int run(const struct vm_options *o)
{
	return vm_keep(o->name, o->ready_fd);
}

static int status(const struct vm_options *o)
{
	AUTO(jfree)
	json_t *report = NULL;
	char error[VM_ERROR_MAX];

	if (vm_report(&report, o->name, error))
		return refused(o->name, error);
	if (o->is_json)
		jprint(stdout, report);
	else
		vm_report_print(report);
	return jtrue(report, "running") ? CLI_OK : CLI_REFUSED;
}

static int list(const struct vm_options *o)
{
	AUTO(arena_fini)
	struct arena arena;
	json_t *all = json_array();

	arena_init(&arena, ARENA_MAX);
	for (const char *const *name = folder_list(&arena); *name; name++) {
		json_t *report = NULL;
		char error[VM_ERROR_MAX];

		if (vm_report(&report, *name, error)) {
			fprintf(stderr, "postern vm: %s\n", error);
			continue;
		}
		if (!o->is_json)
			vm_report_line(report);
		jadd(all, report);
	}
	if (o->is_json)
		jprint(stdout, all);
	else if (json_array_size(all) == 0)
		puts("no machines");
	json_decref(all);
	return CLI_OK;
}

/* The guest's words: a terminal is to show them, not to obey them. */
static void print_safe(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f))
			putchar(c);
		else if (c != '\r')
			printf("\\x%02x", c);
	}
	(void)fflush(stdout);
}

/* Its keeper begins a log anew that has grown too large. */
static void follow(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size < lseek(fd, 0, SEEK_CUR))
		(void)lseek(fd, 0, SEEK_SET);
	else
		(void)usleep(FOLLOW_US);
}

static int show_log(const struct vm_options *o)
{
	char path[FOLDER_PATH_MAX], bytes[CHUNK];
	AUTO(mem_auto_close)
	int fd = -1;

	folder_state(path, o->name, o->is_keeper ? "run.log" : "serial.log");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refused(o->name, strerror(errno));
	for (;;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n > 0) {
			print_safe(bytes, (size_t)n);
			continue;
		}
		if (n < 0 || !o->follows || folder_keeper(o->name) == 0)
			return n < 0 ? refused(o->name, strerror(errno))
				     : CLI_OK;
		follow(fd);
	}
}

/* The guest sees the disk grow while it runs. */
static int grow_running(const struct vm_options *o)
{
	char path[FOLDER_PATH_MAX], arguments[96], error[MONITOR_ERROR_MAX];
	struct monitor m;
	enum rc rc;

	folder_run(path, o->name, "qmp.sock");
	(void)snprintf(arguments, sizeof(arguments),
		       "{\"node-name\":\"data\",\"size\":%llu}",
		       (unsigned long long)o->change.data_mib * MIB);
	if (monitor_open(&m, path, QMP_MS, error))
		return refused(o->name, error);
	rc = monitor_ask(&m, NULL, "block_resize", span_str(arguments), QMP_MS,
			 error);
	monitor_close(&m);
	return rc ? refused(o->name, error) : CLI_OK;
}

static int resize_running(const struct vm_options *o)
{
	AUTO(arena_fini)
	struct arena arena;
	char path[FOLDER_PATH_MAX], error[VM_ERROR_MAX];
	struct vm_settings s;
	uint64_t mib;

	arena_init(&arena, ARENA_MAX);
	if (folder_read_settings(&s, &arena, o->name, error))
		return refused(o->name, error);
	if (o->change.memory_mib)
		s.memory_mib = o->change.memory_mib;
	if (o->change.cpus)
		s.cpus = o->change.cpus;
	if (folder_write_settings(&s, o->name))
		return refused(o->name, strerror(errno));
	if (o->change.memory_mib || o->change.cpus)
		printf("%s: memory and CPUs change at its next start\n",
		       o->name);
	if (o->change.data_mib == 0)
		return CLI_OK;
	folder_state(path, o->name, "data.img");
	if (!s.has_data || disk_size(&mib, path))
		return refused(o->name, "it has no disk; stop it to add one");
	if (o->change.data_mib < mib || o->change.data_mib > DISK_MAX_MIB)
		return refused(o->name, "a disk cannot shrink");
	return grow_running(o);
}

static int resize(const struct vm_options *o)
{
	const struct vm_change change = { .data_mib = o->change.data_mib,
					  .memory_mib = o->change.memory_mib,
					  .cpus = o->change.cpus };
	char error[VM_START_ERROR_MAX];
	int result;

	if (!change.data_mib && !change.memory_mib && !change.cpus)
		return cli_usage("vm", "resize takes --data, --memory or "
				       "--cpus");
	if (!folder_exists(o->name))
		return refused(o->name, "no such machine");
	if (folder_keeper(o->name) > 0) {
		result = resize_running(o);
	} else {
		result = vm_apply(o->name, &change, error)
				 ? refused(o->name, error)
				 : CLI_OK;
	}
	if (result == CLI_OK)
		printf("%s: resized\n", o->name);
	return result;
}

static int update(const struct vm_options *o)
{
	char error[VM_START_ERROR_MAX];
	bool was_running;

	if (!o->change.manifest && !o->change.image)
		return cli_usage("vm", "update takes --manifest or --image");
	if (!folder_exists(o->name))
		return refused(o->name, "no such machine");
	if (vm_halt(&was_running, o->name, error) ||
	    vm_apply(o->name, &o->change, error) ||
	    (was_running && vm_launch(o->name, error)))
		return refused(o->name, error);
	printf("%s: updated%s\n", o->name,
	       was_running ? ", and started again" : "");
	return was_running ? wait_tunnel(o) : CLI_OK;
}

static int remove_machine(const struct vm_options *o)
{
	char path[FOLDER_PATH_MAX];

	if (!folder_exists(o->name))
		return refused(o->name, "no such machine");
	if (folder_keeper(o->name) > 0)
		return refused(o->name, "it runs; stop it first");
	folder_run(path, o->name, "");
	(void)fmt_remove_tree(path); /* sockets at most */
	folder_state(path, o->name, "");
	if (fmt_remove_tree(path))
		return refused(o->name, strerror(errno));
	(void)rmdir(FOLDER_RUN); /* stays while another runs */
	printf("%s: removed, and its disk with it\n", o->name);
	return CLI_OK;
}

static const struct verb {
	const char *name;
	int (*run)(const struct vm_options *o);
	bool has_name, takes_change;
} verbs[] = {
	{ "start", start, true, true },
	{ "stop", stop, true, false },
	{ "restart", restart, true, true },
	{ "status", status, true, false },
	{ "list", list, false, false },
	{ "log", show_log, true, false },
	{ "resize", resize, true, true },
	{ "update", update, true, true },
	{ "remove", remove_machine, true, false },
	{ "run", run, true, false },
};

/* Options. */

enum {
	FIRST_TEXT = 256, /* of options that are a text of struct vm_change */
};

static const struct {
	const char *name;
	size_t offset;
} texts[] = {
#define TEXT(option, member) \
	{ \
		option, offsetof(struct vm_change, member) \
	}
	TEXT("image", image),
	TEXT("manifest", manifest),
	TEXT("images", images),
	TEXT("env", env),
	TEXT("backend", backend),
	TEXT("cloud", cloud),
	TEXT("net", net),
	TEXT("netns", netns),
	TEXT("bridge", bridge),
	TEXT("address", address),
	TEXT("route", route),
	TEXT("gateway", gateway),
	TEXT("gateway-name", gateway_name),
	TEXT("kms", kms),
	TEXT("collateral", collateral),
	TEXT("collateral-url", collateral_url),
	TEXT("root", root),
	TEXT("control", control),
	TEXT("platform", platform),
	TEXT("quotes", quotes),
#undef TEXT
};

enum {
	TEXT_COUNT = sizeof(texts) / sizeof(texts[0])
};

static const struct option others[] = {
	{ "data", required_argument, NULL, 'd' },
	{ "memory", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "wait", required_argument, NULL, 'w' },
	{ "ready-fd", required_argument, NULL, 'r' },
	{ "json", no_argument, NULL, 'j' },
	{ "keeper", no_argument, NULL, 'k' },
	{ "follow", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
};

enum {
	OTHER_COUNT = sizeof(others) / sizeof(others[0])
};

static void take_text(struct vm_change *c, int option, const char *value)
{
	size_t at = texts[option - FIRST_TEXT].offset;

	memcpy((char *)c + at, &value, sizeof(value));
}

/* False: the value is none. */
static bool take_other(struct vm_options *o, int option, const char *value)
{
	uint64_t fd;

	switch (option) {
	case 'd':
		return vm_size(&o->change.data_mib, value);
	case 'm':
		return vm_size(&o->change.memory_mib, value);
	case 'c':
		return text_u64(&o->change.cpus, span_str(value),
				VM_CPUS_MAX) &&
		       o->change.cpus > 0;
	case 'w':
		return text_u64(&o->wait_s, span_str(value), WAIT_MAX_S);
	case 'r':
		if (!text_u64(&fd, span_str(value), INT16_MAX))
			return false;
		o->ready_fd = (int)fd;
		return true;
	case 'j':
		o->is_json = true;
		return true;
	case 'k':
		o->is_keeper = true;
		return true;
	case 'f':
		o->follows = true;
		return true;
	default:
		return false;
	}
}

/* -1: help was asked for. */
static int read_options(struct vm_options *o, int argc, char **argv)
{
	struct option longs[TEXT_COUNT + OTHER_COUNT + 1] = { 0 };
	int c, index = 0;

	for (size_t i = 0; i < TEXT_COUNT; i++)
		longs[i] = (struct option){ texts[i].name, required_argument,
					    NULL, FIRST_TEXT + (int)i };
	memcpy(longs + TEXT_COUNT, others, sizeof(others));
	while ((c = getopt_long(argc, argv, "f", longs, &index)) != -1) {
		if (c == 'h')
			return -1;
		if (c == '?')
			return cli_usage("vm", "wrong arguments");
		if (c >= FIRST_TEXT)
			take_text(&o->change, c, optarg);
		else if (!take_other(o, c, optarg))
			return cli_usage("vm", "--%s: what is '%s'?",
					 longs[index].name, optarg);
		if (c >= FIRST_TEXT || c == 'd' || c == 'm' || c == 'c')
			o->has_change = true;
	}
	return CLI_OK;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

int cli_vm(int argc, char **argv)
{
	struct vm_options o = { .ready_fd = -1 };
	int result = read_options(&o, argc, argv);
	const struct verb *verb;

	if (result < 0) {
		fputs(vm_help, stdout);
		return CLI_OK;
	}
	if (result != CLI_OK)
		return result;
	verb = optind < argc ? find_verb(argv[optind]) : NULL;
	if (!verb)
		return cli_usage("vm", "say start, stop, restart, status, "
				       "list, log, resize, update, remove or "
				       "run");
	if (argc - optind != (verb->has_name ? 2 : 1))
		return cli_usage("vm", "%s takes %s", verb->name,
				 verb->has_name ? "one name" : "no name");
	if (o.has_change && !verb->takes_change)
		return cli_usage("vm", "%s changes nothing of a machine",
				 verb->name);
	if (verb->has_name && !vm_is_name(argv[optind + 1]))
		return cli_usage("vm", "a name is 1 to 15 of a-z, 0-9 and '-'");
	o.name = verb->has_name ? argv[optind + 1] : NULL;
	if (!cli_is_root("vm"))
		return CLI_REFUSED;
	return verb->run(&o);
}
