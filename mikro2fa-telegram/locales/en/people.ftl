# First contact, linking, registration. HTML: b i u s code pre blockquote, no links.

unknown = This is a private service. If you have a link or a code, open the link or send the code here.
unknown-register =
    This is a private service. If you have a link or a code, open the link or send the code here.
    To ask for access, send /register.
linked = This chat is now linked to { $person }
    .where = Questions about { $accounts } come here.
    .body = This chat is your second key: please turn on two-step verification in Telegram's privacy settings.
linked-no-account = This chat is now linked to { $person }
    .where = An administrator still has to give you an account. I will write when it is there.
    .body = This chat is your second key: please turn on two-step verification in Telegram's privacy settings.
code-refused = This code does not work. Ask your administrator for a new one.
relinked-old-chat = Your VPN access was moved to another Telegram
    .where = { $at }.
    .body = This chat gets no more questions. If nobody asked you, say so: your access is paused until an administrator has looked.
relinked-noted = Your access is paused. An administrator has been told that the new link is not yours.
unlinked = This chat is not linked any more.
account-bound = { $account } on { $router } is now yours.
account-unbound = { $account } on { $router } is no longer yours. Its session was closed.
suspended = Your access is paused by an administrator. { $reason }
resumed = Your access is back.

register-name = Please send your name as your administrator knows it: one line, 2 to 64 characters. /cancel to stop.
register-name-bad = That doesn't look like a name. One line, 2 to 64 characters.
register-sent = Request sent: { $name }
    .where = An administrator will look at it. The answer comes here.
register-pending = Your request of { $at } is still waiting.
register-withdrawn = Your request is taken back.
register-approved = You are approved, { $name }
    .where = Your accounts: { $accounts }.
    .body = Before connecting, tap “Request access”. After connecting, open this chat: I ask whether it was you.
register-approved-no-account = You are approved, { $name }
    .where = An administrator still has to give you an account. I will write when it is there.
register-rejected = Your request was not approved
    .where = { $reason }
