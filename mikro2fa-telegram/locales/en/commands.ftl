# What commands show; errors; the lists of commands; the menu.

sessions-view = Your sessions: { $count }
sessions-line = { $account }, { $router }: { $state } until { $until }.
sessions-line-now = { $account }, { $router }: { $state }.
sessions-none = You have no open sessions.
state-requested = waiting for your connection
state-challenged = waiting for your answer
state-opening = opening
state-active = open
state-expiring = open, ending soon
state-grace = disconnected, may resume
status-view = { $name }
    .where = Accounts: { $accounts }. Open sessions: { $count }.
status-router-up = { $router }: reachable.
status-router-away = { $router }: no contact since { $at }.
status-settings = Language { $language }, time { $zone }.
disable-choose = Turn off your VPN access?
    .where = “Now” ends and cuts your open sessions ({ $count }). “No new ones” lets them run to their end. Either way you can request access again at any time.
disabled-now-done = Access is off
    .where = Sessions ended: { $count }; requests cancelled. { $pending }
disabled-pending = { $router } is out of contact; what ends there ends when it is back, or by itself when its permit runs out.
disabled-new = No new connections
    .where = Open sessions run on until { $until }; after that, request access first.
language-choose = Language?
zone-choose = Your time zone? Send an offset such as +3. Now: { $now }.
zone-bad = That is no offset from UTC. Send one such as +3, -5 or +5:30.
whoami = Telegram id { $id }, chat { $chat }. Linked as { $name } since { $at }.
help =
    How it works:
    1. Tap “Request access”.
    2. Connect.
    3. Open this chat and answer.

    Never tap “Yes” if you did not just connect. Nobody will ever ask you for a code or a tap by phone.

    /my_sessions, /extend, /disable_vpn, /status, /language.
cancelled = Stopped.
cancel-nothing = There is nothing to stop.
not-understood = I don't know that. /help shows what I can do.
error-try-again = That did not work; nothing was changed. Please try again in a minute. ({ $code })
view-expired = This list is old. Please open it again.
word-caller-none = (not given)
card-moved = Continued below.
extend-none = You have no open session that could be extended.
extend-choose = Which session?

menu-request = Request access
menu-sessions = My sessions
menu-status = Status
menu-off = Turn off access
menu-admin = Administration
menu-admin-view = Administration

command-start = Start / link this chat
command-request-vpn = Request access before connecting
command-my-sessions = Show my sessions, end one
command-extend = Extend an open session
command-status = Show my accounts and routers
command-disable-vpn = Turn off my VPN access
command-language = Choose language and time zone
command-register = Ask to be let in (while not approved)
command-whoami = Show what this chat is linked to
command-help = Explain how it works
command-cancel = Stop what I am asking
command-pending = Show requests to join
command-approve = Approve a request
command-reject = Reject a request
command-sessions = Show live sessions, end one
command-bans = Show locks, lift one
command-routers = Show routers, run a check
