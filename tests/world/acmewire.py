"""What passes between the ACME front and pebble: requests as they came, and nonces."""
import collections
import contextlib
import secrets
import threading

import jws
import serve
from serve import Answer

URN = "urn:ietf:params:acme:error:"
PASSED = ("Content-Type", "Location", "Replay-Nonce", "Link", "Retry-After", "Cache-Control")


def parsed(request):
    """The JWS of a request; None for what is none, which pebble shall judge."""
    if request.method != "POST":
        return None
    with contextlib.suppress(jws.Malformed):
        return jws.Jws(request.body)
    return None


class Passage:
    """To pebble at an "address:port", in the name of our public host."""

    def __init__(self, public, pebble, cafile):
        self.public, self.pebble, self.cafile = public, pebble, cafile
        self.lock, self.nonces = threading.Lock(), collections.OrderedDict()

    def forward(self, request):
        """pebble's answer to the request as it is."""
        headers = {n.title(): v for n, v in request.headers.items()
                   if n.lower() in ("content-type", "accept", "user-agent", "accept-language")}
        headers["Host"] = self.public
        signed = parsed(request)
        if signed:
            self.spend(signed.nonce)
        try:
            status, got, body = serve.fetch(
                f"https://{self.public}{request.target}", method=request.method,
                body=request.body or None, headers=headers, cafile=self.cafile,
                connect=self.pebble)
        except OSError as error:
            return Answer(503, {"type": URN + "serverInternal", "status": 503,
                                "detail": f"pebble: {error}"}, {"Retry-After": 1},
                          kind="application/problem+json")
        if got.get("Replay-Nonce"):
            self.know(got["Replay-Nonce"])
        return Answer(status, body, {n: (got.get_all(n) if n == "Link" else got[n])
                                     for n in PASSED if got[n] is not None})

    def know(self, nonce):
        with self.lock:
            self.nonces[nonce] = True
            while len(self.nonces) > 10000:
                self.nonces.popitem(last=False)

    def spend(self, nonce):
        with self.lock:
            return self.nonces.pop(nonce, False)

    def fresh_nonce(self):
        """One of pebble's, so that the client can use it anywhere."""
        try:
            _, got, _ = serve.fetch(f"https://{self.public}/nonce-plz", method="HEAD",
                                    cafile=self.cafile, connect=self.pebble)
        except OSError:
            return jws.b64url(secrets.token_bytes(16))
        self.know(got["Replay-Nonce"])
        return got["Replay-Nonce"]

    def forget(self):
        with self.lock:
            self.nonces.clear()
