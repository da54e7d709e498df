"""Serves the folder pages, with /moved to be followed and /broken to be tried again."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Pages(SimpleHTTPRequestHandler):
    """The files, and two answers that are none."""

    def do_GET(self):
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/shapes.html")
            self.end_headers()
        elif self.path == "/broken":
            self.send_error(503)
        else:
            super().do_GET()


ThreadingHTTPServer(("0.0.0.0", 8080), partial(Pages, directory="/srv/worker/pages")).serve_forever()
