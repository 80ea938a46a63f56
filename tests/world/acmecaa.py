"""When a CA looks at CAA. By default at finalize, so that a test sees at once what it changed. Real
CAs look when a name is validated, and again before they issue only if that was more than 8 hours
ago (CAB forum BR 3.2.2.8.1 lets them): what is pinned in between comes too late for the order.
"""
from acmestate import Problem
from acmewire import URN

REUSE_SECONDS = 8 * 3600
MOMENTS = ("finalize", "validation")


class CaaGate:
    def __init__(self, evaluator, clock):
        self.evaluator, self.clock, self.log = evaluator, clock, []
        self.on, self.at = True, "finalize"

    def set(self, on=True, at="finalize"):
        if at not in MOMENTS:
            raise ValueError(f"at is one of {MOMENTS}")
        self.on, self.at = bool(on), at

    def _look(self, authz, method):
        """The Verdict for an authorization's name."""
        verdict = self.evaluator.evaluate(authz.name, authz.order.account, method)
        self.log.append({"name": authz.name, "account": authz.order.account, "method": method,
                         **verdict._asdict()})
        if verdict.allowed:
            authz.caa_seen_at = self.clock.now()
        return verdict

    def at_challenge(self, authz, method):
        """None, or the error of a challenge that is not to be tried."""
        if not self.on or self.at != "validation" or not is_dns(authz.name):
            return None
        verdict = self._look(authz, method)
        if verdict.allowed:
            return None
        return {"type": URN + "caa", "status": 403, "detail": text_of(authz.name, verdict)}

    def at_finalize(self, authzs):
        """Raises the Problem that names every name which CAA forbids."""
        now, refused = self.clock.now(), []
        for authz in authzs if self.on else []:
            fresh = authz.caa_seen_at is not None and now - authz.caa_seen_at <= REUSE_SECONDS
            if not is_dns(authz.name) or self.at == "validation" and fresh:
                continue
            verdict = self._look(authz, authz.method or authz.tried)
            if not verdict.allowed:
                refused.append((authz.name, verdict))
        if refused:
            raise Problem(403, "caa", "; ".join(text_of(*r) for r in refused), subproblems=[
                {"type": URN + "caa", "detail": v.reason, "status": 403,
                 "identifier": {"type": "dns", "value": n}} for n, v in refused])


def is_dns(name):
    """An address has no CAA (RFC 8738 §4)."""
    return bool(name) and any(c.isalpha() for c in name) and ":" not in name


def text_of(name, verdict):
    return f"CAA of {verdict.at or name} forbids {name}: {verdict.reason}"
