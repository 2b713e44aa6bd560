"""`RouterOS-api` (`routeros_api`) against the simulated router: the other login, tags, promises."""

import routeros_api
from routeros_api.exceptions import RouterOsApiCommunicationError, RouterOsApiError

from router import Router, run, sample

router = Router()


def connect(password=None, **more):
    more.setdefault("plaintext_login", router.at_least(6, 43))
    pool = routeros_api.RouterOsApiPool(
        router.host, username=router.user, password=password or router.password, **{"port": router.port, **more}
    )
    return pool.get_api()


def refused(act):
    try:
        act()
    except RouterOsApiCommunicationError as error:
        return error.original_message.decode()
    raise AssertionError("it was not refused")


def check_a_wrong_password_is_refused():
    text = refused(lambda: connect("wrong"))
    assert text == ("invalid user name or password (6)" if router.at_least(6, 43) else "cannot log in"), text


def check_the_old_login_is_gone_where_routers_dropped_it():
    if router.at_least(6, 45):
        text = refused(lambda: connect(plaintext_login=False))
        assert text == "invalid user name or password (6)", text
    else:
        assert connect(plaintext_login=False).get_resource("/system/identity").get()


def check_tls():
    api = connect(port=router.tls_port, use_ssl=True, ssl_verify=False, ssl_verify_hostname=False)
    assert api.get_resource("/system/identity").get() == [{"name": router.about["identity"]}]


def check_every_menu():
    api = connect()
    for number, menu in enumerate(router.catalogue()):
        where = menu["path"]
        resource = api.get_resource(where)
        rows = resource.get()
        assert len(resource.detailed_get()) >= len(rows) or where == "/log", where
        if "add" not in menu["commands"]:
            continue
        arguments = sample(menu, f"other{number}")
        new = resource.add(**{name.replace("-", "_"): value for name, value in arguments.items()})
        new = new.done_message["ret"]
        assert [row["id"] for row in resource.get(id=new)] == [new], where
        assert resource.remove(id=new) == [], where
        assert refused(lambda: resource.remove(id=new)).startswith("no such item"), where


def check_answers_may_be_waited_for_in_any_order():
    api = connect()
    names = api.get_resource("/ppp/secret")
    first, second = names.get_async(name="ann"), names.call_async("print", {"count-only": ""})
    assert int(second.get().done_message["ret"]) >= 1
    assert [row["name"] for row in first.get()] == ["ann"]


def check_errors_leave_the_connection_alone():
    api = connect()
    assert refused(lambda: api.get_resource("/nothing").get()).startswith("no such command")
    assert api.get_resource("/system/identity").get()
    try:
        api.get_resource("/").call("quit")
        raise AssertionError("it stayed")
    except RouterOsApiError:
        pass


run(globals(), f"RouterOS-api on {router.version}")
