"""`librouteros`, in each of its ways, against the simulated router."""

import asyncio
import hashlib
import ssl

import librouteros
from librouteros.exceptions import LibRouterosError, TrapError
from librouteros.login import async_plain, async_token, token
from librouteros.query import And, Key, Or

from router import Router, run, sample

router = Router()


def connect(user=None, password=None, **more):
    more.setdefault("encoding", "utf-8")
    more.setdefault("timeout", 30)
    if not router.at_least(6, 43):
        more.setdefault("login_method", token)
    return librouteros.connect(
        router.host, user or router.user, password or router.password, **{"port": router.port, **more}
    )


def refused(act):
    """The text of the `!trap` that this ends with."""
    try:
        found = act()
        if found is not None:
            tuple(found)
    except TrapError as trap:
        return trap.message
    raise AssertionError("it was not refused")


def wrong_logins():
    for user, password in [("admin", "wrong"), ("nobody", "x"), ("admin", "")]:
        text = refused(lambda: connect(user, password or "?") and None)
        expected = "invalid user name or password (6)" if router.at_least(6, 43) else "cannot log in"
        assert text == expected, text


def check_a_wrong_password_is_refused():
    wrong_logins()


def check_tls_shows_the_certificate_that_was_announced():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    seen = []

    def wrap(socket):
        socket = context.wrap_socket(socket, server_hostname="localhost")
        seen.append(hashlib.sha256(socket.getpeercert(True)).hexdigest())
        return socket

    api = connect(port=router.tls_port, ssl_wrapper=wrap)
    assert [row["name"] for row in api.path("/system/identity")] == [router.about["identity"]]
    api.close()
    assert seen == [router.about["fingerprint"].replace(":", "").lower()], seen


def check_every_menu_can_be_read():
    router.post("/dial", account="ann", password="pw")
    api = connect()
    for menu in router.catalogue():
        path = api.path(menu["path"])
        rows = list(path)
        names = {known["name"] for known in menu["properties"]}
        for row in rows:
            assert set(row) - {".id"} <= names, (menu["path"], set(row) - names)
            assert (".id" in row) != menu["single"], menu["path"]
        if menu["single"]:
            assert len(rows) == 1, menu["path"]
        ids = [row.get(".id") for row in rows]
        assert len(set(ids)) == len(ids), menu["path"]
        # A log is longer with every login and a connection is nobody's: the others stand still.
        if menu["path"] not in ("/log",):
            assert [row.get(".id") for row in path("getall")] == ids, menu["path"]
            counted = tuple(path("print", **{"count-only": ""}))
            assert counted == ({"ret": len(rows)},), (menu["path"], counted)
        some = list(path.select(*map(Key, sorted(names))))
        assert all(set(row) <= names for row in some), menu["path"]
        if rows and not menu["single"]:
            one = list(path.select(Key(".id")).where(Key(".id") == ids[0]))
            assert one == [{".id": ids[0]}], menu["path"]
            assert list(path.select(Key(".id")).where(Key(".id") == "*FFFFFF")) == [], menu["path"]
    router.post("/hang-up", account="ann")


def check_every_menu_can_be_written():
    api = connect()
    for number, menu in enumerate(router.catalogue()):
        if "add" not in menu["commands"]:
            continue
        where, path = menu["path"], api.path(menu["path"])
        name = f"stranger{number}"
        arguments = sample(menu, name)
        before = len(list(path))
        new = path.add(**arguments)
        assert new.startswith("*"), (where, new)
        try:
            written = {known["name"] for known in menu["properties"] if known["writable"]}
            row = one(path, new)
            assert len(list(path)) == before + 1, where
            assert "name" not in arguments or row["name"] == arguments["name"], (where, row)
            if "comment" in written and "set" in menu["commands"]:
                path.update(**{".id": new, "comment": "a \"b\" $c = [d]; é"})
                assert one(path, new)["comment"] == "a \"b\" $c = [d]; é", where
                tuple(path("comment", numbers=new, comment="x"))
                assert one(path, new)["comment"] == "x", where
                tuple(path("set", **{".id": new, "comment": ""}))
                assert one(path, new).get("comment", "") == "", where
            if "disable" in menu["commands"]:
                tuple(path("disable", **{".id": new}))
                assert one(path, new)["disabled"] is True, where
                tuple(path("enable", numbers=new))
                assert one(path, new)["disabled"] is False, where
            if "set" in menu["commands"]:
                text = refused(lambda: path("set", **{".id": new, "no-such-thing": "1"}))
                assert text.startswith("unknown parameter"), (where, text)
            if menu["unique"]:
                text = refused(lambda: path("add", **arguments))
                assert "already" in text or "exists" in text, (where, text)
        finally:
            path.remove(new)
        assert len(list(path)) == before, where
        text = refused(lambda: path("remove", **{".id": new}))
        assert text.startswith("no such item"), (where, text)


def one(path, which):
    rows = list(path.select().where(Key(".id") == which))
    assert len(rows) == 1, rows
    return rows[0]


def check_settings_of_one_record_need_no_id():
    api = connect()
    identity = api.path("/system/identity")
    identity.update(name="branch office")
    assert list(identity) == [{"name": "branch office"}]
    identity.update(name=router.about["identity"])


def check_queries():
    api = connect()
    secrets = api.path("/ppp/secret")
    made = [secrets.add(name=f"q{n}", password="x", service=service) for n, service in enumerate(["l2tp", "pptp", "sstp"])]
    name, service, comment = Key("name"), Key("service"), Key("comment")
    secrets.update(**{".id": made[0], "comment": "first"})

    def found(*conditions):
        rows = secrets.select(name).where(*conditions)
        return [row["name"] for row in rows if row["name"].startswith("q")]

    assert found() == ["q0", "q1", "q2"]
    assert found(name == "q1") == ["q1"]
    assert found(service != "l2tp") == ["q1", "q2"]
    assert found(name.In("q0", "q2")) == ["q0", "q2"]
    assert found(Or(service == "l2tp", service == "sstp")) == ["q0", "q2"]
    assert found(And(Or(service == "l2tp", service == "sstp"), name == "q2")) == ["q2"]
    assert found(comment > "") == ["q0"]
    assert found(["?comment"]) == ["q0"]
    assert found(["?-comment"]) == ["q1", "q2"]
    assert found(["?nonsense=1"]) == []
    numbers = api.path("/ip/service").select(Key("name"), Key("port")).where(Key("port") < 23)
    # The others are where the simulator was told to listen.
    numbers = {row["name"] for row in numbers}
    assert "ftp" in numbers and "telnet" not in numbers and "www" not in numbers, numbers
    secrets.remove(*made)
    assert found() == []


def check_names_lists_and_unset():
    api = connect()
    secrets = api.path("/ppp/secret")
    made = [secrets.add(name=f"n{n}", password="x") for n in range(3)]
    tuple(secrets("disable", numbers="n0,n2"))
    disabled = {row["name"]: row["disabled"] for row in secrets if row["name"].startswith("n")}
    assert disabled == {"n0": True, "n1": False, "n2": True}, disabled
    secrets.update(**{".id": "n0", "remote-address": "10.9.9.9"})
    assert one(secrets, made[0])["remote-address"] == "10.9.9.9"
    tuple(secrets("unset", **{".id": made[0], "value-name": "remote-address"}))
    assert "remote-address" not in one(secrets, made[0])
    secrets.update(**{".id": made[1], "remote-address": "10.9.9.9"})
    secrets.update(**{".id": made[1], "!remote-address": ""})
    assert "remote-address" not in one(secrets, made[1])
    secrets.remove(*made)


def check_order_of_rules():
    api = connect()
    rules = api.path("/ip/firewall/filter")
    first = rules.add(chain="stranger", action="accept", comment="first")
    second = rules.add(chain="stranger", action="drop", comment="second", **{"place-before": first})

    def order():
        return [row["comment"] for row in rules.select(Key("comment")).where(Key("chain") == "stranger")]

    assert order() == ["second", "first"]
    tuple(rules("move", numbers=first, destination=second))
    assert order() == ["first", "second"]
    tuple(rules("move", numbers=first))
    assert order() == ["second", "first"]
    rules.remove(first, second)


def check_errors_are_in_the_routers_words():
    api = connect()
    unknown = refused(lambda: api("/no/such/menu/print"))
    assert unknown.startswith("no such command"), unknown
    assert ("(no)" in unknown) == router.at_least(7, 17), unknown
    unknown = refused(lambda: api("/ppp/secret/explode"))
    assert unknown.startswith("no such command"), unknown
    assert refused(lambda: api("/ppp/secret/remove", **{".id": "*FFFFFF"})) == "no such item"
    assert refused(lambda: api("/ppp/secret/add", name="x", profile="none")) == "input does not match any value of profile"
    taken = refused(lambda: api("/ppp/secret/add", name="ann"))
    assert taken == "failure: secret with the same name already exists", taken
    entry = {"list": "stranger", "address": "10.99.1.1"}
    new = api.path("/ip/firewall/address-list").add(**entry)
    again = refused(lambda: api("/ip/firewall/address-list/add", **entry))
    assert again == "failure: already have such entry", again
    api.path("/ip/firewall/address-list").remove(new)
    # After all of that the connection is as good as new.
    assert len(list(api.path("/system/identity"))) == 1


def check_what_a_group_does_not_allow_is_refused():
    api = connect()
    user = api.path("/user").add(name="looker", group="read", password="look")
    other = connect("looker", "look")
    assert len(list(other.path("/ppp/secret"))) > 0
    for act in [
        lambda: other("/ppp/secret/add", name="x"),
        lambda: other("/user/add", name="x", group="full"),
        lambda: other("/system/identity/set", name="x"),
    ]:
        text = refused(act)
        assert text == "not enough permissions (9)", text
    other.close()
    api.path("/user").remove(user)


def check_text_that_is_not_utf_8():
    cyrillic = connect(encoding="windows-1251")
    secrets = cyrillic.path("/ppp/secret")
    new = secrets.add(name="cp1251", comment="Привет, мир")
    assert one(secrets, new)["comment"] == "Привет, мир"
    # What is no UTF-8 stays what it is: an eight-bit code page shows the same bytes.
    assert one(connect(encoding="latin-1").path("/ppp/secret"), new)["comment"].encode("latin-1") == "Привет, мир".encode("cp1251")
    secrets.remove(new)


def check_long_words_and_long_answers():
    api = connect()
    scripts = api.path("/system/script")
    for length in [0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000]:
        source = "#" * (length - len("=source="))
        new = scripts.add(name="long", source=source)
        assert one(scripts, new)["source"] == source, length
        scripts.remove(new)
    entries = api.path("/ip/firewall/address-list")
    for number in range(3_000):
        entries.add(list="many", address=f"10.99.{number // 250}.{number % 250 + 1}", comment="x" * 100)
    rows = list(entries.select(Key(".id"), Key("comment")).where(Key("list") == "many"))
    assert len(rows) == 3_000 and all(row["comment"] == "x" * 100 for row in rows)
    ids = [row[".id"] for row in rows]
    for at in range(0, len(ids), 100):
        entries.remove(*ids[at : at + 100])
    assert list(entries.select(Key(".id")).where(Key("list") == "many")) == []


def check_listening():
    """`librouteros` has no word for it, but its sentences can be had one by one."""
    api = connect()
    api.protocol.writeSentence("/ppp/active/listen")
    # Commands are begun in the order in which they come: once this is answered the first one listens.
    other = connect()
    tunnel = router.post("/dial", account="ann", password="pw", caller_id="203.0.113.5")
    word, row = api.readSentence()
    assert (word, row["name"], row["caller-id"]) == ("!re", "ann", "203.0.113.5"), (word, row)
    assert row[".id"] == tunnel["active_id"]
    other.path("/ppp/active").remove(row[".id"])
    while True:
        word, gone = api.readSentence()
        if ".dead" in gone:
            break
    assert (word, gone) == ("!re", {".id": row[".id"], ".dead": True}), (word, gone)
    api.protocol.writeSentence("/cancel")
    said = [api.readSentence() for _ in range(3)]
    assert said[0] == ("!trap", {"category": 2, "message": "interrupted"}), said
    assert said[1:] == [("!done", {}), ("!done", {})], said
    assert len(list(api.path("/system/identity"))) == 1


def check_leaving():
    api = connect()
    try:
        tuple(api("/quit"))
        raise AssertionError("it stayed")
    except LibRouterosError as error:
        assert "session terminated on request" in str(error), error


def check_the_asynchronous_client():
    async def talk():
        api = await librouteros.async_connect(
            router.host,
            router.user,
            router.password,
            port=router.port,
            encoding="utf-8",
            timeout=30,
            login_method=async_plain if router.at_least(6, 43) else async_token,
        )
        secrets = api.path("/ppp/secret")
        new = await secrets.add(name="async", password="x")
        found = [row async for row in secrets.select(Key("name")).where(Key(".id") == new)]
        assert found == [{"name": "async"}], found
        await secrets.update(**{".id": new, "comment": "later"})
        await secrets.remove(new)
        try:
            await secrets.remove(new)
            raise AssertionError("it was there twice")
        except TrapError as trap:
            assert trap.message == "no such item", trap
        await api.close()

    asyncio.run(talk())


def check_the_configuration_helper_finds_the_version():
    version = next(iter(connect().path("/system/resource")))["version"]
    assert version.startswith(router.version), version


run(globals(), f"librouteros on {router.version}")
