"""The router under test, and checks that are counted.

A script's checks are its functions whose names begin with `check_`, run in the order in which they are written. ROUTER is
what `mikro2fa simulate` said when it started, as JSON.
"""

import json
import os
import sys
import traceback
import urllib.error
import urllib.request


class Router:
    """A simulated router: where it is, and its control port."""

    def __init__(self):
        self.about = json.loads(os.environ["ROUTER"])
        self.version = self.about["version"]
        self.host, port = self.about["api"].rsplit(":", 1)
        self.port = int(port)
        self.tls_port = int(self.about["api_tls"].rsplit(":", 1)[1])
        self.user = "admin"
        self.password = self.about["users"]["admin"]

    def at_least(self, major, minor):
        return tuple(int(part) for part in self.version.split(".")[:2]) >= (major, minor)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.about["control"] + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, **body):
        return self.ask("POST", path, body)

    def catalogue(self):
        return self.get("/catalogue")


def sample(menu, name):
    """Arguments that `add` takes in this menu: those that it requires, and what makes the row one of ours."""
    own = SAMPLES.get(menu["path"], {})
    arguments = {}
    for known in menu["properties"]:
        if known["name"] in own:
            arguments[known["name"]] = own[known["name"]].replace("{name}", name)
        elif known["required"] or known["name"] == "name":
            arguments[known["name"]] = example(known, name)
    return arguments


def example(known, name):
    kind = known["kind"]
    if kind in ("reference", "references", "negatable"):
        return OF[known["of"]]
    if kind in ("enum", "set"):
        return known["values"][0]
    return {
        "text": name,
        "bool": "yes",
        "number": "1",
        "duration": "1m",
        "policy": "read",
        "address": "10.99.0.1",
        "prefix": "10.99.0.0/24",
        "address-with-mask": "10.99.0.1/24",
        "list-entry": "10.99.0.1",
        "ranges": "10.99.0.2-10.99.0.9",
        "address-or-pool": "10.99.0.1",
        "matcher": "10.99.0.1",
    }[kind]


# A row that is there on every router, for properties that name one.
OF = {
    "/interface": "ether1",
    "/interface/bridge": "bridge",
    "/interface/list": "LAN",
    "/ip/pool": "vpn",
    "/ppp/profile": "default",
    "/user": "admin",
    "/user-manager/profile": "default",
    "/user-manager/user": "mia",
    "/user/group": "read",
}

# Where a menu wants more than its tree tells.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "samples.json"), encoding="utf-8") as file:
    SAMPLES = json.load(file)


def run(checks, about):
    """Runs the checks of a script; leaves with 1 if one of them failed."""
    passed = failed = 0
    for name, check in list(checks.items()):
        if not name.startswith("check_"):
            continue
        try:
            check()
            passed += 1
        except Exception:  # whatever it is, the others are run, too
            failed += 1
            print(f"FAILED {about}: {name}", file=sys.stderr)
            traceback.print_exc()
    print(f"{about}: {passed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)
