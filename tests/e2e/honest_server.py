"""An independent server for tests of `postern verify`: Python's TLS 1.3 with what postern-cert
hands the edge, and its evidence relayed; with the lies a test asks for. Inside the test world's
network:

    honest_server.py PORT KEYS_SOCKET PUBLIC_SOCKET [--pem FILE] [--redirect URL]
"""
import argparse
import http.client
import http.server
import json
import pathlib
import socket
import ssl
import tempfile


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def ask(path, method, url, body=None):
    connection = Unix(path)
    connection.request(method, url, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    said = answer.status, answer.getheader("Content-Type", "text/plain"), answer.read()
    connection.close()
    return said


class Relay(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    public = redirect = None

    def relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.redirect:
            self.say(302, "text/plain", b"", {"Location": self.redirect + self.path})
        elif self.path.startswith(("/evidences/", "/.dstack/")):
            self.say(*ask(self.public, self.command, self.path, body or None))
        else:
            self.say(404, "text/plain", b"")

    do_GET = do_POST = relay

    def say(self, status, kind, body, more=()):
        self.send_response(status)
        head = {"Content-Type": kind, "Content-Length": len(body), **dict(more)}
        for name, value in head.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that leaves is none."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("keys")
    parser.add_argument("public")
    parser.add_argument("--pem")
    parser.add_argument("--redirect")
    args = parser.parse_args()
    Relay.public, Relay.redirect = args.public, args.redirect
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with tempfile.NamedTemporaryFile("w") as pem:
        if args.pem:
            pem.write(pathlib.Path(args.pem).read_text())
        else:
            given = json.loads(ask(args.keys, "GET", "/v1/tls")[2])["certificates"][0]
            pem.write(given["chain"] + given["key"])
        pem.flush()
        context.load_cert_chain(pem.name)
    server = Server(("127.0.0.1", args.port), Relay)
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
