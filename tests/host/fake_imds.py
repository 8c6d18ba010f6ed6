#!/usr/bin/python3
"""A metadata service for tests of the images: fake_imds.py ADDRESS FOLDER.

FOLDER/GUEST'S-ADDRESS.json has what that guest is told, {"meta-data/instance-id": "i-…", …}, and is read anew for each
request; "user-data" is in base64, being bytes. Version 2 is required unless the guest's file has {"version": 1}: then
there are no tokens. Listings of folders are made of the paths. Each request is a line on standard output.
"""

import base64
import http.server
import json
import os
import secrets
import sys

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
VERSIONS = ["latest", "2009-04-04", "2016-09-02", "2018-09-24", "2021-03-23"]
TOKENS = {}  # the guest's address by token


def entries_of(facts, folder):
    """What is directly in a folder, one a line, folders with a slash; None if there is nothing."""
    names = {}
    for path in facts:
        if path.startswith(folder) and path != folder:
            name, slash, _ = path[len(folder):].partition("/")
            names[name + slash] = True
    return "\n".join(names) or None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def guest(self):
        return self.client_address[0]

    def facts(self):
        try:
            with open(os.path.join(sys.argv[2], f"{self.guest}.json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return {}

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        if self.facts().get("version") == 1:
            self.answer(405)
        elif self.path != "/latest/api/token" or not 1 <= int(self.headers.get(TTL, 0)) <= 21600:
            self.answer(400)
        else:
            token = secrets.token_urlsafe(40)
            TOKENS[token] = self.guest
            self.answer(200, token.encode())

    def do_GET(self):
        facts = self.facts()
        version = facts.pop("version", 2)
        if version == 2 and TOKENS.get(self.headers.get("X-aws-ec2-metadata-token")) != self.guest:
            return self.answer(401)
        body = self.body_of(facts)
        return self.answer(404) if body is None else self.answer(200, body)

    def body_of(self, facts):
        first, _, path = self.path.lstrip("/").partition("/")
        if not first:
            return "\n".join(VERSIONS).encode()
        if first not in VERSIONS:
            return None
        if path == "user-data" and path in facts:
            return base64.b64decode(facts[path])
        text = facts.get(path)
        if text is None:
            text = entries_of(facts, path if path.endswith("/") or not path else f"{path}/")
        return None if text is None else text.encode()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        print(self.guest, format % args, flush=True)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


if __name__ == "__main__":
    Server((sys.argv[1], 80), Handler).serve_forever()
