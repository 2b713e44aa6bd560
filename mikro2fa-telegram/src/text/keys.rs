//! Every text there is: its name, where it stands, its parts and its variables. The one table that the validator, sample
//! values and tests are made from.

/// Where a text stands, which decides what may be in it and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A message with a bold first line, a second line (`where`) and more below (`body`).
    Card,
    /// The same, to operators.
    Alert,
    /// A message of one piece.
    Text,
    /// A whole sentence that stands in another message.
    Piece,
    /// A word or two that stand in another message.
    Word,
    /// The answer to a tap: plain, no markup.
    Toast,
    /// What stands on a button: plain, no markup.
    Label,
    /// A command's description: plain, no markup.
    Command,
}

impl Form {
    /// Is it sent as HTML?
    pub const fn is_html(self) -> bool {
        matches!(self, Self::Card | Self::Alert | Self::Text | Self::Piece)
    }
}

/// What is known of a text beside its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its name in the Fluent resources.
    pub name: &'static str,
    /// Where it stands.
    pub form: Form,
    /// Its parts beside the first line.
    pub parts: &'static [&'static str],
    /// The variables that its words may name.
    pub variables: &'static [&'static str],
    /// The variables that its words must name, also when somebody edits them.
    pub required: &'static [&'static str],
}

macro_rules! keys {
    ($($key:ident = $name:literal, $form:ident, $parts:tt, $variables:tt, $required:tt;)*) => {
        /// The name of a text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $(#[doc = concat!("`", $name, "`")] $key,)*
        }

        impl Key {
            /// All texts, in the order of the resources.
            pub const ALL: &'static [Self] = &[$(Self::$key,)*];

            /// What is known of it.
            pub const fn spec(self) -> Spec {
                match self {
                    $(Self::$key => Spec {
                        name: $name,
                        form: Form::$form,
                        parts: &$parts,
                        variables: &$variables,
                        required: &$required,
                    },)*
                }
            }
        }
    };
}

keys! {
    // people.ftl
    Unknown = "unknown", Text, [], [], [];
    UnknownRegister = "unknown-register", Text, [], [], [];
    Linked = "linked", Card, ["where", "body"], ["person", "accounts"], [];
    LinkedNoAccount = "linked-no-account", Card, ["where", "body"], ["person"], [];
    CodeRefused = "code-refused", Text, [], [], [];
    RelinkedOldChat = "relinked-old-chat", Card, ["where", "body"], ["at"], [];
    RelinkedNoted = "relinked-noted", Text, [], [], [];
    Unlinked = "unlinked", Text, [], [], [];
    AccountBound = "account-bound", Text, [], ["account", "router"], [];
    AccountUnbound = "account-unbound", Text, [], ["account", "router"], [];
    Suspended = "suspended", Text, [], ["reason"], [];
    Resumed = "resumed", Text, [], [], [];
    RegisterName = "register-name", Text, [], [], [];
    RegisterNameBad = "register-name-bad", Text, [], [], [];
    RegisterSent = "register-sent", Card, ["where"], ["name"], [];
    RegisterPending = "register-pending", Text, [], ["at"], [];
    RegisterWithdrawn = "register-withdrawn", Text, [], [], [];
    RegisterApproved = "register-approved", Card, ["where", "body"], ["name", "accounts"], [];
    RegisterApprovedNoAccount = "register-approved-no-account", Card, ["where"], ["name"], [];
    RegisterRejected = "register-rejected", Card, ["where"], ["reason"], [];
    // access.ftl
    CardRequestedPreparing = "card-requested-preparing", Card, ["where"], ["account", "router"], [];
    CardRequestedReady = "card-requested-ready", Card, ["where", "body"], ["account", "router", "until", "left"], [];
    CardRequestedUnreachable = "card-requested-unreachable", Card, ["where", "body"], ["router", "account", "until"], [];
    RequestChoose = "request-choose", Text, [], ["pages", "page"], [];
    RequestExists = "request-exists", Toast, [], [], [];
    RequestNoAccount = "request-no-account", Text, [], [], [];
    RequestRefused = "request-refused", Text, [], ["why", "account", "router", "count"], [];
    EndedNeverConnected = "ended-never-connected", Card, ["where"], ["account", "until"], [];
    EndedRequestCancelled = "ended-request-cancelled", Card, [], ["account"], [];
    // question.ftl
    CardQuestion = "card-question", Card, ["where", "body"], ["account", "router", "caller-kind", "caller", "service", "at", "first-time", "deadline"], ["account", "router", "caller", "at"];
    CardQuestionAdopt = "card-question-adopt", Card, ["where", "body"], ["account", "router", "caller-kind", "caller", "at", "deadline"], ["account", "router", "caller", "at"];
    CardQuestionSecond = "card-question-second", Card, ["where", "body"], ["account", "router", "caller-kind", "caller", "service", "at", "other-caller", "deadline"], ["account", "router", "caller", "at"];
    CardUnrequested = "card-unrequested", Card, ["where", "body"], ["account", "router", "caller-kind", "caller", "service", "at", "first-time"], ["account", "router", "caller", "at"];
    QuestionCallerNone = "question-caller-none", Piece, [], [], [];
    QuestionCallerPrivate = "question-caller-private", Piece, [], ["caller"], [];
    QuestionFirstTime = "question-first-time", Piece, [], [], [];
    QuestionEarly = "question-early", Piece, [], [], [];
    QuestionObserve = "question-observe", Piece, [], [], [];
    QuestionAgain = "question-again", Piece, [], ["n", "max"], [];
    QuestionReplaced = "question-replaced", Piece, [], ["count"], [];
    QuestionAfterGap = "question-after-gap", Piece, [], [], [];
    EndedUnanswered = "ended-unanswered", Card, ["where", "body"], ["account", "router", "caller", "at"], [];
    EndedUndeliverable = "ended-undeliverable", Card, ["where", "body"], ["account", "router", "at", "caller"], [];
    AnswerYes = "answer-yes", Toast, [], [], [];
    AnswerNo = "answer-no", Toast, [], [], [];
    AnswerNoTrial = "answer-no-trial", Toast, [], [], [];
    AnswerLate = "answer-late", Toast, [], ["deadline"], [];
    AnswerStale = "answer-stale", Toast, [], [], [];
    AnswerNotYours = "answer-not-yours", Toast, [], [], [];
    AnswerAlready = "answer-already", Toast, [], [], [];
    AnswerSlowDown = "answer-slow-down", Toast, [], [], [];
    AnswerExtended = "answer-extended", Toast, [], ["until"], [];
    AnswerExtendLate = "answer-extend-late", Toast, [], [], [];
    AnswerExtendUsed = "answer-extend-used", Toast, [], ["until"], [];
    AnswerExtendLimit = "answer-extend-limit", Toast, [], ["until"], [];
    CardOpening = "card-opening", Card, ["where"], ["account", "router"], [];
    CardOpeningUnreachable = "card-opening-unreachable", Card, ["where", "body"], ["account", "router"], [];
    CardDenied = "card-denied", Card, ["where", "body"], ["account", "router", "caller", "at", "closing"], [];
    CardDeniedTrial = "card-denied-trial", Card, ["where", "body"], ["account", "router", "caller", "at"], [];
    CardDeniedMistake = "card-denied-mistake", Piece, [], [], [];
    DeniedUndone = "denied-undone", Card, ["where"], ["account", "operator", "at"], [];
    ClosingPending = "closing-pending", Word, [], [], [];
    ClosingDone = "closing-done", Word, [], [], [];
    ClosingUnreachableSoon = "closing-unreachable-soon", Word, [], [], [];
    // session.ftl
    CardResumed = "card-resumed", Card, ["where"], ["account", "router", "caller", "at", "until", "left"], [];
    SecondRefused = "second-refused", Card, ["where"], ["account", "caller", "at"], [];
    Cooldown = "cooldown", Card, ["where"], ["account", "router", "count", "until"], [];
    BannedUnanswered = "banned-unanswered", Card, ["where", "body"], ["until", "account", "caller", "count"], [];
    BanLifted = "ban-lifted", Text, [], ["account"], [];
    CardActive = "card-active", Card, ["where"], ["account", "router", "until", "left", "caller", "at"], ["account", "until"];
    CardExtended = "card-extended", Piece, [], ["added"], [];
    ActiveUnreachable = "active-unreachable", Piece, [], [], [];
    ActiveLetIn = "active-let-in", Piece, [], ["operator", "reason"], [];
    CardReminder = "card-reminder", Card, ["where"], ["until", "account", "router", "left"], ["account", "until"];
    ReminderLast = "reminder-last", Card, ["where", "body"], ["until", "account", "router", "left"], [];
    CardGrace = "card-grace", Card, ["where"], ["account", "router", "grace-until"], [];
    EndedExpired = "ended-expired", Card, ["where"], ["account", "router", "span"], [];
    EndedByUser = "ended-by-user", Card, ["where"], ["account", "router", "span"], [];
    EndedByOperator = "ended-by-operator", Card, ["where", "body"], ["account", "router", "span", "reason"], [];
    EndedTunnelGone = "ended-tunnel-gone", Card, ["where"], ["account", "router", "span"], [];
    EndedReplaced = "ended-replaced", Card, ["where"], ["account", "router", "span"], [];
    EndedBanned = "ended-banned", Card, ["where"], ["account", "router", "span"], [];
    EndedUserSuspended = "ended-user-suspended", Card, ["where"], ["account", "router", "span"], [];
    EndedAccountUnlinked = "ended-account-unlinked", Card, ["where"], ["account", "router", "span"], [];
    EndedAccountGone = "ended-account-gone", Card, ["where"], ["account", "router", "span"], [];
    EndedDisabledOnRouter = "ended-disabled-on-router", Card, ["where"], ["account", "router", "span"], [];
    EndedShutByRouter = "ended-shut-by-router", Card, ["where"], ["account", "router", "span"], [];
    EndedRouterRemoved = "ended-router-removed", Card, ["where"], ["account", "router", "span"], [];
    EndedUnrequested = "ended-unrequested", Card, ["where"], ["account", "router", "span"], [];
    EndedTunnelGoneEarly = "ended-tunnel-gone-early", Card, ["where"], ["account", "router"], [];
    EndedNotOpened = "ended-not-opened", Card, ["where"], ["account", "router"], [];
    ObserveWould = "observe-would", Piece, [], [], [];
    // commands.ftl
    SessionsView = "sessions-view", Card, [], ["count"], [];
    SessionsLine = "sessions-line", Piece, [], ["account", "router", "state", "until"], [];
    SessionsLineNow = "sessions-line-now", Piece, [], ["account", "router", "state"], [];
    SessionsNone = "sessions-none", Text, [], [], [];
    StateRequested = "state-requested", Word, [], [], [];
    StateChallenged = "state-challenged", Word, [], [], [];
    StateOpening = "state-opening", Word, [], [], [];
    StateActive = "state-active", Word, [], [], [];
    StateExpiring = "state-expiring", Word, [], [], [];
    StateGrace = "state-grace", Word, [], [], [];
    StatusView = "status-view", Card, ["where"], ["name", "accounts", "count"], [];
    StatusRouterUp = "status-router-up", Piece, [], ["router"], [];
    StatusRouterAway = "status-router-away", Piece, [], ["router", "at"], [];
    StatusSettings = "status-settings", Piece, [], ["language", "zone"], [];
    DisableChoose = "disable-choose", Card, ["where"], ["count"], [];
    DisabledNowDone = "disabled-now-done", Card, ["where"], ["count", "pending"], [];
    DisabledPending = "disabled-pending", Piece, [], ["router"], [];
    DisabledNew = "disabled-new", Card, ["where"], ["until"], [];
    LanguageChoose = "language-choose", Text, [], [], [];
    ZoneChoose = "zone-choose", Text, [], ["now"], [];
    ZoneBad = "zone-bad", Text, [], [], [];
    Whoami = "whoami", Text, [], ["id", "chat", "name", "at"], [];
    Help = "help", Text, [], [], [];
    Cancelled = "cancelled", Text, [], [], [];
    CancelNothing = "cancel-nothing", Text, [], [], [];
    NotUnderstood = "not-understood", Text, [], [], [];
    ErrorTryAgain = "error-try-again", Text, [], ["code"], [];
    ViewExpired = "view-expired", Toast, [], [], [];
    WordCallerNone = "word-caller-none", Word, [], [], [];
    CardMoved = "card-moved", Text, [], [], [];
    ExtendNone = "extend-none", Text, [], [], [];
    ExtendChoose = "extend-choose", Text, [], [], [];
    MenuRequest = "menu-request", Label, [], [], [];
    MenuSessions = "menu-sessions", Label, [], [], [];
    MenuStatus = "menu-status", Label, [], [], [];
    MenuOff = "menu-off", Label, [], [], [];
    MenuAdmin = "menu-admin", Label, [], [], [];
    MenuAdminView = "menu-admin-view", Card, [], [], [];
    CommandStart = "command-start", Command, [], [], [];
    CommandRequestVpn = "command-request-vpn", Command, [], [], [];
    CommandMySessions = "command-my-sessions", Command, [], [], [];
    CommandExtend = "command-extend", Command, [], [], [];
    CommandStatus = "command-status", Command, [], [], [];
    CommandDisableVpn = "command-disable-vpn", Command, [], [], [];
    CommandLanguage = "command-language", Command, [], [], [];
    CommandRegister = "command-register", Command, [], [], [];
    CommandWhoami = "command-whoami", Command, [], [], [];
    CommandHelp = "command-help", Command, [], [], [];
    CommandCancel = "command-cancel", Command, [], [], [];
    CommandPending = "command-pending", Command, [], [], [];
    CommandApprove = "command-approve", Command, [], [], [];
    CommandReject = "command-reject", Command, [], [], [];
    CommandSessions = "command-sessions", Command, [], [], [];
    CommandBans = "command-bans", Command, [], [], [];
    CommandRouters = "command-routers", Command, [], [], [];
    // buttons.ftl
    ButtonYes = "button-yes", Label, [], [], [];
    ButtonNo = "button-no", Label, [], [], [];
    ButtonAskAgain = "button-ask-again", Label, [], [], [];
    ButtonAskNow = "button-ask-now", Label, [], [], [];
    ButtonNotMe = "button-not-me", Label, [], [], [];
    ButtonNotMeClose = "button-not-me-close", Label, [], [], [];
    ButtonMistake = "button-mistake", Label, [], [], [];
    ButtonCancelRequest = "button-cancel-request", Label, [], [], [];
    ButtonRequestAgain = "button-request-again", Label, [], [], [];
    ButtonRequestAccess = "button-request-access", Label, [], [], [];
    ButtonChooseAccount = "button-choose-account", Label, [], ["account", "router"], [];
    ButtonBack = "button-back", Label, [], [], [];
    ButtonNext = "button-next", Label, [], [], [];
    ButtonCancel = "button-cancel", Label, [], [], [];
    ButtonEndNow = "button-end-now", Label, [], [], [];
    ButtonEndAccount = "button-end-account", Label, [], ["account"], [];
    ButtonShow = "button-show", Label, [], [], [];
    ButtonExtendHours = "button-extend-hours", Label, [], ["count", "until"], [];
    ButtonExtendMinutes = "button-extend-minutes", Label, [], ["count", "until"], [];
    ButtonTakeBack = "button-take-back", Label, [], [], [];
    ButtonNotAgreed = "button-not-agreed", Label, [], [], [];
    ButtonLanguageTime = "button-language-time", Label, [], [], [];
    ButtonEndEverything = "button-end-everything", Label, [], [], [];
    ButtonNoNew = "button-no-new", Label, [], [], [];
    ButtonKeepZone = "button-keep-zone", Label, [], ["zone"], [];
    ButtonEnglish = "button-english", Label, [], [], [];
    ButtonRussian = "button-russian", Label, [], [], [];
    ButtonUndoUnlock = "button-undo-unlock", Label, [], ["account"], [];
    ButtonKeepLocked = "button-keep-locked", Label, [], [], [];
    ButtonUnlock = "button-unlock", Label, [], ["account"], [];
    ButtonUnlockNow = "button-unlock-now", Label, [], [], [];
    ButtonRestoreNewLink = "button-restore-new-link", Label, [], [], [];
    ButtonGoBackLink = "button-go-back-link", Label, [], [], [];
    ButtonUnlink = "button-unlink", Label, [], [], [];
    ButtonApprove = "button-approve", Label, [], [], [];
    ButtonReject = "button-reject", Label, [], [], [];
    ButtonApproveConfirm = "button-approve-confirm", Label, [], ["name"], [];
    ButtonApproveWith = "button-approve-with", Label, [], ["account"], [];
    ButtonApproveNone = "button-approve-none", Label, [], [], [];
    ButtonRejectConfirm = "button-reject-confirm", Label, [], ["name"], [];
    // alerts.ftl
    AlertDenied = "alert-denied", Alert, ["where", "body"], ["person", "account", "router", "caller", "service", "at", "answered", "before", "others", "remark"], [];
    AlertDeniedBefore = "alert-denied-before", Piece, [], ["last-caller", "last-at"], [];
    AlertDeniedOthers = "alert-denied-others", Piece, [], ["caller", "others"], [];
    AlertDeniedMistake = "alert-denied-mistake", Piece, [], ["person"], [];
    AlertBanned = "alert-banned", Alert, ["where"], ["until", "account", "router", "caller", "count"], [];
    AlertBannedOver = "alert-banned-over", Piece, [], ["account", "router"], [];
    AlertCooldown = "alert-cooldown", Alert, ["where"], ["account", "router", "count"], [];
    AlertRouterAway = "alert-router-away", Alert, ["where"], ["router", "at", "error-kind"], [];
    AlertRouterBack = "alert-router-back", Alert, ["where"], ["router", "left"], [];
    AlertGateBroken = "alert-gate-broken", Alert, ["where"], ["router", "finding"], [];
    AlertGateRepaired = "alert-gate-repaired", Alert, ["where"], ["router", "at", "who"], [];
    AlertGateBy = "alert-gate-by", Piece, [], ["who"], [];
    AlertDriftClosed = "alert-drift-closed", Alert, ["where"], ["router", "what", "at"], [];
    AlertDriftRespected = "alert-drift-respected", Alert, ["where"], ["router", "what", "ended"], [];
    AlertShutByRouter = "alert-shut-by-router", Alert, ["where"], ["router", "what"], [];
    AlertDriftEnded = "alert-drift-ended", Piece, [], ["account"], [];
    AlertForeignPermit = "alert-foreign-permit", Alert, ["where"], ["router", "address", "comment"], [];
    AlertEmergency = "alert-emergency", Alert, ["where"], ["router", "address", "until"], [];
    AlertNotOpened = "alert-not-opened", Alert, ["where"], ["account", "router", "why", "person"], [];
    AlertUserUnreachable = "alert-user-unreachable", Alert, ["where"], ["person", "why"], [];
    AlertBotConflict = "alert-bot-conflict", Alert, ["where"], [], [];
    AlertUnowned = "alert-unowned", Alert, ["where"], ["router", "count", "accounts"], [];
    AlertRelink = "alert-relink", Alert, ["where"], ["person", "id", "at"], [];
    AlertLinked = "alert-linked", Alert, ["where"], ["person", "tg-name", "id", "at"], [];
    AlertRegistration = "alert-registration", Alert, ["where"], ["name", "tg-name", "id", "at"], [];
    AlertFound = "alert-found", Alert, ["where"], ["router", "what", "at"], [];
    AlertNotMended = "alert-not-mended", Alert, ["where"], ["router", "what", "at"], [];
    AlertSolved = "alert-solved", Piece, [], ["operator", "at", "act"], [];
    AlertRepeated = "alert-repeated", Piece, [], ["count", "at"], [];
    ActKeptLocked = "act-kept-locked", Word, [], [], [];
    ActUnlocked = "act-unlocked", Word, [], [], [];
    ActApproved = "act-approved", Word, [], [], [];
    ActRejected = "act-rejected", Word, [], [], [];
    ActWithdrawn = "act-withdrawn", Word, [], [], [];
    ActUnlinked = "act-unlinked", Word, [], [], [];
    ActLinkKept = "act-link-kept", Word, [], [], [];
    ActLinkBack = "act-link-back", Word, [], [], [];
    ConfirmApprove = "confirm-approve", Card, ["where"], ["object"], ["object"];
    ConfirmReject = "confirm-reject", Card, ["where"], ["object"], ["object"];
    ConfirmChanged = "confirm-changed", Text, [], ["object"], [];
    ConfirmUnlock = "confirm-unlock", Card, ["where"], ["object"], ["object"];
    ConfirmUnlink = "confirm-unlink", Card, ["where"], ["object"], ["object"];
    ConfirmLinkKeep = "confirm-link-keep", Card, ["where"], ["object", "id"], ["object"];
    ConfirmLinkBack = "confirm-link-back", Card, ["where"], ["object", "id"], ["object"];
    BansView = "bans-view", Card, [], ["count"], [];
    BansNone = "bans-none", Text, [], [], [];
    BansLine = "bans-line", Piece, [], ["account", "at"], [];
    BansLineUntil = "bans-line-until", Piece, [], ["account", "caller", "at", "until"], [];
    LiveView = "live-view", Card, [], ["count"], [];
    LiveNone = "live-none", Text, [], [], [];
    LiveLine = "live-line", Piece, [], ["account", "person", "router", "state", "until"], [];
    LiveLineNow = "live-line-now", Piece, [], ["account", "person", "router", "state"], [];
    RoutersView = "routers-view", Card, ["where"], ["count", "at"], [];
    RoutersNone = "routers-none", Text, [], [], [];
    RoutersLine = "routers-line", Piece, [], ["router", "state", "gate", "count"], [];
    RoutersWeakened = "routers-weakened", Piece, [], ["router"], [];
    RouterReachable = "router-reachable", Word, [], [], [];
    RouterAway = "router-away", Word, [], ["at"], [];
    RouterUntried = "router-untried", Word, [], [], [];
    GateUnseen = "gate-unseen", Word, [], [], [];
    GateObserving = "gate-observing", Word, [], [], [];
    GateNone = "gate-none", Word, [], [], [];
    GateWhole = "gate-whole", Word, [], [], [];
    GateMarred = "gate-marred", Word, [], [], [];
    GateBroken = "gate-broken", Word, [], [], [];
    PendingView = "pending-view", Card, [], ["count"], [];
    PendingNone = "pending-none", Text, [], [], [];
    PendingLine = "pending-line", Piece, [], ["name", "tg-name", "id", "at"], [];
}
