//! Hotspot sessions, and the cookies by which their clients come back.

use std::{fmt, net::Ipv4Addr, time::Duration};

use routeros_api::Sentence;

use super::{
    dial::DialRefused, menu::MenuId, state::State, table::RowId, timer::Timer, trap::Trap,
};
use crate::duration;

/// How soon a client that was kicked tries its cookie: it asks with the next page.
const COMES_BACK: Duration = Duration::from_secs(1);

/// Somebody at the hotspot's login page.
#[derive(Clone, PartialEq, Eq)]
pub struct HotspotLogin {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The client's address.
    pub address: Ipv4Addr,
    /// The client's MAC address.
    pub mac: String,
}

impl HotspotLogin {
    /// From 10.5.50.7.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            address: Ipv4Addr::new(10, 5, 50, 7),
            mac: "02:00:00:00:50:07".to_owned(),
        }
    }
}

/// The password stays out.
impl fmt::Debug for HotspotLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HotspotLogin({} from {})", self.user, self.address)
    }
}

impl State {
    pub(crate) fn hotspot_login(&mut self, login: &HotspotLogin) -> Result<(), DialRefused> {
        let user = self
            .table(MenuId::HotspotUser)
            .named(&login.user)
            .ok_or(DialRefused::UnknownAccount)?;
        if user.bytes("password").unwrap_or_default() != login.password.as_bytes() {
            return Err(DialRefused::WrongPassword);
        }
        if user.is("disabled") {
            return Err(DialRefused::Disabled);
        }
        let profile = user.text("profile").to_owned();
        self.hotspot_session(login, "http-chap");
        let profile = self.table(MenuId::HotspotProfile).named(&profile);
        let Some(profile) = profile.filter(|row| row.is("add-mac-cookie")) else {
            return Ok(());
        };
        let lives = duration::parse(profile.text("mac-cookie-timeout")).unwrap_or_default();
        if self.cookie_of(login).is_none() {
            let mut cookie = self.row(MenuId::HotspotCookie).with_all(&[
                ("user", &login.user),
                ("mac-address", &login.mac),
                ("mac-cookie", "true"),
            ]);
            cookie.expires = Some(self.now.saturating_add(lives));
            self.insert(MenuId::HotspotCookie, cookie);
        }
        Ok(())
    }

    fn hotspot_session(&mut self, login: &HotspotLogin, by: &str) {
        let row = self.row(MenuId::HotspotActive).with_all(&[
            ("server", "hotspot1"),
            ("user", &login.user),
            ("address", &login.address.to_string()),
            ("mac-address", &login.mac),
            ("login-by", by),
        ]);
        self.insert(MenuId::HotspotActive, row);
    }

    fn cookie_of(&self, login: &HotspotLogin) -> Option<RowId> {
        let mut cookies = self.table(MenuId::HotspotCookie).iter();
        let its = cookies
            .find(|row| row.text("user") == login.user && row.text("mac-address") == login.mac);
        its.map(|row| row.id)
    }

    /// A session is removed on the router. Its client is still there.
    pub(crate) fn kick(&mut self, id: RowId) {
        let Some(row) = self.delete(MenuId::HotspotActive, id) else {
            return;
        };
        let login = HotspotLogin {
            user: row.text("user").to_owned(),
            password: String::new(),
            address: row.text("address").parse().unwrap_or(Ipv4Addr::UNSPECIFIED),
            mac: row.text("mac-address").to_owned(),
        };
        self.schedule(COMES_BACK, Timer::Cookie(login));
    }

    pub(crate) fn come_back_by_cookie(&mut self, login: HotspotLogin) {
        let user = self.table(MenuId::HotspotUser).named(&login.user);
        let allowed =
            user.is_some_and(|row| !row.is("disabled") || self.quirks.cookie_outlives_disabling);
        if allowed && self.cookie_of(&login).is_some() {
            self.hotspot_session(&login, "mac-cookie");
        }
    }

    /// `/ip/hotspot/active/login`
    pub(crate) fn hotspot_login_by_hand(&mut self, sentence: &Sentence) -> Result<(), Trap> {
        let text = |name: &'static str| {
            let given = sentence.attribute(name).unwrap_or_default();
            let given = String::from_utf8_lossy(given).into_owned();
            if given.is_empty() {
                Err(Trap::missing_value(name))
            } else {
                Ok(given)
            }
        };
        let login = HotspotLogin {
            user: text("user")?,
            password: text("password").unwrap_or_default(),
            address: text("ip")?.parse().map_err(|_| Trap::invalid_value("ip"))?,
            mac: text("mac-address").unwrap_or_default(),
        };
        self.hotspot_login(&login)
            .map_err(|refused| Trap::failure(&refused.to_string()))
    }
}
