# Buttons. Plain text. A button says what its tap does.

button-yes = Yes, it was me
button-no = No, not me
button-ask-again = It is me, ask again
button-ask-now = It was me, ask me now
button-not-me = Not me
button-not-me-close = Not me, close it
button-mistake = I tapped by mistake
button-cancel-request = Cancel request
button-request-again = Request again
button-request-access = Request access
button-choose-account = { $account }, { $router }
button-back = Back
button-next = Next
button-cancel = Cancel
button-end-now = End now
button-end-account = End { $account }
button-show = Show
button-extend-hours = { $count ->
        [one] +{ $count } hour, to { $until }
       *[other] +{ $count } hours, to { $until }
    }
button-extend-minutes = +{ $count } min, to { $until }
button-take-back = Take it back
button-not-agreed = This was not agreed
button-language-time = Language and time
button-end-everything = Now: end everything
button-no-new = No new ones
button-keep-zone = Keep { $zone }
button-english = English
button-russian = Русский

button-undo-unlock = Undo: unlock { $account }
button-keep-locked = Keep locked
button-unlock = Unlock { $account }
button-unlock-now = Unlock now
button-restore-new-link = Restore new link
button-go-back-link = Go back
button-unlink = Unlink
button-approve = Approve
button-reject = Reject
button-approve-confirm = Approve { $name }
button-approve-with = Approve with { $account }
button-approve-none = Approve without an account
button-reject-confirm = Reject { $name }
