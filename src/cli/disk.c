#include "cli/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/complaint.h"
#include "cli/json.h"
#include "disk/luks.h"
#include "disk/record.h"

static const char disk_help[] =
	"usage: postern disk show FILE [--json]\n"
	"\n"
	"Shows the clear front of a CVM's data disk: whose it is, how often it "
	"was opened,\n"
	"and whether its LUKS2 header is the one that was recorded and of the "
	"one profile.\n"
	"FILE is an image or a block device; nothing is written.  Whether the "
	"record itself\n"
	"is authentic only the CVM can tell, which has the key.\n"
	"\n"
	"  --json  for machines\n"
	"\n"
	"Exit status: 0 a data disk, or a blank one; 1 anything else, or its "
	"header is not\n"
	"as recorded; 2 file or arguments unusable.\n";

struct disk_options {
	struct complainer say;
	const char *file;
	bool is_json;
};

/* What is there. */
struct front {
	uint8_t *bytes; /* RECORD_DATA_AT of them */
	struct record_found found[RECORD_SLOTS];
	size_t count;
	enum disk_reason reason;
	const char *odd; /* the header's field that is not as we write it */
	bool is_recorded; /* its hash is the record's */
};

static int load(struct front *f, const struct disk_options *o)
{
	AUTO(mem_auto_close)
	int fd = open(o->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;
	ssize_t got = 1;

	f->bytes = mem_new(RECORD_DATA_AT);
	while (fd >= 0 && n < RECORD_DATA_AT && got > 0) {
		got = pread(fd, f->bytes + n, RECORD_DATA_AT - n, (off_t)n);
		n += got > 0 ? (size_t)got : 0;
	}
	if (fd < 0 || got < 0)
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNREADABLE,
				o->file, "%s: %s", o->file, strerror(errno));
	if (n == RECORD_DATA_AT)
		return CLI_OK;
	return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED, o->file,
			"%s: too short for a data disk", o->file);
}

static void judge(struct front *f)
{
	struct span header = span_of(f->bytes + RECORD_HEADER_AT,
				     RECORD_HEADER_LEN);
	struct sha256 hash;

	f->reason = record_choose(
		f->found, &f->count,
		span_of(f->bytes, (size_t)RECORD_SLOTS * RECORD_LEN));
	if (f->count == 0 || f->found[0].record.state != RECORD_WHOLE)
		return;
	sha256_of(&hash, header);
	f->odd = luks_check(header, f->found[0].record.integrity);
	f->is_recorded = span_equal(
		SPAN_ARRAY(hash.b),
		SPAN_ARRAY(f->found[0].record.header_hash.b));
}

static const char *state_of(const struct front *f)
{
	if (f->reason)
		return disk_reason_name(f->reason);
	if (f->count == 0)
		return span_is_zero(span_of(f->bytes, RECORD_DATA_AT))
			       ? "blank"
			       : disk_reason_name(DISK_NOT_OURS);
	return f->found[0].record.state == RECORD_BEGUN ? "begun" : "whole";
}

/* One of ours, or one to be made one. */
static bool is_fine(const struct front *f)
{
	if (f->count == 0)
		return strcmp(state_of(f), "blank") == 0;
	return f->found[0].record.state == RECORD_BEGUN ||
	       (f->is_recorded && !f->odd);
}

static json_t *report(const struct front *f)
{
	json_t *root = mem_need(json_object());
	const struct record *r = &f->found[0].record;

	jset_text(root, "state", state_of(f));
	if (f->count == 0)
		return root;
	jset(root, "generation", json_integer((json_int_t)r->generation));
	jset(root, "slot", json_integer((json_int_t)f->found[0].slot));
	jset_text(root, "provider",
		  r->owner.provider == RECORD_KMS ? "kms" : "simulator");
	jset(root, "key_epoch", json_integer((json_int_t)r->owner.key_epoch));
	jset_hex(root, "app", SPAN_ARRAY(r->owner.app));
	jset_hex(root, "instance", SPAN_ARRAY(r->owner.instance));
	jset_hex(root, "measurement", SPAN_ARRAY(r->owner.measurement));
	if (r->state == RECORD_BEGUN)
		return root;
	jset_text(root, "integrity",
		  r->integrity == RECORD_HMAC ? "hmac-sha256" : "none");
	jset_text(root, "header", f->odd ? f->odd : "as expected");
	jset(root, "header_recorded", json_boolean(f->is_recorded));
	return root;
}

static void print(json_t *root)
{
	const char *key;
	const json_t *value;

	json_object_foreach(root, key, value)
	{
		if (json_is_string(value))
			printf("%-16s %s\n", key, json_string_value(value));
		else if (json_is_integer(value))
			printf("%-16s %lld\n", key,
			       (long long)json_integer_value(value));
		else
			printf("%-16s %s\n", key,
			       json_is_true(value) ? "yes" : "no");
	}
	printf("%-16s %s\n", "authentic", "only the CVM can tell");
}

static int show(const struct disk_options *o)
{
	AUTO(jfree)
	json_t *root = NULL;
	struct front f = { 0 };
	int status = load(&f, o);

	if (status == CLI_OK) {
		judge(&f);
		root = report(&f);
		if (o->is_json)
			jprint(stdout, root);
		else
			print(root);
		status = is_fine(&f) ? CLI_OK : CLI_REFUSED;
	}
	mem_auto_free(&f.bytes);
	return status;
}

int cli_disk(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct disk_options o = {
		.say = complainer_of("disk", argc, argv),
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(disk_help, stdout);
			return CLI_OK;
		}
		if (c != 'j')
			return complain_usage(&o.say, "wrong arguments");
		o.is_json = true;
	}
	if (argc - optind != 2 || strcmp(argv[optind], "show") != 0)
		return complain_usage(&o.say, "expected show and one file");
	o.say.is_json = o.is_json;
	o.file = argv[optind + 1];
	return show(&o);
}
