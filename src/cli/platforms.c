#include "cli/platforms.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/complaint.h"
#include "cli/json.h"
#include "io/clock.h"
#include "io/file.h"

/* clang-format off */
static const char platforms_help[] =
	"usage: postern platforms sign LIST.yaml --key PRIVATE.pem [--output FILE]\n"
	"       postern platforms show FILE --key PUBLIC.pem [--at TIME] "
	"[--json]\n"
	"\n"
	"Makes a signed list of platforms that a policy can name, or checks one "
	"and shows\n"
	"it.  The keys are OpenSSL's, ECDSA P-256, see postern-platforms(1).\n"
	"\n"
	"  --key FILE     sign with this private key; check with this public key\n"
	"  --output FILE  write the list there (default: standard output)\n"
	"  --at TIME      in force at 2026-03-01T00:00:00Z? (default: now)\n"
	"  --json         show: for machines\n"
	"\n"
	"Exit status: 0 signed, or in order and in force; 1 not in order or not "
	"in force;\n"
	"2 files or arguments unusable.\n";
/* clang-format on */

enum {
	TEXT_MAX = 1024 * 1024,
	ARENA_MAX = 8 * 1024 * 1024,
	KEY_FILE_MAX = 64 * 1024,
};

struct platforms_options {
	struct complainer say;
	const char *file, *key, *out;
	bool is_json;
	int64_t at;
};

static int unusable(const struct platforms_options *o, const char *reason,
		    const char *file, const char *why)
{
	return complain(&o->say, CLI_USAGE, reason, file, "%s: %s", file, why);
}

static int load(struct buf *out, const struct platforms_options *o,
		const char *path)
{
	enum rc rc = file_read_argument(out, path);

	return rc ? unusable(o, COMPLAINT_UNREADABLE, path, file_why(rc))
		  : CLI_OK;
}

static void auto_key(struct p256_private **k)
{
	p256_private_free(*k);
}

static int load_private(struct p256_private **out,
			const struct platforms_options *o)
{
	AUTO(buf_wipe)
	struct buf pem;
	int status;

	buf_init(&pem, KEY_FILE_MAX);
	status = load(&pem, o, o->key);
	if (status)
		return status;
	if (p256_private_from_pem(out, buf_span(&pem)))
		return unusable(o, COMPLAINT_MALFORMED, o->key,
				"expected a P-256 private key in PKCS#8 "
				"PEM, as `openssl genpkey` writes it");
	return CLI_OK;
}

static int deliver(const struct platforms_options *o, struct span text)
{
	if (o->out && file_replace(o->out, text, 0644))
		return unusable(o, COMPLAINT_OUTPUT, o->out, strerror(errno));
	if (!o->out && (fwrite(text.p, 1, text.n, stdout) != text.n ||
			fflush(stdout)))
		return unusable(o, COMPLAINT_OUTPUT, "standard output",
				strerror(errno));
	return CLI_OK;
}

static int sign(const struct platforms_options *o)
{
	AUTO(auto_key)
	struct p256_private *key = NULL;
	AUTO(arena_fini)
	struct arena arena;
	AUTO(buf_fini)
	struct buf text;
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(PLATFORM_LIST_MAX);
	struct wr w = wr_over(room, PLATFORM_LIST_MAX);
	char error[PLATFORMS_ERROR_MAX];
	struct platform_list list;
	struct span made;

	arena_init(&arena, ARENA_MAX);
	buf_init(&text, TEXT_MAX);
	if (load(&text, o, o->file) || load_private(&key, o))
		return CLI_USAGE;
	if (platforms_read_text(&list, &arena, o->file, buf_span(&text), o->at,
				error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED,
				o->file, "%s", error);
	platforms_write(&w, &list, key);
	if (!wr_done(&w, &made))
		return unusable(o, COMPLAINT_UNFIT, o->file,
				"expected a list of at most 256 KiB when "
				"signed; make two");
	return deliver(o, made);
}

static void print_time(const char *what, int64_t at)
{
	char text[24] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	text_utc_write(&w, at);
	printf("%s%s", what, text);
}

static void print_id(const char *what, const uint8_t id[16])
{
	char text[33] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	text_hex(&w, span_of(id, 16));
	printf("%s%s", what, text);
}

static void print_list(const struct platform_list *l)
{
	printf("name      %s\nuse       %s\nserial    %u\n", l->name,
	       platform_use_name(l->use), l->serial);
	print_time("issued    ", l->issued_at);
	print_time("\nexpires   ", l->expires_at);
	printf("\nplatforms %zu\n", l->count);
	for (size_t i = 0; i < l->count; i++) {
		const struct platform *p = &l->platforms[i];

		print_id("  ", p->ppid);
		if (!span_is_zero(SPAN_ARRAY(p->instance)))
			print_id(" instance ", p->instance);
		if (p->until)
			print_time(" until ", p->until);
		if (p->level)
			printf(" level %u", p->level);
		if (p->operator)
			printf(" operator %s", p->operator);
		putchar('\n');
	}
}

static json_t *entry_of(const struct platform *p)
{
	json_t *entry = json_object();

	jset_hex(entry, "ppid", SPAN_ARRAY(p->ppid));
	if (!span_is_zero(SPAN_ARRAY(p->instance)))
		jset_hex(entry, "instance", SPAN_ARRAY(p->instance));
	if (p->until)
		jset_time(entry, "until", p->until);
	if (p->operator)
		jset_text(entry, "operator", p->operator);
	if (p->level)
		jset(entry, "level", json_integer(p->level));
	return entry;
}

/* The verdict, and where it is accepted the list, by its members' names. */
static void print_json(const struct platforms_options *o,
		       const struct platform_list *l, enum tee_reason reason)
{
	json_t *root = json_object(), *platforms = json_array();

	jset(root, "accepted", json_boolean(!reason));
	jset_text(root, "reason", tee_reason_name(reason));
	jset_text(root, "file", o->file);
	jset_time(root, "at", o->at);
	for (size_t i = 0; !reason && i < l->count; i++)
		jadd(platforms, entry_of(&l->platforms[i]));
	if (!reason) {
		jset_text(root, "name", l->name);
		jset_text(root, "use", platform_use_name(l->use));
		jset(root, "serial", json_integer(l->serial));
		jset_time(root, "issued", l->issued_at);
		jset_time(root, "expires", l->expires_at);
		json_incref(platforms);
		jset(root, "platforms", platforms);
	}
	jprint(stdout, root);
	json_decref(platforms);
	json_decref(root);
}

static int show(const struct platforms_options *o)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(buf_fini)
	struct buf text, pem;
	struct platform_list list;
	struct p256_point key;
	enum tee_reason reason;

	arena_init(&arena, ARENA_MAX);
	buf_init(&text, TEXT_MAX);
	buf_init(&pem, KEY_FILE_MAX);
	if (load(&text, o, o->file) || load(&pem, o, o->key))
		return CLI_USAGE;
	if (!platforms_key(&key, buf_span(&pem)))
		return unusable(o, COMPLAINT_MALFORMED, o->key,
				"expected a P-256 public key in PEM, as "
				"`openssl pkey -pubout` writes it");
	reason = platforms_read(&list, &arena, buf_span(&text), &key);
	if (!reason && o->at < list.issued_at)
		reason = TEE_LIST_NOT_YET;
	if (!reason && o->at > list.expires_at)
		reason = TEE_LIST_EXPIRED;
	if (o->is_json)
		print_json(o, &list, reason);
	else if (reason)
		printf("REFUSED: %s: %s\n", o->file, tee_reason_name(reason));
	else
		print_list(&list);
	return reason ? CLI_REFUSED : CLI_OK;
}

/* Reads what follows the verb; *help when it was asked for. */
static int read_options(struct platforms_options *o, bool *help, int argc,
			char **argv, bool is_show)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "key", required_argument, NULL, 'k' },
		{ "output", required_argument, NULL, 'o' },
		{ "at", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == (is_show ? 'o' : 'a'))
			return complain_usage(&o->say,
					      is_show ? "show writes no file"
						      : "sign takes its times "
							"from the list");
		if (c == 'j' && !is_show)
			return complain_usage(&o->say, "sign prints the list");
		if (c == 'h')
			*help = true;
		else if (c == 'j')
			o->is_json = true;
		else if (c == 'k')
			o->key = optarg;
		else if (c == 'o')
			o->out = optarg;
		else if (c != 'a')
			return complain_usage(&o->say, "wrong arguments");
		else if (!text_utc(&o->at, span_str(optarg)))
			return complain_usage(&o->say,
					      "--at: expected a time such as "
					      "2026-03-01T00:00:00Z");
	}
	if (!*help && argc - optind != 1)
		return complain_usage(&o->say, "expected one file");
	if (!*help && !o->key)
		return complain_usage(&o->say, "expected --key");
	o->file = argv[optind];
	o->say.is_json = o->is_json;
	return CLI_OK;
}

int cli_platforms(int argc, char **argv)
{
	struct platforms_options o = {
		.say = complainer_of("platforms", argc, argv),
		.at = clock_unix_s(),
	};
	bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
	bool is_show = argc > 1 && strcmp(argv[1], "show") == 0;

	if (!help && !is_show && (argc < 2 || strcmp(argv[1], "sign") != 0))
		return complain_usage(&o.say, "expected sign or show");
	if (!help && read_options(&o, &help, argc - 1, argv + 1, is_show))
		return CLI_USAGE;
	if (help) {
		fputs(platforms_help, stdout);
		return CLI_OK;
	}
	return is_show ? show(&o) : sign(&o);
}
