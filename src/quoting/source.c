#include "quoting/source.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "quoting/say.h"
#include "quoting/source_devtdx.h"
#include "quoting/source_sim.h"
#include "quoting/source_tsm.h"

enum kind {
	KIND_TSM,
	KIND_DEVICE,
	KIND_SIMULATOR,
};

struct quote_source {
	enum kind kind;
	char *simulator;
	char *report_path, *measurements_path;
	char *device_path, *device_config_path;
	struct tsm tsm; /* its measurements serve the device too */
	struct devtdx device;
};

/* Any of these says: this is a trust domain. */
static const char *const default_marks[] = {
	"/dev/tdx_guest",
	"/dev/tdx-guest",
	"/sys/firmware/acpi/tables/CCEL",
	NULL,
};

static const char *find_mark(const char *const *marks)
{
	for (; *marks; marks++)
		if (access(*marks, F_OK) == 0)
			return *marks;
	return NULL;
}

/* Whether TDX makes quotes here; 'why' says what was found instead. */
static bool has_tdx(const struct tsm *t, char why[SAY_MAX])
{
	char provider[TSM_PROVIDER_MAX];
	int error = tsm_probe(t, provider);

	errno = error;
	if (error == ENXIO)
		say(why, "%s has no provider", t->report_path);
	else if (error == EACCES || error == EPERM)
		say(why, "%s: %m (it takes root)", t->report_path);
	else if (error)
		say(why, "%s: %m", t->report_path);
	else if (strcmp(provider, TSM_PROVIDER_TDX) != 0)
		say(why, "%s is for %s, not TDX", t->report_path, provider);
	else
		return true;
	return false;
}

/* Whether the older device gives reports; says why not otherwise. */
static bool has_device(const struct devtdx *d, char why[SAY_MAX])
{
	int error = devtdx_probe(d);

	errno = error;
	if (error == EACCES || error == EPERM)
		say(why, "%s: %m (it takes root)", d->device);
	else if (error)
		say(why, "%s: %m", d->device);
	return !error;
}

static enum rc choose(struct quote_source *s, const char *simulator,
		      const char *const *marks, char error[SAY_MAX])
{
	char why[SAY_MAX], device_why[SAY_MAX];
	const char *mark;

	s->kind = KIND_TSM;
	if (has_tdx(&s->tsm, why))
		return RC_OK;
	s->kind = KIND_DEVICE;
	if (has_device(&s->device, device_why))
		return RC_OK;
	if (!simulator) {
		say(error, "no source of quotes: %s; %s; and no simulator", why,
		    device_why);
		return RC_UNSUPPORTED;
	}
	mark = find_mark(marks);
	if (mark) {
		say(error, "no simulator on a TDX machine (%s), and: %s; %s",
		    mark, why, device_why);
		return RC_UNSUPPORTED;
	}
	s->kind = KIND_SIMULATOR;
	s->simulator = mem_dup(simulator);
	return RC_OK;
}

static char *path_or(const char *path, const char *usual)
{
	return mem_dup(path ? path : usual);
}

enum rc quote_source_open(struct quote_source **out,
			  const struct quote_source_options *o,
			  char error[256])
{
	struct quote_source *s = mem_new(sizeof(*s));
	enum rc rc;

	s->report_path = path_or(o->tsm_path, TSM_REPORT_PATH);
	s->measurements_path = path_or(o->measurements_path,
				       TSM_MEASUREMENTS_PATH);
	s->tsm = (struct tsm){
		.report_path = s->report_path,
		.measurements_path = s->measurements_path,
		.ops = o->tsm_ops ? o->tsm_ops : &tsm_kernel,
		.world = o->tsm_world,
	};
	s->device_path = path_or(o->device_path, DEVTDX_DEVICE);
	s->device_config_path = path_or(o->device_config_path, DEVTDX_CONFIG);
	s->device = (struct devtdx){
		.device = s->device_path,
		.config = s->device_config_path,
		.ops = o->device_ops ? o->device_ops : &devtdx_kernel,
		.world = o->device_world,
	};
	rc = choose(s, o->simulator,
		    o->tdx_marks ? o->tdx_marks : default_marks, error);
	if (rc) {
		quote_source_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void quote_source_free(struct quote_source *s)
{
	if (!s)
		return;
	mem_auto_free(&s->simulator);
	mem_auto_free(&s->report_path);
	mem_auto_free(&s->measurements_path);
	mem_auto_free(&s->device_path);
	mem_auto_free(&s->device_config_path);
	mem_auto_free(&s);
}

const char *quote_source_name(const struct quote_source *s)
{
	switch (s->kind) {
	case KIND_TSM:
		return TSM_PROVIDER_TDX;
	case KIND_DEVICE:
		return "tdx_guest_vsock";
	case KIND_SIMULATOR:
		break;
	}
	return "simulator";
}

bool quote_source_is_simulated(const struct quote_source *s)
{
	return s->kind == KIND_SIMULATOR;
}

enum rc quote_source_get(struct quote_source *s, struct buf *out,
			 const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	struct simproto_request r = { .op = SIMPROTO_QUOTE };

	if (s->kind == KIND_TSM)
		return tsm_quote(&s->tsm, out, report_data);
	if (s->kind == KIND_DEVICE)
		return devtdx_quote(&s->device, out, report_data);
	memcpy(r.report_data, report_data, sizeof(r.report_data));
	return source_sim_call(s->simulator, &r, out);
}

/* A call whose answer is a register's value. */
static enum rc ask_register(const struct quote_source *s,
			    const struct simproto_request *r,
			    struct sha384 *out)
{
	AUTO(buf_fini)
	struct buf value = { 0 };
	struct sha384 v;
	struct span all;
	enum rc rc;

	buf_init(&value, sizeof(v.b));
	rc = source_sim_call(s->simulator, r, &value);
	if (rc)
		return rc;
	all = buf_span(&value);
	if (!rd_copy(&all, v.b, sizeof(v.b)))
		return RC_MALFORMED;
	*out = v;
	return RC_OK;
}

enum rc quote_source_extend(struct quote_source *s, unsigned rtmr,
			    const struct sha384 *digest)
{
	const struct simproto_request r = {
		.op = SIMPROTO_EXTEND,
		.rtmr = (uint8_t)rtmr,
		.digest = *digest,
	};
	struct sha384 value;

	if (rtmr != 2 && rtmr != 3)
		return RC_DENIED;
	if (s->kind != KIND_SIMULATOR)
		return tsm_extend(&s->tsm, rtmr, digest);
	return ask_register(s, &r, &value);
}

enum rc quote_source_rtmr(struct quote_source *s, unsigned rtmr,
			  struct sha384 *out)
{
	const struct simproto_request r = {
		.op = SIMPROTO_READ,
		.rtmr = (uint8_t)rtmr,
	};

	if (rtmr >= QUOTE_RTMR_COUNT)
		return RC_DENIED;
	if (s->kind == KIND_TSM)
		return tsm_rtmr(&s->tsm, rtmr, out);
	if (s->kind == KIND_DEVICE)
		return devtdx_rtmr(&s->device, rtmr, out);
	return ask_register(s, &r, out);
}

enum rc quote_source_key(struct quote_source *s, struct key32 *out,
			 const struct sha256 *label)
{
	struct simproto_request r = { .op = SIMPROTO_KEY };
	AUTO(buf_wipe)
	struct buf value = { 0 };
	struct span all;
	enum rc rc;

	static_assert(sizeof(r.label) == sizeof(label->b));
	if (s->kind != KIND_SIMULATOR)
		return RC_UNSUPPORTED;
	memcpy(r.label, label->b, sizeof(r.label));
	buf_init(&value, sizeof(out->b));
	rc = source_sim_call(s->simulator, &r, &value);
	if (rc)
		return rc;
	all = buf_span(&value);
	if (all.n != sizeof(out->b))
		return RC_MALFORMED;
	(void)rd_copy(&all, out->b, sizeof(out->b)); /* as long as it is */
	return RC_OK;
}
