# Asking for access.

card-requested-preparing = Preparing { $account } on { $router }
    .where = Please do not connect yet.
card-requested-ready = Connect now: { $account }, { $router }
    .where = by { $until } ({ $left })
    .body = Then open this chat: I ask whether it was you.
card-requested-unreachable = No contact with { $router } right now
    .where = Your request for { $account } is kept until { $until }.
    .body = Connecting does not work before I write “Connect now”.
request-choose = { $pages ->
        [1] Which account?
       *[other] Which account? { $page } of { $pages }
    }
request-exists = Already open; see below.
request-no-account = You have no account yet. Please ask your administrator.
request-refused = { $why ->
        [denied-ban] { $account } is locked after “not me”; only an administrator can unlock it.
        [disabled-on-router] { $account } was switched off on the router by an administrator.
        [router-removed] { $router } is no longer served.
        [limit] Open sessions: { $count }, the most allowed.
       *[suspended] Your access is paused.
    }
ended-never-connected = Request for { $account } ended
    .where = Nobody connected by { $until }.
ended-request-cancelled = Request for { $account } cancelled
