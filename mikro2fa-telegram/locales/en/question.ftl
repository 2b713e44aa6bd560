# The question, its answers, "not me". Lines 1 and 2 (the value and .where) are what a lock screen shows.

card-question = Was it you? { $account } on { $router }
    .where = { $caller-kind ->
            [none] { question-caller-none }
            [private] { question-caller-private }
           *[known] From { $caller }
        }, { $service }, { $at }. { $first-time }
    .body =
        Until you answer, this connection reaches nothing. Please answer by { $deadline }.
        If you did not just connect, tap “No”: we cut it, lock the account and tell the administrator.
card-question-adopt = Is this you? { $account } on { $router }
    .where = { $caller-kind ->
            [none] Connected from an unknown address
            [private] Connected from { $caller }, a local address,
           *[known] Connected from { $caller }
        } since { $at }.
    .body =
        VPN confirmation was just switched on. Until you answer, this connection reaches nothing. Please answer by { $deadline }.
        If this is not you, tap “No”: we cut it, lock the account and tell the administrator.
card-question-second = Was this you too? { $account } on { $router }
    .where = { $caller-kind ->
            [none] Second connection, from an unknown address
            [private] Second connection, from { $caller }, a local address
           *[known] Second connection, from { $caller }
        }, { $service }, { $at }.
    .body =
        The open one is from { $other-caller }. “Yes” opens this one and closes the other. Please answer by { $deadline }.
card-unrequested = Not requested: { $account } on { $router }
    .where = { $caller-kind ->
            [none] { question-caller-none }
            [private] { question-caller-private }
           *[known] From { $caller }
        }, { $service }, { $at }. { $first-time }
    .body = It is held and reaches nothing. Was it you?
question-caller-none = From an unknown address
question-caller-private = From { $caller }, a local address
question-first-time = First time from this address.
question-early = Your request was not ready yet, so look twice.
question-observe = Trial run: nothing is blocked, whatever you answer.
question-again = Asked again, { $n } of { $max }.
question-replaced = There is a newer connection; the question is now about it. Other attempts: { $count }.
question-after-gap = Telegram was out of reach for a while. If you have answered already, please tap once more.
ended-unanswered = No answer: { $account } on { $router }
    .where = Not opened. From { $caller }, { $at }.
    .body = Still connected? Tap “It is me” and I ask once more.
ended-undeliverable = A question did not reach you: { $account } on { $router }
    .where = { $at }, from { $caller }. Not opened.
    .body = Still connected? Tap “It is me” and I ask once more.

answer-yes = Opening.
answer-no = Closing.
answer-no-trial = Noted. Nothing is closed: trial run.
answer-late = Too late: this question closed at { $deadline }. Nothing was opened.
answer-stale = This question is closed. Nothing changed.
answer-not-yours = This button does not work here.
answer-already = You have already answered.
answer-slow-down = One moment, please.
answer-extended = Extended to { $until }.
answer-extend-late = The session has ended.
answer-extend-used = Already extended to { $until }.
answer-extend-limit = The most is { $until }.
card-opening = Opening: { $account } on { $router }
    .where = Usually a second or two.
card-opening-unreachable = Your answer is kept: { $account } on { $router }
    .where = No contact with the router; I open when it is back.
    .body = Only if the connection is then still the same.

card-denied = Closed and reported: { $account } on { $router }
    .where = From { $caller }, { $at }.
    .body =
        The connection is { $closing }. { $account } is locked until an administrator unlocks it.
        Somebody may know your password: please change it.
card-denied-trial = Reported: { $account } on { $router }
    .where = From { $caller }, { $at }.
    .body =
        Trial run: nothing was closed, the connection goes on. The administrator has been told.
        Somebody may know your password: please change it.
card-denied-mistake = Noted: tapped by mistake. The administrator has been asked to unlock.
denied-undone = { $account } is unlocked
    .where = By { $operator }, { $at }. To connect, request access again.
closing-pending = being cut
closing-done = cut
closing-unreachable-soon = not reachable yet and will be cut first thing
