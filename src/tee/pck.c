#include "tee/pck.h"

#include "pki/der.h"

/* 1.2.840.113741.1.13.1; each entry's identifier adds one or two numbers. */
static const uint8_t oid_base[] = {
	0x2a,
	0x86,
	0x48,
	0x86,
	0xf8,
	0x4d,
	0x01,
	0x0d,
	0x01,
};

/* The last number of an entry's identifier. */
enum entry {
	ENTRY_PPID = 1,
	ENTRY_TCB = 2,
	ENTRY_PCE_ID = 3,
	ENTRY_FMSPC = 4,
	ENTRY_SGX_TYPE = 5,
	ENTRY_PLATFORM_INSTANCE = 6,
	ENTRY_CONFIGURATION = 7,
	ENTRIES_PROCESSOR = 0x3e, /* bits 1..5 */
	ENTRIES_PLATFORM = 0xfe, /* bits 1..7 */
};

enum tcb_entry {
	TCB_PCE_SVN = 17, /* 1..16 are the components */
	TCB_CPU_SVN = 18,
	TCB_ENTRIES = 0x7fffe, /* bits 1..18 */
};

enum configuration_entry {
	CONFIGURATION_DYNAMIC_PLATFORM = 1,
	CONFIGURATION_CACHED_KEYS = 2,
	CONFIGURATION_SMT_ENABLED = 3,
	CONFIGURATION_ENTRIES = 0x0e, /* bits 1..3 */
};

/*
 * SEQUENCE { OID prefix.n, value }, n from 1 to 31; 'seen' collects bit n and
 * refuses one that comes twice.  The prefix is base, or base and one number.
 */
static bool rd_pair(struct span *list, struct span prefix, uint32_t *seen,
		    uint8_t *n, struct span *value)
{
	struct span pair, oid;

	if (!der_take(list, DER_SEQUENCE, &pair) ||
	    !der_oid(&pair, &oid) ||
	    !span_has_prefix(oid, prefix) || !rd_skip(&oid, prefix.n) ||
	    !rd_u8(&oid, n) || !rd_end(&oid) || *n < 1 || *n > 31)
		return false;
	if (*seen & 1U << *n)
		return false;
	*seen |= 1U << *n;
	*value = pair;
	return true;
}

static bool rd_octets(struct span *value, uint8_t *out, size_t n)
{
	struct span octets;

	return der_take(value, DER_OCTET_STRING, &octets) &&
	       octets.n == n && rd_copy(&octets, out, n) && rd_end(value);
}

static bool parse_tcb_value(struct pck_info *p, uint8_t n, struct span value)
{
	uint32_t svn;

	if (n == TCB_CPU_SVN)
		return rd_octets(&value, p->cpu_svn, sizeof(p->cpu_svn));
	if (n == TCB_PCE_SVN) {
		if (!der_uint(&value, DER_INTEGER, &svn, UINT16_MAX) ||
		    !rd_end(&value))
			return false;
		p->pce_svn = (uint16_t)svn;
		return true;
	}
	if (n > PCK_COMPONENT_COUNT ||
	    !der_uint(&value, DER_INTEGER, &svn, UINT8_MAX) || !rd_end(&value))
		return false;
	p->component[n - 1] = (uint8_t)svn;
	return true;
}

static bool parse_tcb(struct pck_info *p, struct span value)
{
	uint8_t prefix[sizeof(oid_base) + 1];
	struct span list, pair;
	uint32_t seen = 0;
	uint8_t n;

	for (size_t i = 0; i < sizeof(oid_base); i++)
		prefix[i] = oid_base[i];
	prefix[sizeof(oid_base)] = ENTRY_TCB;
	if (!der_take(&value, DER_SEQUENCE, &list) || !rd_end(&value))
		return false;
	while (!rd_end(&list))
		if (!rd_pair(&list, SPAN_ARRAY(prefix), &seen, &n, &pair) ||
		    !parse_tcb_value(p, n, pair))
			return false;
	return seen == TCB_ENTRIES;
}

static bool parse_configuration(struct pck_info *p, struct span value)
{
	uint8_t prefix[sizeof(oid_base) + 1];
	struct span list, pair;
	uint32_t seen = 0;
	bool flag[CONFIGURATION_SMT_ENABLED + 1] = { 0 };
	uint8_t n;

	for (size_t i = 0; i < sizeof(oid_base); i++)
		prefix[i] = oid_base[i];
	prefix[sizeof(oid_base)] = ENTRY_CONFIGURATION;
	if (!der_take(&value, DER_SEQUENCE, &list) || !rd_end(&value))
		return false;
	while (!rd_end(&list))
		if (!rd_pair(&list, SPAN_ARRAY(prefix), &seen, &n, &pair) ||
		    n > CONFIGURATION_SMT_ENABLED ||
		    !der_boolean(&pair, &flag[n]) || !rd_end(&pair))
			return false;
	p->dynamic_platform = flag[CONFIGURATION_DYNAMIC_PLATFORM];
	p->cached_keys = flag[CONFIGURATION_CACHED_KEYS];
	p->smt_enabled = flag[CONFIGURATION_SMT_ENABLED];
	return seen == CONFIGURATION_ENTRIES;
}

static bool parse_sgx_type(struct pck_info *p, struct span value)
{
	uint32_t type;

	if (!der_uint(&value, DER_ENUMERATED, &type,
		      PCK_SCALABLE_WITH_INTEGRITY) ||
	    !rd_end(&value))
		return false;
	p->sgx_type = (enum pck_sgx_type)type;
	return true;
}

static bool parse_entry(struct pck_info *p, uint8_t n, struct span value)
{
	switch (n) {
	case ENTRY_PPID:
		return rd_octets(&value, p->ppid, sizeof(p->ppid));
	case ENTRY_TCB:
		return parse_tcb(p, value);
	case ENTRY_PCE_ID:
		return rd_octets(&value, p->pce_id, sizeof(p->pce_id));
	case ENTRY_FMSPC:
		return rd_octets(&value, p->fmspc, sizeof(p->fmspc));
	case ENTRY_SGX_TYPE:
		return parse_sgx_type(p, value);
	case ENTRY_PLATFORM_INSTANCE:
		return rd_octets(&value, p->platform_instance_id,
				 sizeof(p->platform_instance_id));
	case ENTRY_CONFIGURATION:
		return parse_configuration(p, value);
	default:
		return false;
	}
}

bool pck_parse(struct pck_info *out, struct span extension)
{
	struct pck_info p = { 0 };
	struct span list, value;
	uint32_t seen = 0;
	uint8_t n;

	if (!der_take(&extension, DER_SEQUENCE, &list) || !rd_end(&extension))
		return false;
	while (!rd_end(&list))
		if (!rd_pair(&list, SPAN_ARRAY(oid_base), &seen, &n, &value) ||
		    !parse_entry(&p, n, value))
			return false;
	if (seen != ENTRIES_PROCESSOR && seen != ENTRIES_PLATFORM)
		return false;
	p.has_platform = seen == ENTRIES_PLATFORM;
	*out = p;
	return true;
}
