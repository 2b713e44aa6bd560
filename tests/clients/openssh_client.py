"""OpenSSH's own `ssh` on the simulated router's console: by password, by key, several lines on one connection."""

import os
import pathlib
import subprocess
import tempfile

from router import Router, run

router = Router()
host, port = router.about["ssh"].rsplit(":", 1)

# What RouterOS 6 has nothing better for.
OLD = [
    "-oHostKeyAlgorithms=+ssh-rsa",
    "-oPubkeyAcceptedAlgorithms=+ssh-rsa",
    "-oKexAlgorithms=+diffie-hellman-group14-sha1",
    "-oMACs=+hmac-sha1",
]

folder = tempfile.TemporaryDirectory()
place = pathlib.Path(folder.name)


def ssh(line, *more, user=None, password=None):
    """What comes of a line: exit status, standard output, standard error."""
    # The password is asked for by a program, since there is no terminal.
    teller = place / "teller"
    teller.write_text('#!/bin/sh\nprintf "%s\\n" "$STRANGER_PASSWORD"\n')
    teller.chmod(0o700)
    options = [
        "-F", "none",
        "-p", port,
        "-l", user or router.user,
        "-oStrictHostKeyChecking=yes",
        f"-oUserKnownHostsFile={place / 'known'}",
        "-oGlobalKnownHostsFile=none",
        "-oIdentitiesOnly=yes",
        "-oIdentityAgent=none",
        "-oNumberOfPasswordPrompts=1",
        "-oConnectTimeout=30",
        "-oLogLevel=ERROR",
    ]  # fmt: skip
    options += OLD if not router.at_least(7, 0) else []
    environment = {
        **os.environ,
        "SSH_ASKPASS": str(teller),
        "SSH_ASKPASS_REQUIRE": "force",
        "DISPLAY": "none",
        "STRANGER_PASSWORD": password or router.password,
    }
    done = subprocess.run(
        ["ssh", *options, *more, host, line],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        start_new_session=True,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def said(line, *more, **login):
    status, out, errors = ssh(line, *more, **login)
    assert (status, errors) == (0, ""), (line, status, out, errors)
    return out


def knows(key):
    (place / "known").write_text(f"[{host}]:{port} {key}\n")


knows(router.about["host_key"])


def check_a_line_is_run_and_the_status_says_nothing():
    assert said(":put [/system identity get name]") == router.about["identity"] + "\r\n"
    assert said("/nonsense print") == "bad command name nonsense (line 1 column 2)\r\n"


def check_a_wrong_password_is_refused():
    status, out, errors = ssh(":put 1", password="wrong")
    assert (status, out) == (255, "") and "Permission denied" in errors, (status, out, errors)


def check_another_host_key_is_noticed():
    kind, key = router.about["host_key"].split()[:2]
    other = key[:-8] + ("AAAAAAAA" if key[-8:] != "AAAAAAAA" else "BBBBBBBB")
    knows(f"{kind} {other}")
    try:
        status, out, errors = ssh(":put 1")
        assert (status, out) == (255, "") and "verification failed" in errors, (status, out, errors)
    finally:
        knows(router.about["host_key"])


def check_every_menu_one_line_after_the_other_on_one_connection():
    control = f"-oControlPath={place / 'control'}"
    master = ("-oControlMaster=auto", control, "-oControlPersist=60")
    for menu in router.catalogue():
        path = "/" + menu["path"].strip("/").replace("/", " ")
        counted = said(f":put [:len [{path} print as-value]]", *master)
        assert counted.strip().isdigit(), (path, counted)
        if menu["single"]:
            continue
        assert said(f":put [{path} print count-only]", *master).strip().isdigit(), path
    new = said(':put [/ppp secret add name="open ssh" password=x comment="a \\"b\\" \\$c"]', *master).strip()
    assert new.startswith("*"), new
    assert said(f":put [/ppp secret get {new} comment]", *master) == 'a "b" $c\r\n'
    assert said(f"/ppp secret remove {new}", *master) == ""
    assert said(f"/ppp secret remove {new}", *master) == "no such item\r\n"
    subprocess.run(["ssh", "-F", "none", control, "-O", "exit", host], capture_output=True, check=True)


def check_a_key_logs_in_and_ends_the_password():
    if not router.at_least(7, 0):
        # Version 6 takes keys from files only, and the simulator has none.
        return
    key = place / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    router.post("/administer", command="/user/add", attributes={"name": "keyed", "group": "full", "password": "pw"})
    assert said(":put 1", user="keyed", password="pw") == "1\r\n"
    router.post("/administer", command="/user/ssh-keys/add", attributes={"user": "keyed", "key": public})
    assert said(":put 2", "-i", str(key), "-oPreferredAuthentications=publickey", user="keyed") == "2\r\n"
    status, out, errors = ssh(":put 3", user="keyed", password="pw")
    assert (status, out) == (255, "") and "Permission denied" in errors, (status, out, errors)


run(globals(), f"OpenSSH on {router.version}")
