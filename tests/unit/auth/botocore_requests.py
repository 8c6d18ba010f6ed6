#!/usr/bin/python3
"""Writes botocore_requests.inc: what stock botocore sends over the wire, signed at one fixed time.

Run by hand when a new botocore is to be held against: ./botocore_requests.py > botocore_requests.inc
Needs python3-botocore. Nothing leaves the machine: the client talks to a socket of this script.
"""
import datetime
import socket
import threading
import urllib.parse

import botocore
import botocore.auth
import botocore.config
import botocore.session

NOW = datetime.datetime(2026, 11, 23, 20, 13, 0)
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLXdlc3QtMiJ+/=="
ODD = "Grüße ~ * + / = & % ' \" 日本 \n()!"
PORT = 18973
# Left out of the table: they differ on every run and are never signed.
UNSIGNED = (b"user-agent:", b"amz-sdk-")


class FixedTime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW


class Catcher(threading.Thread):
    """Keeps the raw bytes of each request and answers with an empty success."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", PORT))
        self.caught = []

    def run(self):
        while True:
            link, _ = self.listener.accept()
            with link:
                self.caught.append(self.read_request(link))
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<a/>")

    @staticmethod
    def read_request(link):
        data = b""
        while b"\r\n\r\n" not in data:
            data += link.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        wanted = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                wanted = int(line.split(b":")[1])
        while len(body) < wanted:
            body += link.recv(65536)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(UNSIGNED)]
        return b"\n".join(lines) + b"\n\n" + body


def client(service, token=None):
    session = botocore.session.Session()
    return session.create_client(
        service, region_name="eu-central-1", endpoint_url=f"http://127.0.0.1:{PORT}",
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET, aws_session_token=token,
        config=botocore.config.Config(retries={"max_attempts": 0}))


def catch(catcher, call):
    count = len(catcher.caught)
    try:
        call()
    except KeyError:  # the answer has no result in it
        pass
    assert len(catcher.caught) == count + 1
    return catcher.caught[-1].decode("ascii")


def fetch(method, service, action, params, expires_s):
    url = service.generate_presigned_url(action, Params=params, ExpiresIn=expires_s, HttpMethod=method)
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as link:
        link.sendall(f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        link.recv(65536)


def requests():
    ec2 = client("ec2")
    ec2_token = client("ec2", TOKEN)
    sts = client("sts")
    iam = client("iam")
    tags = [{"Key": "name", "Value": ODD}, {"Key": "plus+tilde~star*", "Value": ""}]
    yield "describe_instances", lambda: ec2.describe_instances()
    yield "filters", lambda: ec2.describe_instances(
        Filters=[{"Name": "tag:Name", "Values": ["a*b?", "c+d e~f", ODD]}], MaxResults=5)
    yield "create_tags", lambda: ec2.create_tags(Resources=["i-0123456789abcdef0"], Tags=tags)
    yield "run_instances", lambda: ec2.run_instances(
        ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=2, UserData="#cloud-config\nné: +~*\n",
        ClientToken="00000000-0000-4000-8000-000000000000")
    yield "with_token", lambda: ec2_token.describe_key_pairs(KeyNames=[ODD])
    yield "sts", lambda: sts.get_caller_identity()
    yield "iam", lambda: iam.list_users(PathPrefix="/a b+c~d*/")
    yield "presigned", lambda: fetch("GET", ec2, "describe_instances", {}, 900)
    yield "presigned_post", lambda: fetch("POST", ec2, "describe_instances", {}, 900)
    yield "presigned_odd", lambda: fetch(
        "GET", ec2, "create_tags", {"Resources": ["i-0123456789abcdef0"], "Tags": tags}, 604800)
    yield "presigned_token", lambda: fetch("GET", ec2_token, "describe_key_pairs", {"KeyNames": [ODD]}, 1)
    yield "presigned_sts", lambda: fetch("GET", sts, "get_caller_identity", {}, 60)


def main():
    botocore.auth.datetime.datetime = FixedTime
    catcher = Catcher()
    catcher.start()
    print(f"// Made by botocore_requests.py with botocore {botocore.__version__}. Not to be edited.")
    for name, call in requests():
        print(f'{{"{name}", R"http({catch(catcher, call)})http"}},')


if __name__ == "__main__":
    main()
