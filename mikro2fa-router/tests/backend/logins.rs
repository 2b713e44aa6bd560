//! Logins of both places, as the desk changes them: each change read back, and nothing else of a login touched.

use std::collections::BTreeMap;

use mikro2fa_core::secret::Secret;
use mikro2fa_router::{
    Ssh,
    logins::{Login, LoginError, LoginName, Logins, LoginsOver, NewLogin, logins_of},
    simulator::SimulatorBuilder,
};

use super::*;

const EXEMPT: &str = "mikro2fa-exempt-vpn";
const OTP: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn secret(name: &str) -> LoginName {
    LoginName {
        kind: SourceKind::PppSecrets,
        name: name.into(),
    }
}

fn user(name: &str) -> LoginName {
    LoginName {
        kind: SourceKind::UserManager,
        name: name.into(),
    }
}

const fn menu(version: Version) -> &'static str {
    if version.major == 6 {
        "/tool/user-manager/user"
    } else {
        "/user-manager/user"
    }
}

/// A router with both places, and logins over the API or over SSH.
struct Both {
    world: World,
    version: Version,
    logins: Box<dyn Logins>,
}

fn both(version: Version) -> SimulatorBuilder {
    office().user_manager_account("uma", "pw").version(version)
}

impl Both {
    async fn new(version: Version) -> Self {
        Self::of(both(version), version).await
    }

    async fn of(builder: SimulatorBuilder, version: Version) -> Self {
        let world = World::of(builder).await;
        let logins = logins_of(&connection(&world.sim)).unwrap();
        Self {
            world,
            version,
            logins,
        }
    }

    async fn over_ssh(version: Version) -> Self {
        let world = World::over_ssh(both(version)).await;
        let logins = LoginsOver::new(Ssh::new(world::ssh_config(&world.sim)));
        Self {
            world,
            version,
            logins: Box::new(logins),
        }
    }

    /// As the administrator does it.
    fn by_hand(&self, command: &str, attributes: &[(&str, &str)]) {
        let mut said = ApiCommand::new(command);
        for (name, value) in attributes {
            said = said.attribute(*name, *value);
        }
        self.world.sim.administer(&said).unwrap();
    }

    fn user(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let rows = self.world.sim.rows(menu(self.version));
        let is_it = |row: &BTreeMap<String, String>| {
            ["username", "name"]
                .iter()
                .any(|it| row.get(*it).is_some_and(|text| text == name))
        };
        rows.into_iter().find(is_it)
    }

    /// What changes this login's row, and what it says after that.
    fn attributes(&self) -> String {
        self.user("uma").unwrap()["attributes"].clone()
    }
}

fn new(which: LoginName) -> NewLogin {
    NewLogin {
        which,
        password: Secret::new("a good one"),
        profile: None,
        user_profile: None,
        service: None,
        remote_address: None,
        comment: "made".into(),
    }
}

/// Kind and name of each, in their order.
fn names(listed: &[Login]) -> Vec<(SourceKind, &str)> {
    listed.iter().map(|it| (it.kind, &*it.name)).collect()
}

const ALL: [Version; 4] = [
    Version::V6_49,
    Version::V7_12,
    Version::V7_16,
    Version::V7_22,
];

#[tokio::test]
async fn both_places_are_listed_and_a_router_without_a_user_manager_has_one() {
    use SourceKind::{PppSecrets, UserManager};
    for version in ALL {
        let mut router = Both::new(version).await;
        router.by_hand(
            &format!("{}/set", menu(version)),
            &[(".id", "uma"), ("comment", "tg 100001")],
        );
        let listed = router.logins.list().await.unwrap();
        let expected = [
            (PppSecrets, "ann"),
            (PppSecrets, "bob"),
            (PppSecrets, "eve"),
            (UserManager, "uma"),
        ];
        assert_eq!(names(&listed), expected, "{version}");
        let uma = listed.last().unwrap();
        assert_eq!((&*uma.comment, uma.enabled), ("tg 100001", true));
        // Version 6 cannot choose a profile for it; here it has none of its own.
        let profile = (version.major == 7).then_some("");
        assert_eq!(uma.profile.as_deref(), profile, "{version}");

        let mut without = Both::of(office().version(version), version).await;
        let listed = without.logins.list().await.unwrap();
        assert_eq!(names(&listed), expected[..3], "{version}");
        let nobody = without.logins.login(&user("uma")).await;
        assert_eq!(nobody, Err(LoginError::NoUserManager), "{version}");
    }
}

/// Whoever may not see the packages is not told what there is: it is asked, and says so.
#[tokio::test]
async fn a_router_that_hides_its_packages_is_asked() {
    for version in [Version::V6_49, Version::V7_16] {
        let mut without = Both::of(office().version(version), version).await;
        without.world.sim.inject(
            On::command("/system/package/print"),
            Fault::trap("not enough permissions (9)"),
        );
        assert_eq!(without.logins.list().await.unwrap().len(), 3, "{version}");
        let nobody = without.logins.enable(&user("uma"), false).await;
        assert_eq!(nobody, Err(LoginError::NoUserManager), "{version}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_read_is_no_empty_one() {
    let mut router = Both::new(Version::V7_16).await;
    let no = Fault::trap("not enough permissions (9)");
    let print = On::command("/user-manager/user/print");
    router.world.sim.inject(print, no);
    let listed = router.logins.list().await;
    assert!(
        matches!(&listed, Err(LoginError::Router(RouterError::Refused(_)))),
        "{listed:?}"
    );
}

#[tokio::test]
async fn a_login_of_the_user_manager_is_switched_and_nothing_else_of_it_changes() {
    for version in ALL {
        for over_ssh in [false, true] {
            let mut router = if over_ssh {
                Both::over_ssh(version).await
            } else {
                Both::new(version).await
            };
            if version.major == 7 {
                router.by_hand(
                    "/user-manager/user/set",
                    &[(".id", "uma"), ("otp-secret", OTP)],
                );
            }
            let before = router.user("uma").unwrap();
            router.logins.enable(&user("uma"), false).await.unwrap();
            let mut after = router.user("uma").unwrap();
            assert_eq!(
                after.insert("disabled".into(), "false".into()).as_deref(),
                Some("true")
            );
            assert_eq!(after, before, "{version}");
            assert!(!router.logins.login(&user("uma")).await.unwrap().enabled);
            router.world.sim.clear_commands();
            router.logins.enable(&user("uma"), false).await.unwrap();
            let seen = router.world.sim.commands_seen();
            let set = format!("{}/set", menu(version));
            assert!(!seen.contains_key(&set), "it is so already: {version}");
            router.logins.enable(&user("uma"), true).await.unwrap();
            assert_eq!(router.user("uma").unwrap(), before, "{version}");
        }
    }
}

/// The same name in both places: only the one that is meant.
#[tokio::test]
async fn a_name_in_both_places_is_told_apart() {
    for version in ALL {
        let mut router = Both::new(version).await;
        let login = if version.major == 6 {
            "username"
        } else {
            "name"
        };
        let mut twin = vec![(login, "ann"), ("password", "other")];
        if version.major == 6 {
            twin.push(("customer", "admin"));
        }
        router.by_hand(&format!("{}/add", menu(version)), &twin);
        router.logins.enable(&user("ann"), false).await.unwrap();
        assert!(router.logins.login(&secret("ann")).await.unwrap().enabled);
        router.logins.enable(&secret("ann"), false).await.unwrap();
        router.logins.enable(&user("ann"), true).await.unwrap();
        assert!(!router.logins.login(&secret("ann")).await.unwrap().enabled);
        router.logins.take_away(&user("ann")).await.unwrap();
        assert!(router.user("ann").is_none());
        router.logins.login(&secret("ann")).await.unwrap();
    }
}

#[tokio::test]
async fn version_7_is_moved_by_its_attributes_and_moved_back_to_the_letter() {
    for attributes in [
        "",
        "Framed-IP-Address:10.8.7.7",
        "Mikrotik-Group:default,Framed-IP-Address:10.8.7.7",
        "Mikrotik-Rate-Limit:1M/1M, Mikrotik-Group: default ,Mikrotik-Address-List:guests",
    ] {
        for over_ssh in [false, true] {
            let mut router = if over_ssh {
                Both::over_ssh(Version::V7_20).await
            } else {
                Both::new(Version::V7_16).await
            };
            let set = [(".id", "uma"), ("attributes", attributes)];
            router.by_hand("/user-manager/user/set", &set);
            let held = router.world.sim.dial(Dial::new("uma", "pw")).unwrap();
            let to_office = Flow::between(&held, [192, 168, 88, 10]);
            assert!(router.world.sim.would_pass(&to_office).is_dropped());
            held.hang_up();
            let before = router.logins.login(&user("uma")).await.unwrap().profile;
            let before = before.expect("version 7 has one, or none of its own");
            assert_eq!(before.is_empty(), !attributes.contains("default"));

            router
                .logins
                .move_to(&user("uma"), &EXEMPT.into())
                .await
                .unwrap();
            let now = router.attributes();
            assert!(now.contains(EXEMPT), "{now}");
            for other in attributes.split(',').filter(|it| !it.contains("Group")) {
                assert!(now.contains(other), "{now} lacks {other}");
            }
            let site = router.world.sim.dial(Dial::new("uma", "pw")).unwrap();
            let to_office = Flow::between(&site, [192, 168, 88, 10]);
            assert!(router.world.sim.would_pass(&to_office).passes(), "exempt");

            router.logins.move_to(&user("uma"), &before).await.unwrap();
            assert_eq!(router.attributes(), attributes);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_and_left() {
    let mut six = Both::new(Version::V6_49).await;
    let before = six.user("uma");
    let refused = six.logins.move_to(&user("uma"), &EXEMPT.into()).await;
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("Make a PPP secret"), "{said}");
    let asked = six.logins.may_move(&user("uma"), &EXEMPT.into()).await;
    assert!(matches!(asked, Err(LoginError::Unfit { .. })), "{asked:?}");
    assert_eq!(six.user("uma"), before);

    let mut seven = Both::new(Version::V7_16).await;
    let twice = "Mikrotik-Group:default,Mikrotik-Group:default-encryption";
    let set = [(".id", "uma"), ("attributes", twice)];
    seven.by_hand("/user-manager/user/set", &set);
    let refused = seven.logins.move_to(&user("uma"), &EXEMPT.into()).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("two PPP profiles")
    );
    let nowhere = seven.logins.move_to(&user("uma"), &"nothing".into()).await;
    assert_eq!(nowhere, Err(LoginError::NoProfile("nothing".into())));
    assert_eq!(seven.attributes(), twice);
}

#[tokio::test]
async fn logins_are_made_in_the_user_manager() {
    for (version, over_ssh) in [
        (Version::V6_49, false),
        (Version::V6_49, true),
        (Version::V7_16, false),
        (Version::V7_20, true),
    ] {
        let mut router = if over_ssh {
            Both::over_ssh(version).await
        } else {
            Both::new(version).await
        };
        let six = version.major == 6;
        if !six {
            router.by_hand("/user-manager/profile/add", &[("name", "office")]);
        }
        let wished = NewLogin {
            profile: (!six).then(|| "mikro2fa-vpn".into()),
            user_profile: Some(if six { "default" } else { "office" }.into()),
            remote_address: Some("10.8.9.9".into()),
            ..new(user("dora"))
        };
        router.logins.make(&wished).await.unwrap();
        let tunnel = router.world.sim.dial(Dial::new("dora", "a good one"));
        let tunnel = tunnel.unwrap();
        assert_eq!(
            tunnel.address().unwrap().to_string(),
            "10.8.9.9",
            "{version}"
        );
        let again = router.logins.make(&wished).await;
        assert_eq!(again, Err(LoginError::Exists(user("dora"))));
        // Nor under the name of a secret, which would be asked before it.
        let twin = NewLogin {
            which: user("ann"),
            ..wished.clone()
        };
        let twin = router.logins.make(&twin).await;
        assert_eq!(twin, Err(LoginError::Exists(secret("ann"))), "{version}");
        let twin = router.logins.make(&new(secret("uma"))).await;
        assert_eq!(twin, Err(LoginError::Exists(user("uma"))), "{version}");
        assert_eq!(router.logins.cut(&"dora".into()).await, Ok(1));
        assert!(!tunnel.is_up());
        router.logins.take_away(&user("dora")).await.unwrap();
        router.logins.take_away(&user("dora")).await.unwrap();
        assert!(router.user("dora").is_none(), "{version}");
        let passwords = router.world.sim.commands();
        assert!(!format!("{passwords:?}").contains("a good one"));
    }
}

#[tokio::test]
async fn a_login_that_could_not_log_in_is_not_made() {
    let mut six = Both::new(Version::V6_49).await;
    let bare = six.logins.make(&new(user("dora"))).await.unwrap_err();
    assert!(bare.to_string().contains("name one"), "{bare}");
    let wrong = NewLogin {
        user_profile: Some("no such".into()),
        ..new(user("dora"))
    };
    let wrong = six.logins.make(&wrong).await.unwrap_err();
    assert!(wrong.to_string().contains("`no such`"), "{wrong}");
    assert!(six.user("dora").is_none(), "half of it is taken away again");

    let mut seven = Both::new(Version::V7_16).await;
    seven.by_hand("/user-manager/set", &[("use-profiles", "yes")]);
    let bare = seven.logins.make(&new(user("dora"))).await.unwrap_err();
    assert!(bare.to_string().contains("name one"), "{bare}");
    seven.by_hand("/user-manager/set", &[("use-profiles", "no")]);
    for wrong in [
        NewLogin {
            service: Some("l2tp".into()),
            ..new(user("dora"))
        },
        NewLogin {
            remote_address: Some("10.8.0.9,Mikrotik-Address-List:mikro2fa-permit".into()),
            ..new(user("dora"))
        },
    ] {
        let refused = seven.logins.make(&wrong).await;
        assert!(
            matches!(refused, Err(LoginError::Unfit { .. })),
            "{refused:?}"
        );
    }
    assert!(seven.user("dora").is_none());
    seven.logins.make(&new(user("dora"))).await.unwrap();
    assert!(
        seven
            .world
            .sim
            .dial(Dial::new("dora", "a good one"))
            .is_ok()
    );
}

#[tokio::test]
async fn builds_of_6_that_say_name_are_spoken_to_so() {
    let builder = both(Version::V6_49).quirks(|quirks| quirks.user_manager_6_says_name = true);
    let mut router = Both::of(builder, Version::V6_49).await;
    let wished = NewLogin {
        user_profile: Some("default".into()),
        ..new(user("dora"))
    };
    router.logins.make(&wished).await.unwrap();
    let add = "/tool/user-manager/user/add";
    let said = &router.world.sim.commands_seen()[add].attributes;
    assert!(
        said.contains("username") && said.contains("name"),
        "{said:?}"
    );
    router.logins.enable(&user("dora"), false).await.unwrap();
    assert_eq!(router.user("dora").unwrap()["disabled"], "true");
}

/// No reply: what is there says whether it was done.
#[tokio::test]
async fn a_lost_reply_is_read_back_on_a_new_connection() {
    for version in [Version::V6_49, Version::V7_16] {
        let mut router = Both::new(version).await;
        let set = format!("{}/set", menu(version));
        let add = format!("{}/add", menu(version));
        let on = |command: &str| On::command(command).once();
        router.world.sim.inject(on(&set), Fault::CutAfter);
        router.logins.enable(&user("uma"), false).await.unwrap();
        assert_eq!(router.user("uma").unwrap()["disabled"], "true");
        router.world.sim.inject(on(&set), Fault::CutBefore);
        let not_done = router.logins.enable(&user("uma"), true).await;
        assert!(
            matches!(&not_done, Err(LoginError::NotSo { which, .. }) if *which == user("uma")),
            "{not_done:?}"
        );
        router.world.sim.inject(on(&add), Fault::CutAfter);
        let wished = NewLogin {
            user_profile: (version.major == 6).then(|| "default".into()),
            ..new(user("dora"))
        };
        router.logins.make(&wished).await.unwrap();
        let remove = format!("{}/remove", menu(version));
        router.world.sim.inject(on(&remove), Fault::CutAfter);
        router.logins.take_away(&user("dora")).await.unwrap();
        assert!(router.user("dora").is_none());
    }
    let mut router = Both::new(Version::V7_16).await;
    let set = On::command("/user-manager/user/set").once();
    router.world.sim.inject(set, Fault::CutAfter);
    let moved = router.logins.move_to(&user("uma"), &EXEMPT.into()).await;
    assert_eq!(moved, Ok(()));
    assert_eq!(router.attributes(), format!("Mikrotik-Group:{EXEMPT}"));
}
