"""Raw requests, signed by botocore's SigV4 but sent by http.client: what boto3 itself would never send."""
import contextlib
import datetime
import hashlib
import http.client
import xml.etree.ElementTree as ElementTree
from collections import namedtuple
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness import REGION

FORM = "application/x-www-form-urlencoded; charset=utf-8"
EC2_NAMESPACE = "{http://ec2.amazonaws.com/doc/2016-11-15/}"


class Reply(namedtuple("Reply", "status headers body")):
    def xml(self):
        return ElementTree.fromstring(self.body)

    @property
    def code(self):
        """The error's code in either protocol's shape; None for a success."""
        root = self.xml()
        found = root.find("Errors/Error/Code")
        if found is None:
            found = root.find("{*}Error/{*}Code")
        return None if found is None else found.text

    @property
    def message(self):
        return next(e.text for e in self.xml().iter() if e.tag.split("}")[-1] == "Message")

    def values(self, name):
        """The texts of all elements of that name, wherever they are."""
        return [e.text for e in self.xml().iter() if e.tag.split("}")[-1] == name]


def _at(base, when):
    """The signer with another idea of the time (seconds from now)."""
    class Moved(base):
        def _modify_request_before_signing(self, request):
            moment = datetime.datetime.utcnow() + datetime.timedelta(seconds=when)
            request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
            super()._modify_request_before_signing(request)
    return Moved


def sign(lodge, account, body, method="POST", target="/", headers=None, service="ec2", region=REGION, when=0):
    """The headers of a signed request."""
    request = AWSRequest(method=method, url=lodge.endpoint + target, data=body, headers=headers or {})
    _at(SigV4Auth, when)(Credentials(account.key, account.secret), service, region).add_auth(request)
    return dict(request.headers.items())


def presign(lodge, account, parameters, method="GET", body=b"", expires=60, service="ec2", region=REGION, when=0):
    """The target (path and query) of a presigned request. boto itself presigns no body; ours counts."""
    request = AWSRequest(method=method, url=f"{lodge.endpoint}/?{encode(parameters)}", data=b"")
    signer = _at(SigV4QueryAuth, when)(Credentials(account.key, account.secret), service, region, expires=expires)
    signer.payload = lambda _: hashlib.sha256(body).hexdigest()
    signer.add_auth(request)
    return request.url[len(lodge.endpoint):]


def encode(parameters):
    """Pairs or a dictionary as a form. A repeated name stays repeated."""
    pairs = parameters.items() if isinstance(parameters, dict) else parameters
    return urlencode(list(pairs), quote_via=quote)


def send(lodge, method, target, body=None, headers=None, connection=None):
    """One request, over a connection of its own unless one is given."""
    if connection is None:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", lodge.port, timeout=60)) as own:
            return send(lodge, method, target, body, headers, own)
    connection.request(method, target, body, headers or {})
    reply = connection.getresponse()
    return Reply(reply.status, reply.headers, reply.read())


def call(lodge, account, action, parameters=(), version="2016-11-15", **signing):
    """A signed POST of a form. `parameters` are pairs or a dictionary; None for action or version leaves it out."""
    pairs = list(parameters.items() if isinstance(parameters, dict) else parameters)
    head = [(k, v) for k, v in (("Action", action), ("Version", version)) if v is not None]
    return post(lodge, account, encode(head + pairs), **signing)


def post(lodge, account, body, headers=None, connection=None, **signing):
    body = body.encode() if isinstance(body, str) else body
    signed = sign(lodge, account, body, headers={"Content-Type": FORM, **(headers or {})}, **signing)
    return send(lodge, signing.get("method", "POST"), signing.get("target", "/"), body, signed, connection)
