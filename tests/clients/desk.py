#!/usr/bin/env python3
"""What has to be done around the clients' sessions, over the simulator's control port.

desk.py prepare         makes rows that samples name
desk.py place           tells what console.py wants to be told, word by word
desk.py visited VIA     fails if a menu was left out by whoever has just been there over VIA (api, ssh), or is one that clients
                        try first and is not there; forgets the commands
"""

import sys

from router import Router

router = Router()

# What clients' own tests try first: none of it may be missing from the simulator, in any version.
FIRST = {
    "/interface", "/ip/address", "/ip/route", "/system/identity", "/system/resource", "/system/clock", "/user",
    "/ip/service", "/log", "/queue/simple", "/ip/dns/static",
}


def prepare():
    if "/user-manager/profile" in router.get("/menus"):
        router.post("/administer", command="/user-manager/profile/add", attributes={"name": "default", "name-for-users": "x"})


def visited(via):
    menus = set(router.get("/menus"))
    if FIRST - menus:
        sys.exit(f"the simulator does not have {', '.join(sorted(FIRST - menus))}")
    seen = {record["command"].rpartition("/")[0] for record in router.get("/commands") if record["via"] == via}
    unknown = router.get("/unknown")
    router.ask("DELETE", "/commands")
    missed = sorted(menus - seen)
    if missed:
        sys.exit(f"{len(missed)} of {len(menus)} menus were not visited over {via}: {', '.join(missed)}")
    print(f"visited: all {len(menus)} menus over {via}; {len(unknown)} commands were tried that there are not")


def place():
    host, port = router.about["ssh"].rsplit(":", 1)
    print(host, port, router.user, router.password, router.version, *router.get("/menus"))


match sys.argv[1:]:
    case ["prepare"]:
        prepare()
    case ["place"]:
        place()
    case ["visited", via]:
        visited(via)
    case _:
        sys.exit(__doc__)
