"""CAA as a CA has to evaluate it: RFC 8659 (climbing, aliases, issue and issuewild, critical
tags) and RFC 8657 (accounturi, validationmethods). Written from the RFCs for the test CA, with
dnspython, and without a line of the product, whose evaluator it gates.
"""
import collections
import re

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

import serve

Verdict = collections.namedtuple("Verdict", "allowed reason at records")
# at: the name whose records decided, or None; records: their text

ALIASES_MAX = 8
KNOWN_TAGS = ("issue", "issuewild", "iodef", "contactemail", "contactphone", "issuemail",
              "issuevmc")
_DOMAIN = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)*\Z")
_TAG = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*\Z")
_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e]*\Z")


class LookupFailed(Exception):
    """No answer that could be trusted: the CA must not issue (RFC 8659 §3, CAB forum 3.2.2.8)."""


def parse_issue(value):
    """(issuer domain or "", parameters as a list of pairs), or None for what the grammar of
    RFC 8659 §4.2 does not have."""
    domain, semicolon, rest = value.partition(";")
    domain = domain.strip(" \t")
    if domain and not _DOMAIN.match(domain):
        return None
    parameters = []
    rest = rest.strip(" \t")
    for part in rest.split(";") if semicolon and rest else []:
        tag, equals, text = part.partition("=")
        tag, text = tag.strip(" \t"), text.strip(" \t")
        if not equals or not _TAG.match(tag) or not _VALUE.match(text):
            return None
        parameters.append((tag.lower(), text))
    return domain.lower(), parameters


def permits(value, issuers, account, method):
    """Whether one issue or issuewild property lets this account of this CA issue. "" is yes, else
    why not."""
    parsed = parse_issue(value)
    if parsed is None:
        return "malformed value permits nobody"
    domain, parameters = parsed
    if domain not in issuers:
        return f"names {domain or 'nobody'}"
    accounts = [v for t, v in parameters if t == "accounturi"]
    methods = [v for t, v in parameters if t == "validationmethods"]
    if len(accounts) > 1 or len(methods) > 1:
        return "a parameter comes twice"
    if accounts and accounts[0] != account:
        return f"accounturi is {accounts[0]}"
    if methods and method not in methods[0].split(","):
        return f"validationmethods are {methods[0]}"
    return ""


class Evaluator:
    """Asks 'where' ("address:port"): a validating resolver, or an authoritative server of all
    zones concerned. 'issuers' are the CA's names in CAA."""

    def __init__(self, where, issuers, timeout=5.0):
        self.address, self.port = serve.host_port(where)
        self.issuers = [i.lower() for i in issuers]
        self.timeout = timeout

    def evaluate(self, name, account, method):
        """Verdict for one DNS name, or wildcard."""
        wildcard = name.startswith("*.")
        try:
            at, records = self.relevant(name[2:] if wildcard else name)
        except LookupFailed as failure:
            return Verdict(False, f"CAA look-up failed: {failure}", None, [])
        texts = [f"{r.flags} {r.tag.decode()} \"{r.value.decode()}\"" for r in records]
        reason = self.judge(records, wildcard, account, method)
        return Verdict(not reason, reason or "permitted", at, texts)

    def judge(self, records, wildcard, account, method):
        """"" or why not, for a relevant set."""
        tags = [(r.tag.decode().lower(), r.value.decode("latin-1")) for r in records]
        for record, (tag, _) in zip(records, tags):
            if record.flags & 0x80 and tag not in KNOWN_TAGS:
                return f"critical tag {tag} is not understood"
        counting = [v for t, v in tags if t == "issuewild"] if wildcard else []
        counting = counting or [v for t, v in tags if t == "issue"]
        if not counting and (not wildcard or "issuewild" not in dict(tags)):
            return ""
        reasons = [permits(v, self.issuers, account, method) for v in counting]
        return "" if "" in reasons else "; ".join(reasons)

    def relevant(self, name):
        """(name, CAA records) of the closest name upwards that has any; (None, []): none has."""
        at = dns.name.from_text(name)
        while at != dns.name.root:
            records = self.look_up(at)
            if records:
                return str(at), records
            at = at.parent()
        return None, []

    def look_up(self, name):
        """The CAA records of a name, aliases followed."""
        for _ in range(ALIASES_MAX):
            answer = self.ask(name)
            target, moved = name, True
            while moved:
                moved = False
                for rrset in answer.answer:
                    if rrset.name == target and rrset.rdtype == dns.rdatatype.CNAME:
                        target, moved = rrset[0].target, True
            for rrset in answer.answer:
                if rrset.name == target and rrset.rdtype == dns.rdatatype.CAA:
                    return list(rrset)
            if target == name or answer.flags & dns.flags.RA:
                return []
            name = target
        raise LookupFailed(f"{name}: too many aliases")

    def ask(self, name):
        question = dns.message.make_query(name, "CAA", want_dnssec=True)
        try:
            answer, _ = dns.query.udp_with_fallback(question, self.address, self.timeout,
                                                    self.port)
        except (OSError, dns.exception.DNSException) as error:
            raise LookupFailed(f"{name}: {type(error).__name__} {error}") from error
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise LookupFailed(f"{name}: {dns.rcode.to_text(answer.rcode())}")
        return answer

    def texts(self, name):
        """TXT records of a name, for dns-persist-01."""
        question = dns.message.make_query(name, "TXT", want_dnssec=True)
        try:
            answer, _ = dns.query.udp_with_fallback(question, self.address, self.timeout,
                                                    self.port)
        except (OSError, dns.exception.DNSException) as error:
            raise LookupFailed(f"{name}: {error}") from error
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise LookupFailed(f"{name}: {dns.rcode.to_text(answer.rcode())}")
        return [b"".join(r.strings).decode("latin-1") for rrset in answer.answer
                if rrset.rdtype == dns.rdatatype.TXT for r in rrset]
