#include "cli/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/json.h"
#include "cli/secret_proof.h"
#include "crypto/rng.h"
#include "io/clock.h"
#include "io/file.h"
#include "secrets/envelope.h"

/* clang-format off */
static const char secret_help[] =
	"usage: postern secret key SOCKET\n"
	"       postern secret encrypt --app ID --key FILE --policy FILE [OPTION...]\n"
	"       postern secret show FILE [--json]\n"
	"       postern secret keygen FILE\n"
	"\n"
	"Environment variables for an app, encrypted to it before it runs.\n"
	"\n"
	"key      asks an agent, at its status socket, for the app's public key\n"
	"         and the proof whose it is\n"
	"encrypt  judges that proof, reads NAME=value lines from standard input\n"
	"         and writes an envelope that only the app can open\n"
	"show     says what can be read of an envelope without a key\n"
	"keygen   makes a key to sign envelopes with, and prints its public half\n"
	"         for \"env_signers\" of the manifest\n"
	"\n"
	"  --app ID          the app, 40 hex digits\n"
	"  --compose-hash H  of its manifest, 64 hex digits, where that is an\n"
	"                    update: not the one that the app's id is made of\n"
	"  --key FILE        what `postern secret key` wrote; - is not allowed\n"
	"  --policy FILE     which measurements may hold the key\n"
	"  --sign FILE       sign with a key of `postern secret keygen`\n"
	"  --serial N        greater than of any envelope before (default: the\n"
	"                    time in seconds)\n"
	"  --collateral DIR|FILE|URL, --ca-file, --update, --cache, --at, --root\n"
	"                    as for postern quote verify\n"
	"  --json            for machines\n"
	"\n"
	"Exit status: 0 done, 1 refused, 2 input or arguments unusable.\n";
/* clang-format on */

enum {
	KEY_TEXT_MAX = 128,
};

struct secret_options {
	struct complainer say;
	const char *app, *key, *sign, *policy, *root, *manifest;
	const char *file; /* what stands without an option */
	uint64_t serial;
	struct collateral_want want;
	bool is_json;
};

static int unusable(const struct secret_options *o, const char *file,
		    enum rc rc)
{
	return complain(&o->say, CLI_USAGE, complaint_of_file(rc), file,
			"%s: %s", file, file_why(rc));
}

/* ---- key ---- */

static int get_key(const struct secret_options *o)
{
	char error[ASK_ERROR_MAX];
	json_t *proof;
	enum rc rc = ask(&proof, o->file, "GET", "/v1/env-key", error);

	if (rc == RC_DENIED)
		return complain(&o->say, CLI_REFUSED, COMPLAINT_DENIED, o->file,
				"%s", error);
	if (rc)
		return complain(&o->say, CLI_USAGE, COMPLAINT_SILENT, o->file,
				"%s", error);
	jprint(stdout, proof);
	json_decref(proof);
	return CLI_OK;
}

/* ---- keygen ---- */

/* Never over a key that is there. */
static bool write_key(const char *path, struct span text)
{
	AUTO(mem_auto_close)
	int fd = -1;

	assert(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n &&
	       fsync(fd) == 0;
}

static int make_key(const struct secret_options *o)
{
	AUTO(key32_wipe)
	struct key32 key = { 0 };
	uint8_t public[ED25519_PUBLIC_LEN];
	char text[KEY_TEXT_MAX];
	struct wr w = WR_ARRAY(text);
	bool is_written;

	rng_bytes(key.b, sizeof(key.b));
	text_hex(&w, SPAN_ARRAY(key.b));
	wr_str(&w, "\n");
	is_written = write_key(o->file, wr_span(&w));
	secret_wipe(text, sizeof(text));
	if (!is_written)
		return complain(&o->say, CLI_USAGE, COMPLAINT_OUTPUT, o->file,
				"%s: %s", o->file, strerror(errno));
	ed25519_public(public, &key);
	for (size_t i = 0; i < sizeof(public); i++)
		printf("%02x", public[i]);
	puts("");
	return CLI_OK;
}

static int load_signer(struct key32 *out, const struct secret_options *o)
{
	AUTO(buf_wipe)
	struct buf text;
	struct span rest, hex;
	enum rc rc;

	buf_init(&text, KEY_TEXT_MAX);
	rc = file_read(&text, o->sign);
	if (rc)
		return unusable(o, o->sign, rc);
	rest = buf_span(&text);
	if (rd_n(&rest, &hex, 2 * sizeof(out->b)) &&
	    span_equal_str(rest, "\n") &&
	    text_hex_decode(out->b, sizeof(out->b), hex))
		return CLI_OK;
	return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED, o->sign,
			"%s: expected a key of postern secret keygen", o->sign);
}

/* ---- encrypt ---- */

static int load_envs(struct envs *out, const struct secret_options *o)
{
	AUTO(buf_wipe)
	struct buf text;
	size_t line = 0;
	enum rc rc;

	buf_init(&text, ENVS_TEXT_MAX);
	rc = file_read_argument(&text, "-");
	if (rc)
		return unusable(o, "-", rc);
	rc = envs_read_lines(out, buf_span(&text), &line);
	if (!rc)
		return CLI_OK;
	return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED, "-",
			"line %zu: %s", line,
			rc == RC_LIMIT ? "too many variables, or too long"
				       : "expected NAME=value, a name once and "
					 "none that docker-compose reads "
					 "itself");
}

static int judge_key(struct envelope_recipe *recipe,
		     const struct sha256 *manifest,
		     const struct secret_options *o)
{
	AUTO(buf_fini)
	struct buf json;
	struct secret_proof proof = {
		.say = &o->say,
		.file = o->key,
		.app_id = recipe->app_id,
		.manifest = manifest,
		.policy = o->policy,
		.root = o->root,
		.want = o->want,
	};
	bool is_simulated = false;
	enum rc rc;
	int status;

	buf_init(&json, KEYPROOF_TEXT_MAX);
	rc = file_read(&json, o->key);
	if (rc)
		return unusable(o, o->key, rc);
	proof.json = buf_span(&json);
	status = secret_proof_judge(recipe->to, &is_simulated, &proof);
	if (status == CLI_OK && is_simulated)
		fputs("postern secret: the proof is SIMULATED\n", stderr);
	return status;
}

static int write_envelope(const struct secret_options *o,
			  const struct envelope_recipe *recipe)
{
	AUTO(buf_fini)
	struct buf out;
	enum rc rc;

	buf_init(&out, ENVELOPE_TEXT_MAX);
	rc = envelope_seal(&out, recipe);
	if (rc)
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNFIT, o->key,
				"%s",
				rc == RC_LIMIT ? "the variables are too long"
					       : "the key is none");
	(void)fwrite(buf_span(&out).p, 1, buf_span(&out).n, stdout);
	return CLI_OK;
}

static int encrypt(const struct secret_options *o)
{
	AUTO(envs_fini)
	struct envs envs = { 0 };
	AUTO(key32_wipe)
	struct key32 signer = { 0 };
	struct envelope_recipe recipe = {
		.serial = o->serial ? o->serial : (uint64_t)clock_unix_s(),
		.envs = &envs,
		.signer = o->sign ? &signer : NULL,
	};
	struct sha256 manifest;
	int status;

	if (!o->app || !o->key || !o->policy)
		return complain_usage(&o->say,
				      "expected --app, --key and --policy");
	if (!text_hex_decode(recipe.app_id, sizeof(recipe.app_id),
			     span_str(o->app)))
		return complain_usage(&o->say, "--app: expected 40 hex digits");
	if (o->manifest && !text_hex_decode(manifest.b, sizeof(manifest.b),
					    span_str(o->manifest)))
		return complain_usage(&o->say,
				      "--compose-hash: expected 64 hex digits");
	status = judge_key(&recipe, o->manifest ? &manifest : NULL, o);
	if (status == CLI_OK && o->sign)
		status = load_signer(&signer, o);
	if (status == CLI_OK)
		status = load_envs(&envs, o);
	return status ? status : write_envelope(o, &recipe);
}

/* ---- show ---- */

static char *hex_text(struct span bytes)
{
	char *text = mem_new(2 * bytes.n + 1);
	struct wr w = wr_over(text, 2 * bytes.n);

	text_hex(&w, bytes);
	return text;
}

static json_t *hex_json(struct span bytes)
{
	AUTO(mem_auto_free)
	char *text = hex_text(bytes);

	return json_string(text);
}

static json_t *facts_json(const struct envelope_facts *f)
{
	json_t *j = json_object();

	jset(j, "app_id", hex_json(SPAN_ARRAY(f->app_id)));
	jset(j, "serial", json_integer((json_int_t)f->serial));
	jset(j, "ciphertext_bytes",
	     json_integer((json_int_t)f->ciphertext_len));
	jset(j, "signer", json_null());
	jset(j, "signature", json_null());
	if (!f->is_signed)
		return j;
	jset(j, "signer", hex_json(SPAN_ARRAY(f->signer)));
	jset(j, "signature",
	     json_string(f->is_signature_good ? "good" : "bad"));
	return j;
}

static void print_facts(const struct envelope_facts *f)
{
	AUTO(mem_auto_free)
	char *app = hex_text(SPAN_ARRAY(f->app_id));
	AUTO(mem_auto_free)
	char *signer = hex_text(SPAN_ARRAY(f->signer));

	printf("app         %s\n"
	       "serial      %llu\n"
	       "ciphertext  %zu bytes\n"
	       "signer      %s\n",
	       app, (unsigned long long)f->serial, f->ciphertext_len,
	       f->is_signed ? signer : "none");
	if (f->is_signed)
		printf("signature   %s\n",
		       f->is_signature_good ? "good" : "BAD");
}

static int show(const struct secret_options *o)
{
	AUTO(buf_fini)
	struct buf text;
	struct envelope_facts facts;
	enum rc rc;

	buf_init(&text, ENVELOPE_TEXT_MAX);
	rc = file_read_argument(&text, o->file);
	if (rc)
		return unusable(o, o->file, rc);
	if (!envelope_look(&facts, buf_span(&text)))
		return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED,
				o->file, "%s: not an envelope", o->file);
	if (o->is_json) {
		json_t *j = facts_json(&facts);

		jprint(stdout, j);
		json_decref(j);
	} else {
		print_facts(&facts);
	}
	return facts.is_signed && !facts.is_signature_good ? CLI_REFUSED
							   : CLI_OK;
}

/* ---- arguments ---- */

static int set_option(struct secret_options *o, int c, const char *value)
{
	const char *expected;
	bool is_mine;

	expected = collateral_option(&o->want, &is_mine, c, value);
	if (expected)
		return complain_usage(&o->say, "%s", expected);
	if (is_mine)
		return CLI_OK;
	switch (c) {
	case 'i':
		o->app = value;
		return CLI_OK;
	case 'm':
		o->manifest = value;
		return CLI_OK;
	case 'K':
		o->key = value;
		return CLI_OK;
	case 's':
		o->sign = value;
		return CLI_OK;
	case 'p':
		o->policy = value;
		return CLI_OK;
	case 'r':
		o->root = value;
		return CLI_OK;
	case 'j':
		o->is_json = true;
		return CLI_OK;
	case 'n':
		if (text_u64(&o->serial, span_str(value), INT64_MAX) &&
		    o->serial)
			return CLI_OK;
		return complain_usage(&o->say, "--serial: expected a number");
	case 'a':
		if (text_utc(&o->want.at, span_str(value)))
			return CLI_OK;
		return complain_usage(&o->say, "--at: expected a time such as "
					       "2026-03-01T00:00:00Z");
	default:
		return complain_usage(&o->say, "wrong arguments");
	}
}

static int read_options(struct secret_options *o, int argc, char **argv,
			int files)
{
	static const struct option options[] = {
		{ "app", required_argument, NULL, 'i' },
		{ "compose-hash", required_argument, NULL, 'm' },
		{ "key", required_argument, NULL, 'K' },
		{ "sign", required_argument, NULL, 's' },
		{ "serial", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "collateral", required_argument, NULL, 'c' },
		{ "at", required_argument, NULL, 'a' },
		{ "root", required_argument, NULL, 'r' },
		{ "policy", required_argument, NULL, 'p' },
		{ "ca-file", required_argument, NULL, 'C' },
		{ "update", required_argument, NULL, 'u' },
		{ "cache", required_argument, NULL, 'k' },
		{ 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (set_option(o, c, optarg))
			return CLI_USAGE;
	if (argc - optind != files)
		return complain_usage(&o->say, files ? "expected one argument"
						     : "too many arguments");
	o->file = argv[optind];
	o->say.is_json = o->is_json;
	return CLI_OK;
}

int cli_secret(int argc, char **argv)
{
	static const struct {
		const char *verb;
		int (*run)(const struct secret_options *o);
		int files;
	} verbs[] = {
		{ "key", get_key, 1 },
		{ "encrypt", encrypt, 0 },
		{ "show", show, 1 },
		{ "keygen", make_key, 1 },
	};
	struct secret_options o = {
		.say = complainer_of("secret", argc, argv),
		.want = { .from = "/var/lib/postern/collateral",
			  .at = clock_unix_s() },
	};

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(secret_help, stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (argc < 2 || strcmp(argv[1], verbs[i].verb) != 0)
			continue;
		if (read_options(&o, argc - 1, argv + 1, verbs[i].files))
			return CLI_USAGE;
		return verbs[i].run(&o);
	}
	return complain_usage(&o.say, "expected key, encrypt, show or keygen");
}
