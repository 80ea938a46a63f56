"""What the ACME front knows of accounts, authorizations and orders; its limits; its problems."""
import collections
import secrets

import serve


class Problem(Exception):
    """Becomes a problem document (RFC 7807); 'kind' is the last part of an ACME error's URN."""

    def __init__(self, status, kind, detail, retry_after=None, **members):
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.retry_after, self.members = retry_after, members


class Account:
    def __init__(self, url, jwk):
        self.url, self.jwk, self.status = url, jwk, "valid"
        self.proved = {}  # name -> until when an authorization for it is valid


class Authz:
    def __init__(self, url, order):
        self.url, self.order = url, order
        self.name = None  # with "*." for a wildcard; known once the client has looked
        self.challenges = {}  # URL -> as pebble showed it
        self.tried = self.method = None  # the challenge last asked for; the one that made it valid
        self.status, self.error = "pending", None
        self.persist = None  # status of the front's own challenge
        self.refused = None  # a challenge that CAA did not let be tried, as it is shown
        self.caa_seen_at = None  # when CAA last allowed the name

    def decided_here(self):
        """Whether the status is the front's word rather than pebble's."""
        return bool(self.persist or self.refused)


class Order:
    def __init__(self, url, account, document):
        self.url, self.account = url, account
        self.names = sorted((i["value"] for i in document["identifiers"]),
                            key=lambda n: (n.startswith("*."), n))
        self.authzs = list(document["authorizations"])
        self.finalize = document["finalize"]
        self.profile = self.replaces = None
        self.id = secrets.token_hex(8)
        self.status = self.issued = self.error = None
        self.wrong, self.alone = "", False  # alone: the front finalizes it, pebble does not


class Limits:
    """name -> [count, seconds]: how many events of a kind an identity may cause."""

    def __init__(self, clock):
        self.clock, self.rules = clock, {}
        self.events = collections.defaultdict(collections.deque)

    def count(self, kind, identity):
        """Counts an event, or raises the Problem that says when to come back."""
        if kind not in self.rules:
            return
        most, seconds = self.rules[kind]
        now, events = self.clock.now(), self.events[kind, identity]
        while events and events[0] <= now - seconds:
            events.popleft()
        if len(events) >= most:
            later = int(events[0] + seconds - now) + 1
            raise Problem(429, "rateLimited", f"too many {kind} ({most} in {seconds} s) for "
                          f"{identity}; retry after {serve.rfc3339(now + later)}", later)
        events.append(now)
