"""A receiver of notifications in the cluster: it verifies each one, and prints it as a line of JSON."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = Webhook(SECRET).verify(body, dict(self.headers.items()))
        except Exception as error:
            event = {"fault": f"{type(error).__name__}: {error}"}
        print(json.dumps(event), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Only notifications are printed."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Receiver).serve_forever()
