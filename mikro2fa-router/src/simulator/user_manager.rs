//! The User Manager on the router: a RADIUS server that decides about logins which are not among the secrets, and keeps a
//! record of each session, by what it is told.

mod accounting;
mod otp;

use std::{borrow::Cow, net::IpAddr};

use routeros_api::Sentence;

use super::{
    dial::{Dial, DialRefused, Granted, networks},
    menu::{Menu, MenuId},
    reply::{Reply, attribute},
    state::State,
    table::{Row, Value},
    trap::Trap,
};

/// What the User Manager says of a client that it lets in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Attributes {
    /// The address that the router asked from: whose sessions these are.
    pub(crate) nas: IpAddr,
    /// `Mikrotik-Address-List`
    pub(crate) address_list: Option<String>,
}

/// How this build spells properties: some of version 6 name the login otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Spelling {
    says_name: bool,
}

impl Spelling {
    fn is_other_in(self, menu: &Menu) -> bool {
        self.says_name && menu.path == MenuId::Um6User.menu().path
    }

    /// The menu's spelling of a property that somebody names; of one that this build does not have, nothing.
    pub(crate) fn read_as<'n>(self, menu: &Menu, name: &'n str) -> &'n str {
        match name {
            "name" if self.is_other_in(menu) => "username",
            "username" if self.is_other_in(menu) => "",
            _ => name,
        }
    }

    /// The other way.
    pub(crate) fn written_as(self, menu: &Menu, name: &'static str) -> &'static str {
        match name {
            "username" if self.is_other_in(menu) => "name",
            _ => name,
        }
    }
}

fn owned(text: String) -> Option<Value> {
    Some(Cow::Owned(text.into_bytes()))
}

/// `active-sessions` of a user of version 6.
pub(crate) fn active_sessions(state: &State, row: &Row) -> Option<Value> {
    owned(state.live_sessions(row.text("username")).to_string())
}

/// `active` of a user of version 6.
pub(crate) fn is_active(state: &State, row: &Row) -> Option<Value> {
    let any = state.live_sessions(row.text("username")) > 0;
    Some(Cow::Borrowed(if any { b"true" } else { b"false" }))
}

/// `Name:value,Name:value`, as the property `attributes` holds it: the first of a name.
fn attribute_in<'a>(list: &'a str, name: &'a str) -> Option<&'a str> {
    attributes_in(list, name).next()
}

/// All of a name.
fn attributes_in<'a>(list: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = list.split(',').filter_map(|pair| pair.split_once(':'));
    pairs
        .filter(move |(known, _)| known.trim() == name)
        .map(|(_, value)| value.trim())
}

impl State {
    pub(super) const fn is_six(&self) -> bool {
        self.version.major == 6
    }

    pub(super) const fn session_menu(&self) -> MenuId {
        if self.is_six() {
            MenuId::Um6Session
        } else {
            MenuId::UmSession
        }
    }

    pub(super) const fn spelling(&self) -> Spelling {
        Spelling {
            says_name: self.quirks.user_manager_6_says_name,
        }
    }

    /// [`Spelling::read_as`]
    pub(crate) fn read_as<'n>(&self, menu: &Menu, name: &'n str) -> &'n str {
        self.spelling().read_as(menu, name)
    }

    /// [`Spelling::written_as`]
    pub(crate) fn written_as(&self, menu: &Menu, name: &'static str) -> &'static str {
        self.spelling().written_as(menu, name)
    }

    /// Asks the server that `/radius` names about a client.
    pub(crate) fn ask_radius(&mut self, dial: &Dial) -> Result<Granted, DialRefused> {
        let nas = self
            .radius_source("ppp")
            .ok_or(DialRefused::RadiusTimeout)?;
        let Said {
            attributes,
            address,
        } = self.authenticate(dial)?;
        let of = |name| attribute_in(&attributes, name).map(str::to_owned);
        let profile = of("Mikrotik-Group");
        Ok(Granted {
            profile: profile.unwrap_or_else(|| self.default_profile(dial.service)),
            address: address
                .or_else(|| of("Framed-IP-Address"))
                .or_else(|| of("Framed-Pool")),
            behind: [
                "Framed-Route",
                "Framed-IPv6-Prefix",
                "Delegated-IPv6-Prefix",
            ]
            .map(|name| networks(attributes_in(&attributes, name)))
            .concat(),
            radius: Some(Attributes {
                nas,
                address_list: of("Mikrotik-Address-List"),
            }),
        })
    }

    /// The address that the first server for a service is asked from, if that server is the User Manager here, is up, and
    /// knows this router. A server elsewhere never answers.
    fn radius_source(&self, service: &str) -> Option<IpAddr> {
        let settings = if self.is_six() {
            self.has_menu(MenuId::Um6User).then_some(("1812", true))
        } else {
            let settings = self.only(MenuId::UmSettings)?;
            let port = settings.text("authentication-port");
            self.has_menu(MenuId::UmUser)
                .then_some((port, settings.is("enabled")))
        };
        let (port, _) = settings.filter(|(_, enabled)| *enabled)?;
        let mut servers = self.table(MenuId::Radius).iter();
        let server = servers.find(|row| {
            !row.is("disabled") && row.text("service").split(',').any(|it| it == service)
        })?;
        let address: IpAddr = server.text("address").parse().ok()?;
        let here = address.is_loopback() || self.networks().is_own(address);
        let from: IpAddr = server.text("src-address").parse().ok()?;
        let from = if from.is_unspecified() { address } else { from };
        let known = self.user_manager_router(from)?;
        let secret = known.text("shared-secret") == server.text("secret");
        (here && secret && server.text("authentication-port") == port).then_some(from)
    }

    /// The User Manager's entry for the router with this address.
    pub(super) fn user_manager_router(&self, address: IpAddr) -> Option<&Row> {
        let (menu, property) = if self.is_six() {
            (MenuId::Um6Router, "ip-address")
        } else {
            (MenuId::UmRouter, "address")
        };
        let mut routers = self.table(menu).iter();
        routers.find(|row| !row.is("disabled") && row.text(property).parse() == Ok(address))
    }

    fn authenticate(&mut self, dial: &Dial) -> Result<Said, DialRefused> {
        let menu = if self.is_six() {
            MenuId::Um6User
        } else {
            MenuId::UmUser
        };
        let user = self
            .table(menu)
            .named(&dial.account)
            .ok_or(DialRefused::UnknownAccount)?;
        let password = user.bytes("password").unwrap_or_default().to_vec();
        let expected = match user.text("otp-secret") {
            "" => vec![password],
            secret => {
                let codes = otp::codes(secret, self.unix(self.now));
                let with = codes.map(|code| [&*password, code.as_bytes()].concat());
                with.into()
            }
        };
        if !expected.iter().any(|it| *it == dial.password.as_bytes()) {
            return Err(DialRefused::WrongPassword);
        }
        if user.is("disabled") {
            return Err(DialRefused::Disabled);
        }
        let has_profile = if self.is_six() {
            user.bytes("actual-profile").is_some()
        } else {
            let wanted = self
                .only(MenuId::UmSettings)
                .is_some_and(|row| row.is("use-profiles"));
            !wanted || self.active_profile(&dial.account).is_some()
        };
        if !has_profile {
            return Err(DialRefused::NoUserProfile);
        }
        let binds = user.text("caller-id") == "bind" || user.is("caller-id-bind-on-first-use");
        let allowed = user.text("caller-id");
        if !matches!(allowed, "" | "bind") && allowed != dial.caller_id {
            return Err(DialRefused::WrongCaller);
        }
        let most = user.text("shared-users").parse().unwrap_or(usize::MAX);
        if self.live_sessions(&dial.account) >= most {
            return Err(DialRefused::TooManySessions);
        }
        let group = self.table(MenuId::UmGroup).named(user.text("group"));
        let groups = group.map_or("", |row| row.text("attributes"));
        let said = Said {
            attributes: format!("{},{groups}", user.text("attributes")),
            address: user
                .bytes("ip-address")
                .map(|_| user.text("ip-address").to_owned()),
        };
        let id = user.id;
        if binds {
            self.update(menu, id, |row| {
                row.set("caller-id", dial.caller_id.clone());
                row.set("caller-id-bind-on-first-use", "false");
            });
        }
        Ok(said)
    }

    fn active_profile(&self, user: &str) -> Option<&Row> {
        let mut assigned = self.table(MenuId::UmUserProfile).iter();
        assigned.find(|row| row.text("user") == user && row.text("state").starts_with("running"))
    }

    /// How many sessions of a user the User Manager takes for live ones.
    fn live_sessions(&self, user: &str) -> usize {
        let sessions = self.table(self.session_menu()).iter();
        sessions
            .filter(|row| row.is("active") && row.text("user") == user)
            .count()
    }

    // ---- commands -------------------------------------------------------------------------------

    /// `create-and-activate-profile` of version 6.
    pub(crate) fn give_profile(&mut self, menu: MenuId, sentence: &Sentence) -> Result<(), Trap> {
        let text = |name| String::from_utf8_lossy(sentence.attribute(name).unwrap_or_default());
        let (customer, profile) = (text("customer"), text("profile"));
        for (name, value, known) in [
            ("customer", &customer, MenuId::Um6Customer),
            ("profile", &profile, MenuId::Um6Profile),
        ] {
            if value.is_empty() {
                return Err(Trap::missing_value(name));
            }
            if self.table(known).named(value).is_none() {
                return Err(Trap::no_match(name));
            }
        }
        let profile = profile.into_owned();
        self.for_each_target(menu, sentence, |state, id| {
            state.update(menu, id, |row| row.set("actual-profile", profile.clone()));
            Ok(())
        })
    }

    /// `clear-profiles` of version 6.
    pub(crate) fn clear_profiles(&mut self, menu: MenuId, sentence: &Sentence) -> Result<(), Trap> {
        self.for_each_target(menu, sentence, |state, id| {
            state.update(menu, id, |row| {
                if let Some(index) = row.menu.index("actual-profile") {
                    row.put(index, None);
                }
            });
            Ok(())
        })
    }

    /// `activate-user-profile`: the user's other profiles rest.
    pub(crate) fn activate_profile(
        &mut self,
        menu: MenuId,
        sentence: &Sentence,
    ) -> Result<(), Trap> {
        self.for_each_target(menu, sentence, |state, id| {
            let row = state.table(menu).get(id).ok_or_else(Trap::no_such_item)?;
            let user = row.text("user").to_owned();
            for other in state.table(menu).ids() {
                let its = state.table(menu).get(other);
                if its.is_some_and(|row| row.text("user") == user) {
                    let now = if other == id {
                        "running-active"
                    } else {
                        "running"
                    };
                    state.update(menu, other, |row| row.set("state", now));
                }
            }
            Ok(())
        })
    }

    /// `monitor`, once.
    pub(crate) fn monitor_user(
        &mut self,
        menu: MenuId,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        if sentence.attribute("once").is_none() {
            return Err(Trap::missing_value("once"));
        }
        let mut said = Vec::new();
        self.for_each_target(menu, sentence, |state, id| {
            let row = state.table(menu).get(id).ok_or_else(Trap::no_such_item)?;
            let name = row.text("name").to_owned();
            let sessions = state.live_sessions(&name).to_string();
            let profile = state
                .active_profile(&name)
                .map(|row| row.text("profile").to_owned());
            said.push((sessions, profile));
            Ok(())
        })?;
        for (sessions, profile) in said {
            reply.re(|out| {
                attribute(b"active-sessions", sessions.as_bytes(), out);
                attribute(b"active-sub-sessions", b"0", out);
                for total in ["total-uptime", "total-download", "total-upload"] {
                    let nothing: &[u8] = if total == "total-uptime" { b"0s" } else { b"0" };
                    attribute(total.as_bytes(), nothing, out);
                }
                if let Some(profile) = profile {
                    attribute(b"actual-profile", profile.as_bytes(), out);
                }
            });
        }
        reply.done();
        Ok(())
    }

    // ---- set-up ---------------------------------------------------------------------------------

    /// Installs the package and has PPP ask it: what a router with its own User Manager has.
    pub(crate) fn install_user_manager(&mut self) {
        const HERE: &str = "127.0.0.1";
        const SECRET: &str = "radius-secret";
        self.install("user-manager");
        self.configure_only(MenuId::Aaa, &[("use-radius", "true")]);
        self.configure(
            MenuId::Radius,
            &[("service", "ppp"), ("address", HERE), ("secret", SECRET)],
        );
        if self.is_six() {
            self.configure(MenuId::Um6Customer, &[("login", "admin")]);
            self.configure(MenuId::Um6Profile, &[("name", "default")]);
            let router = [
                ("customer", "admin"),
                ("name", "here"),
                ("ip-address", HERE),
                ("shared-secret", SECRET),
            ];
            self.configure(MenuId::Um6Router, &router);
        } else {
            self.configure_only(MenuId::UmSettings, &[("enabled", "true")]);
            self.configure(
                MenuId::UmGroup,
                &[("name", "default"), ("default-name", "default")],
            );
            let router = [
                ("name", "here"),
                ("address", HERE),
                ("shared-secret", SECRET),
            ];
            self.configure(MenuId::UmRouter, &router);
        }
    }

    /// A user who may log in.
    pub(crate) fn add_user(&mut self, name: &str, password: &str) {
        if self.is_six() {
            let user = [
                ("customer", "admin"),
                ("username", name),
                ("password", password),
                ("actual-profile", "default"),
            ];
            self.configure(MenuId::Um6User, &user);
        } else {
            self.configure(MenuId::UmUser, &[("name", name), ("password", password)]);
        }
    }
}

/// What the User Manager has about a user that it lets in.
struct Said {
    attributes: String,
    address: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_pairs() {
        let list =
            "Mikrotik-Group:2fa,Framed-IP-Address:10.8.0.9,Framed-Route:10.9.0.0/24 10.8.0.9 1";
        assert_eq!(attribute_in(list, "Mikrotik-Group"), Some("2fa"));
        assert_eq!(attribute_in(list, "Framed-IP-Address"), Some("10.8.0.9"));
        assert_eq!(attribute_in(list, "Group"), None);
        assert_eq!(attribute_in("", "Group"), None);
    }
}
