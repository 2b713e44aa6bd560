//! Logins that live in the router's User Manager, of either version: RADIUS lets them in, PPP says that they are there. What the
//! User Manager keeps of sessions informs, and decides nothing.

use std::{collections::BTreeMap, time::Duration};

use mikro2fa_router::simulator::{DialRefused, Version};
use reqwest::Method;

use crate::harness::{
    BOBS, Database, Dial, ELSEWHERE, HOME, HOUR, MINUTE, Outcome, PASSWORD, RouterOptions, Town,
    Value, json,
};

/// Makes a test of a scene on each database and with each User Manager.
macro_rules! on_all {
    ($($scene:ident),* $(,)?) => {$(
        mod $scene {
            use super::{SEVEN, SIX};
            use crate::harness::{Database, Outcome};

            #[tokio::test]
            async fn seven_on_sqlite() -> Outcome<()> {
                super::$scene(Database::Sqlite, SEVEN).await
            }

            #[tokio::test]
            async fn seven_on_postgresql() -> Outcome<()> {
                super::$scene(Database::Postgresql, SEVEN).await
            }

            #[tokio::test]
            async fn six_on_sqlite() -> Outcome<()> {
                super::$scene(Database::Sqlite, SIX).await
            }

            #[tokio::test]
            async fn six_on_postgresql() -> Outcome<()> {
                super::$scene(Database::Postgresql, SIX).await
            }
        }
    )*};
}

on_all!(
    a_life_that_ends_for_good,
    not_me_shuts_the_login_until_an_operator_undoes_it,
    not_me_where_nothing_is_handed_over,
    ghosts_do_no_harm,
    what_is_left_of_a_session_is_told_to_end,
    a_name_in_both_places_is_enabled_in_neither,
    a_tunnel_under_a_name_in_both_places_is_the_secrets,
);

/// A version, and how its User Manager spells what is looked at here.
#[derive(Clone, Copy)]
struct Spelling {
    version: Version,
    users: &'static str,
    name: &'static str,
    sessions: &'static str,
    routers: &'static str,
}

const SEVEN: Spelling = Spelling {
    version: Version::V7_20,
    users: "/user-manager/user",
    name: "name",
    sessions: "/user-manager/session",
    routers: "/user-manager/router",
};

const SIX: Spelling = Spelling {
    version: Version::V6_49,
    users: "/tool/user-manager/user",
    name: "username",
    sessions: "/tool/user-manager/session",
    routers: "/tool/user-manager/router",
};

type Row = BTreeMap<String, String>;

/// Ann's and Bob's logins are in the User Manager, and nowhere else.
async fn town(on: Database, spelling: Spelling, account: Value) -> Outcome<Town> {
    Town::with(on, |options| {
        options.office.simulator = RouterOptions::named("office")
            .simulator
            .version(spelling.version)
            .user_manager_account("ann", PASSWORD)
            .user_manager_account("bob", PASSWORD);
        options.account = account;
    })
    .await
}

fn kept_there() -> Value {
    json!({ "kept_in": "user_manager" })
}

fn handed_over() -> Value {
    json!({ "kept_in": "user_manager", "handed_over": true })
}

fn is_yes(row: &Row, property: &str) -> bool {
    matches!(row[property].as_str(), "true" | "yes")
}

impl Spelling {
    fn user(self, town: &Town, name: &str) -> Row {
        let rows = town.sim.rows(self.users).into_iter();
        let mut found = rows.filter(|row| row[self.name] == name);
        found.next().unwrap_or_else(|| panic!("no user {name}"))
    }

    fn is_disabled(self, town: &Town, name: &str) -> bool {
        is_yes(&self.user(town, name), "disabled")
    }

    /// What the User Manager takes for this user's live sessions.
    fn live(self, town: &Town, name: &str) -> usize {
        let rows = town.sim.rows(self.sessions);
        let its = |row: &&Row| row["user"] == name && is_yes(row, "active");
        rows.iter().filter(its).count()
    }

    /// The administrator lets a user have several sessions: a ghost would keep its own person out, whoever asks.
    fn several_sessions(self, town: &Town, name: &str) {
        let id = self.user(town, name)[".id"].clone();
        let set = format!("{}/set", self.users);
        town.by_hand(&set, &[(".id", &id), ("shared-users", "unlimited")]);
    }

    /// The router listens to its User Manager, on the port to which that sends.
    fn listens(self, town: &Town) {
        let incoming = [("accept", "yes"), ("port", "3799")];
        town.by_hand("/radius/incoming/set", &incoming);
        let id = town.sim.rows(self.routers)[0][".id"].clone();
        let set = format!("{}/set", self.routers);
        let mut sends = vec![(".id", &*id), ("coa-port", "3799")];
        if self.version.major == 6 {
            sends.push(("use-coa", "yes"));
        }
        town.by_hand(&set, &sends);
    }

    /// How often the User Manager was told to end sessions.
    fn told_to_end(self, town: &Town) -> usize {
        let close = format!("{}/close-session", self.sessions);
        let said = town.sim.commands();
        said.iter().filter(|it| it.command == close).count()
    }
}

/// No question is open, to anybody, and no session but these many.
async fn nothing_is_asked(town: &Town, sessions: usize) -> Outcome<()> {
    for phone in [&town.ann, &town.bob] {
        let questions = town.questions(phone);
        assert!(questions.is_empty(), "{questions:#?}");
    }
    let all = town.sessions().await?;
    assert_eq!(all.len(), sessions, "{all:#?}");
    Ok(())
}

/// Shut until it is asked for; held until the answer; open until the end; and then the client that dials again and again stays out.
async fn a_life_that_ends_for_good(on: Database, spelling: Spelling) -> Outcome<()> {
    let town = town(on, spelling, handed_over()).await?;
    town.until_router("the login is shut", |_| spelling.is_disabled(&town, "ann"))
        .await?;
    assert_eq!(
        town.dial("ann", HOME).unwrap_err(),
        DialRefused::Disabled,
        "before it was asked for"
    );
    town.request().await?;
    assert!(!spelling.is_disabled(&town, "ann"));
    assert!(spelling.is_disabled(&town, "bob"), "nobody asked for it");

    let stubborn = Dial::new("ann", PASSWORD)
        .from(HOME)
        .redialling(Duration::from_secs(1));
    let tunnel = town.sim.dial(stubborn).unwrap();
    let question = town.asked(&town.ann, "Was it you?").await?;
    assert!(!town.reaches_office(&tunnel), "held until the answer");
    assert!(!town.reaches_office_established(&tunnel));
    let answer = town.tap(&town.ann, &question, "Yes").await?;
    assert_eq!(answer.text, "Opening.");
    town.until_open(&tunnel).await?;
    assert_eq!(town.permits().len(), 1, "one permit, under a lease");
    town.advance(HOUR).await;
    assert!(town.reaches_office(&tunnel), "renewed all the time");
    assert!(!spelling.is_disabled(&town, "ann"));
    assert_eq!(spelling.live(&town, "ann"), 1);

    town.advance(HOUR + Duration::from_secs(30)).await;
    town.until_cut(&tunnel).await?;
    town.until_ended("expired").await?;
    assert!(spelling.is_disabled(&town, "ann"), "for good");
    assert!(town.permits().is_empty());
    for _ in 0..10 {
        town.advance(MINUTE).await;
        let up = town.sim.tunnels_of("ann");
        assert!(up.is_empty(), "dialled again and let in: {up:?}");
    }
    assert_eq!(spelling.live(&town, "ann"), 0, "its stop came");
    town.sim.give_up("ann");
    nothing_is_asked(&town, 1).await?;
    assert_eq!(town.sim.unknown_commands(), []);
    town.finish().await
}

async fn not_me_shuts_the_login_until_an_operator_undoes_it(
    on: Database,
    spelling: Spelling,
) -> Outcome<()> {
    let town = town(on, spelling, handed_over()).await?;
    town.request().await?;
    let thief = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, ELSEWHERE).await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&thief).await?;
    town.reads(&town.olga, "Not me").await?;
    town.until_ended("denied").await?;
    town.settle().await;
    assert!(spelling.is_disabled(&town, "ann"));
    assert_eq!(
        town.dial("ann", ELSEWHERE).unwrap_err(),
        DialRefused::Disabled
    );
    town.ann.send("/request_vpn");
    town.reads(&town.ann, "only an administrator can unlock it")
        .await?;
    town.advance(5 * MINUTE).await;
    assert!(spelling.is_disabled(&town, "ann"), "asking does not help");

    let bans = town.get("bans").await?;
    let ban = format!("bans/{}", bans["rows"][0]["id"].as_str().unwrap());
    let lifted = town.answer(Method::DELETE, &ban, None).await?;
    assert_eq!(lifted.0, 204, "{bans}");
    town.reads(&town.ann, "is unlocked").await?;
    town.settle().await;
    assert!(spelling.is_disabled(&town, "ann"), "until it is asked for");
    let again = town.opened().await?;
    assert!(again.is_up());
    town.finish().await
}

/// The login stays as it is: whoever dials is let in by RADIUS, held by the ban, and not asked about.
async fn not_me_where_nothing_is_handed_over(on: Database, spelling: Spelling) -> Outcome<()> {
    let town = town(on, spelling, kept_there()).await?;
    let bobs = town.dials("bob", BOBS);
    let question = town.asked(&town.bob, BOBS).await?;
    town.tap(&town.bob, &question, "Yes").await?;
    town.until_open(&bobs).await?;
    let thief = town.dials("ann", ELSEWHERE);
    let question = town.asked(&town.ann, ELSEWHERE).await?;
    town.tap(&town.ann, &question, "No").await?;
    town.until_cut(&thief).await?;
    town.until_ended("denied").await?;
    town.settle().await;
    assert!(!spelling.is_disabled(&town, "ann"), "not ours to disable");
    for caller in [ELSEWHERE, HOME] {
        let again = town.dials("ann", caller);
        town.advance(MINUTE).await;
        assert!(!town.reaches_office(&again), "{caller}");
        assert!(town.questions(&town.ann).is_empty(), "banned: not asked");
        again.hang_up();
        town.settle().await;
    }
    assert!(bobs.is_up() && town.reaches_office(&bobs), "a neighbour");
    town.finish().await
}

/// Stops get lost, so sessions stay live in the User Manager whose tunnels are long gone. Nobody is asked about them, nothing is
/// open for them, and the way is free for the next tunnel.
async fn ghosts_do_no_harm(on: Database, spelling: Spelling) -> Outcome<()> {
    let town = town(on, spelling, kept_there()).await?;
    for name in ["ann", "bob"] {
        spelling.several_sessions(&town, name);
    }
    town.sim.lose_accounting_stops(true);
    let stranger = town.dials("bob", BOBS);
    town.asked(&town.bob, BOBS).await?;
    stranger.hang_up();
    let first = town.opened().await?;
    first.hang_up();
    town.reads(&town.ann, "Disconnected").await?;
    assert!(town.permits().is_empty(), "the permit went with the tunnel");
    town.advance(2 * MINUTE).await;
    town.until_ended("tunnel_gone").await?;
    assert_eq!(
        (spelling.live(&town, "ann"), spelling.live(&town, "bob")),
        (1, 1),
        "or this test shows nothing"
    );
    let sessions = town.sessions().await?.len();
    town.advance(HOUR).await;
    nothing_is_asked(&town, sessions).await?;
    assert!(town.permits().is_empty());
    let status = town.status().await;
    assert_eq!((status.tunnels, status.findings), (0, Vec::new()));

    // Whoever has the ghost's address now is nobody's heir.
    let heir = town.dials("bob", BOBS);
    town.advance(MINUTE).await;
    assert!(!town.reaches_office(&heir));
    let second = town.opened().await?;
    town.advance(HOUR).await;
    assert!(town.reaches_office(&second));
    let session = town.session().await?["id"].clone();
    let end = format!("sessions/{}/end", session.as_str().unwrap());
    town.post(&end, json!({ "reason": "enough" })).await?;
    town.until_cut(&second).await?;
    town.advance(MINUTE).await;
    assert!(town.permits().is_empty());
    assert_eq!(town.sim.tunnels_of("ann").len(), 0);
    assert_eq!(spelling.live(&town, "ann"), 2, "two ghosts by now");
    assert_eq!(town.sim.unknown_commands(), []);
    town.finish().await
}

/// After a cut whose stop got lost the User Manager is told once to end what it still takes for live, where that can work; what
/// becomes of it holds nothing up, and the sessions of others are left alone.
async fn what_is_left_of_a_session_is_told_to_end(on: Database, spelling: Spelling) -> Outcome<()> {
    let town = town(on, spelling, kept_there()).await?;
    spelling.listens(&town);
    let bobs = town.dials("bob", BOBS);
    let question = town.asked(&town.bob, BOBS).await?;
    town.tap(&town.bob, &question, "Yes").await?;
    town.until_open(&bobs).await?;
    let tunnel = town.opened().await?;
    town.sim.lose_accounting_stops(true);
    assert_eq!(spelling.told_to_end(&town), 0);
    town.advance(2 * HOUR + Duration::from_secs(30)).await;
    town.until_cut(&tunnel).await?;
    town.settle().await;
    let told = spelling.told_to_end(&town);
    assert!(
        (1..=2).contains(&told),
        "told {told} times, for two cuts at most"
    );
    assert!(!town.reaches_office(&bobs), "over as well");
    town.advance(10 * MINUTE).await;
    assert_eq!(spelling.told_to_end(&town), told, "and that is that");
    assert_eq!(town.sim.unknown_commands(), []);

    // Where the stop comes, and no ghost has the address, there is nothing to end.
    town.sim.lose_accounting_stops(false);
    for row in town.sim.rows(spelling.sessions) {
        let remove = format!("{}/remove", spelling.sessions);
        town.by_hand(&remove, &[(".id", &row[".id"])]);
    }
    let again = town.opened().await?;
    town.advance(2 * HOUR + Duration::from_secs(30)).await;
    town.until_cut(&again).await?;
    town.settle().await;
    assert_eq!(spelling.told_to_end(&town), told);
    town.finish().await
}

/// Somebody made a secret of the same name beside the login that was handed over. Disabling one would not keep the other out.
async fn a_name_in_both_places_is_enabled_in_neither(
    on: Database,
    spelling: Spelling,
) -> Outcome<()> {
    let town = town(on, spelling, handed_over()).await?;
    town.until_router("the login is shut", |_| spelling.is_disabled(&town, "ann"))
        .await?;
    let secret = [
        ("name", "ann"),
        ("password", "another"),
        ("profile", "mikro2fa-vpn"),
        ("disabled", "yes"),
    ];
    town.by_hand("/ppp/secret/add", &secret);
    let asked = town.ann.send("/request_vpn");
    town.until_ended("disabled_on_router").await?;
    town.ann
        .message_where(|card| card.id > asked && card.text.contains("Ended"))
        .await
        .map_err(|e| crate::harness::Trouble::new(e.to_string()))?;
    assert!(spelling.is_disabled(&town, "ann"), "not enabled there");
    assert!(town.login_is_disabled("ann"), "and not here");
    town.advance(MINUTE).await;
    town.reads(&town.olga, "stands in the PPP secrets").await?;

    // The twin is enabled by hand: it is somebody's tunnel, held, and its login is not ours to touch.
    let id = town.row_id("/ppp/secret", "name", "ann");
    town.by_hand("/ppp/secret/set", &[(".id", &id), ("disabled", "no")]);
    let twins = town
        .sim
        .dial(Dial::new("ann", "another").from(HOME))
        .unwrap();
    town.advance(2 * MINUTE).await;
    assert!(!town.reaches_office(&twins));
    assert!(!town.login_is_disabled("ann"), "not handed over");
    assert!(spelling.is_disabled(&town, "ann"), "the one that was");
    twins.hang_up();

    // The twin is gone: all is as it was.
    town.by_hand("/ppp/secret/remove", &[(".id", &id)]);
    town.advance(11 * MINUTE).await;
    let ours = town.opened().await?;
    assert_eq!(spelling.live(&town, "ann"), 1);
    assert!(ours.is_up());
    town.finish().await
}

/// The desk knows both: Ann's login in the User Manager, and a secret `ann` of Bob's. A router asks RADIUS only about names that are
/// not among its own secrets, so who is up under that name is Bob's.
async fn a_tunnel_under_a_name_in_both_places_is_the_secrets(
    on: Database,
    spelling: Spelling,
) -> Outcome<()> {
    let mut town = town(on, spelling, kept_there()).await?;
    let secret = [
        ("name", "ann"),
        ("password", "bobs"),
        ("profile", "mikro2fa-vpn"),
    ];
    town.by_hand("/ppp/secret/add", &secret);
    let router = town.router.clone();
    town.world_mut()
        .add_account(&router, "ann", "Bob", json!({}))
        .await?;
    town.settle().await;
    assert_eq!(
        town.dial("ann", HOME).unwrap_err(),
        DialRefused::WrongPassword,
        "the User Manager's password is not asked for"
    );
    let tunnel = town.sim.dial(Dial::new("ann", "bobs").from(BOBS)).unwrap();
    let question = town.asked(&town.bob, BOBS).await?;
    assert!(town.questions(&town.ann).is_empty(), "not hers");
    assert_eq!(spelling.live(&town, "ann"), 0, "RADIUS was not asked");
    assert!(!town.reaches_office(&tunnel));
    town.tap(&town.bob, &question, "Yes").await?;
    town.until_open(&tunnel).await?;
    town.advance(30 * MINUTE).await;
    assert!(town.questions(&town.ann).is_empty(), "not hers");
    assert!(town.reaches_office(&tunnel));
    town.finish().await
}
