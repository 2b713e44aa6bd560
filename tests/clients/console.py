#!/usr/bin/env python3
"""paramiko on a router's console: console.py HOST PORT USER PASSWORD VERSION [MENU...]

Reads the menus that it is given. Adds what it needs under names of its own and takes it away again. Leaves with 0 when all was as it should be, 1 when
something was not, 2 when it was called wrongly. Needs paramiko; for RouterOS 6 one before 4, which still knows ssh-rsa.
"""

import json
import sys

import paramiko

MARK = "console-py"


class Console:
    def __init__(self, host, port, user, password):
        self.client = paramiko.SSHClient()
        # Which key the router shows is not what is tried here.
        self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        self.client.connect(
            host,
            port=port,
            username=user,
            password=password,
            allow_agent=False,
            look_for_keys=False,
            timeout=30,
            banner_timeout=30,
            auth_timeout=30,
        )

    def run(self, line, any_line_end=False):
        """What a line prints, as text with plain line ends."""
        _, stdout, stderr = self.client.exec_command(line, timeout=60)
        printed = stdout.read().decode("utf-8", "replace")
        status = stdout.channel.recv_exit_status()
        check(status == 0, f"exit status {status} of {line}")
        check(stderr.read() == b"", f"something on the standard error of {line}")
        bare = "\n" in printed.replace("\r\n", "")
        check(any_line_end or not bare, f"a bare line end from {line}")
        return printed.replace("\r\n", "\n").removesuffix("\n")


checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        print(f"console.py: {what}", file=sys.stderr)
        sys.exit(1)


def expect(console, line, wanted):
    printed = console.run(line)
    check(printed == wanted, f"{line}\n  printed {printed!r}\n  instead of {wanted!r}")


def quote(text):
    """Any text as one word of the console."""
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return '"' + "".join(chr(b) if chr(b) in plain else f"\\{b:02X}" for b in text.encode()) + '"'


def rows(console):
    menu = "/ip firewall address-list"
    own = f"[find list={MARK}]"
    console.run(f"{menu} remove {own}")
    first = console.run(f":put [{menu} add list={MARK} address=192.0.2.1 comment=one]")
    check(first.startswith("*"), f"add answered {first!r} and no id")
    expect(console, f"{menu} add list={MARK} address=192.0.2.2", "")
    expect(console, f"{menu} add list={MARK} address=192.0.2.1", "failure: already have such entry")
    expect(console, f":put [{menu} print count-only where list={MARK}]", "2")
    expect(console, f":put [:len {own.replace('find', menu + ' find')}]", "2")
    expect(console, f":put [{menu} get {first} address]", "192.0.2.1")
    expect(console, f':put [{menu} get [find list={MARK} address="192.0.2.1"] comment]', "one")
    expect(console, f"{menu} set {first} comment={quote('two')} disabled=yes", "")
    expect(console, f":put [{menu} get {first} disabled]", "true")
    expect(console, f"{menu} enable {first}", "")
    expect(console, f':put [:len [{menu} find where list={MARK} and comment~"^t" and !disabled]]', "1")
    listed = console.run(f"{menu} print terse where list={MARK}").split("\n")
    check(len(listed) == 2 and "comment=two" in listed[0], f"terse printed {listed!r}")
    detail = console.run(f"{menu} print detail where list={MARK}")
    check(";;; two" in detail, f"detail printed {detail!r}")
    expect(console, f"{menu} print as-value where list={MARK}", "")
    as_value = console.run(f":put [{menu} print as-value where list={MARK}]")
    check(f".id={first};" in as_value, f"as-value printed {as_value!r}")
    framed = console.run(
        f":foreach i in=[{menu} find list={MARK}] do={{ :put ([:tostr $i] . \"\\t\" . [{menu} get $i address]) }}"
    )
    check(framed.split("\n")[0] == f"{first}\t192.0.2.1", f":foreach printed {framed!r}")
    expect(console, f"{menu} remove {first}", "")
    expect(console, f"{menu} remove {first}", "no such item")
    expect(console, f"{menu} remove {own}", "")
    expect(console, f"{menu} remove {own}", "")


HOSTILE = [
    "plain",
    'quotes " and \' and `',
    "a dollar $x $(1+1) $[/system identity print]",
    "[/system identity print] {1;2} ; # \\",
    '"]; /system identity set name=lost; ["',
    "Кириллица ё ß 漢字",
    "two\nlines\r\nand a\ttab",
    "=a=b ?q *1 !x ~ ^ | & < >",
]


def hostile_names(console):
    identity = console.run(":put [/system identity get name]")
    menu = "/ip firewall address-list"
    made = console.run(f":put [{menu} add list={MARK} address=192.0.2.9]")
    for text in HOSTILE:
        expect(console, f"{menu} set {made} comment={quote(text)}", "")
        printed = console.run(f":put [{menu} get {made} comment]", any_line_end=True)
        check(printed == text.replace("\r\n", "\n"), f"{text!r} came back as {printed!r}")
        expect(console, f":put [:len [{menu} find where comment={quote(text)}]]", "1")
    expect(console, f"{menu} remove {made}", "")
    expect(console, ":put [/system identity get name]", identity)


def errors(console, version):
    expect(console, "/nonsense print", "bad command name nonsense (line 1 column 2)")
    expect(console, ':put "a"; :put "unfinished', "syntax error (line 1 column 16)")
    answer = console.run("/ip firewall address-list add colour=red")
    wanted = "bad parameter colour" if version >= (7, 20) else "expected end of command"
    check(answer == f"{wanted} (line 1 column 31)", f"an unknown argument was answered {answer!r}")
    expect(console, ':do { :error "x" } on-error={ :put caught }', "caught")
    if version >= (7, 13):
        expect(console, ':onerror e in={ :error "x" } do={ :put $e }', "x")


def records(console, version):
    expect(console, ':put [:len [:toarray "a,b,c"]]', "3")
    expect(console, ':put [:pick "abcdef" 1 3]', "bc")
    expect(console, ":put [:typeof $nothing]", "nothing")
    if version >= (7, 16):
        line = ":put [:serialize to=json value=[/interface print as-value] options=json.no-string-conversion]"
        interfaces = json.loads(console.run(line))
        check(any(row["name"] == "ether1" for row in interfaces), f"{interfaces!r}")


def menus(console, paths):
    """Each menu in each layout: nothing is there that the console can't print."""
    for path in paths:
        spaced = "/" + path.strip("/").replace("/", " ")
        for written in [path, spaced]:
            counted = console.run(f":put [:len [{written} print as-value]]")
            check(counted.isdigit(), f"{written} print as-value has the length {counted!r}")
        for layout in ["print", "print detail", "print terse", "print without-paging"]:
            printed = console.run(f"{spaced} {layout}", any_line_end=True)
            for bad in ["bad command", "syntax error", "expected", "the simulator does not know", "no such"]:
                check(bad not in printed, f"{spaced} {layout} printed {printed!r}")


def main():
    if len(sys.argv) < 6:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    host, port, user, password, version, *paths = sys.argv[1:]
    version = tuple(int(part) for part in version.split(".")[:2])
    if version < (7, 0) and int(paramiko.__version__.split(".")[0]) > 3:
        print("console.py: this paramiko does not speak to RouterOS 6; take one before 4", file=sys.stderr)
        sys.exit(2)
    console = Console(host, int(port), user, password)
    menus(console, paths)
    rows(console)
    hostile_names(console)
    errors(console, version)
    records(console, version)
    console.client.close()
    print(f"console.py: {checks} checks passed")


main()
