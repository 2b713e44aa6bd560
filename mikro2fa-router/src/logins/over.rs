//! Logins over a transport.

use std::fmt;

use async_trait::async_trait;
use mikro2fa_core::{desk::SourceKind, router_backend::RouterError, tunnel::Text};

use super::{
    Login, LoginError, LoginName, Logins, NewLogin, attributes,
    place::{self, Found, Place},
    talk::{Said, Talk},
};
use crate::{
    ppp, row,
    sentence::{Path, Sentence},
    text,
    transport::{No, Transport},
    user_manager::UserManager,
};

/// Logins over a transport.
pub struct LoginsOver<T: Transport> {
    talk: Talk<T>,
}

impl<T: Transport> fmt::Debug for LoginsOver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginsOver")
    }
}

/// A User Manager's place, or none.
fn users(found: Option<UserManager>) -> Option<Place> {
    found.map(Place::Users)
}

const ONE_PROFILE: &str =
    "names two PPP profiles in its attributes (`Mikrotik-Group`): leave one, or change it by hand";

impl<T: Transport> LoginsOver<T> {
    /// Does not connect yet.
    #[must_use]
    pub const fn new(transport: T) -> Self {
        Self {
            talk: Talk::new(transport),
        }
    }

    async fn place(&mut self, which: &LoginName) -> Result<Place, LoginError> {
        match which.kind {
            SourceKind::PppSecrets => Ok(Place::Secrets),
            SourceKind::UserManager => {
                users(self.talk.user_manager().await?).ok_or(LoginError::NoUserManager)
            }
            _ => Err(LoginError::Elsewhere(which.clone())),
        }
    }

    /// Rows of a place, or of one name in it. None if there is no such place after all.
    async fn rows(
        &mut self,
        place: Place,
        name: Option<&Text>,
    ) -> Result<Option<Vec<Found>>, LoginError> {
        let question = match name {
            None => place.print(),
            Some(name) => place.print_of(name),
        };
        let answer = match self.talk.ask_if_there(question).await? {
            Ok(answer) => answer,
            Err(no) if no.kind == No::NoSuchCommand && place != Place::Secrets => {
                self.talk.has_no_user_manager();
                return Ok(None);
            }
            Err(no) => return Err(RouterError::Refused(no.message).into()),
        };
        let rows = answer.rows.iter().map(|row| place.read(row));
        Ok(Some(rows.collect::<Result<_, _>>()?))
    }

    async fn found(&mut self, place: Place, name: &Text) -> Result<Vec<Found>, LoginError> {
        let found = self.rows(place, Some(name)).await?;
        found.ok_or(LoginError::NoUserManager)
    }

    async fn one(&mut self, place: Place, name: &Text) -> Result<Found, LoginError> {
        let mut found = self.found(place, name).await?.into_iter();
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(LoginError::NotThere(place.called(name))),
            (Some(_), Some(_)) => Err(LoginError::Ambiguous(place.called(name))),
        }
    }

    /// Changes one property of a login, and reads it back.
    async fn set(
        &mut self,
        place: Place,
        found: &Found,
        (property, value): (&'static str, &str),
        is_so: impl Fn(&Found) -> bool + Send + Sync,
    ) -> Result<(), LoginError> {
        let order = place.set(&found.id, property, value);
        if let Said::Refused(_, why) = self.talk.tell(order).await? {
            return Err(RouterError::Refused(why).into());
        }
        let seen = self.one(place, &found.login.name).await?;
        if is_so(&seen) {
            return Ok(());
        }
        Err(not_so(&seen))
    }

    /// What is to be set to move a login to a profile; none if it has it.
    fn move_of(
        place: Place,
        found: &Found,
        profile: &Text,
    ) -> Result<Option<(&'static str, Text)>, LoginError> {
        let unfit = |why: &str| LoginError::Unfit {
            which: place.called(&found.login.name),
            why: why.into(),
        };
        match place {
            Place::Secrets if found.login.profile.as_ref() == Some(profile) => Ok(None),
            Place::Secrets => Ok(Some(("profile", profile.clone()))),
            Place::Users(UserManager::Six) => Err(unfit(
                "has no PPP profile that could be chosen: RouterOS 6 gives it its server's. Make a PPP secret of that name on the \
                 router, and take this login away",
            )),
            Place::Users(UserManager::Seven) if !attributes::can_be_said(profile) => Err(unfit(
                "cannot be given a profile with a comma or a blank at its end in its name: an attribute ends there",
            )),
            Place::Users(UserManager::Seven) => {
                let wanted = attributes::with_group(&found.attributes, profile);
                let wanted = wanted.map_err(|_| unfit(ONE_PROFILE))?;
                let changes = *wanted != *found.attributes;
                Ok(changes.then(|| ("attributes", wanted.into())))
            }
        }
    }

    // ---- making ---------------------------------------------------------------------------------

    /// Is the name free in both places? A name in both is two logins, of which RADIUS's is only asked about where there is no
    /// secret (MikroTik manual, PPP AAA).
    async fn is_free(&mut self, which: &LoginName) -> Result<(), LoginError> {
        let places = [Some(Place::Secrets), users(self.talk.user_manager().await?)];
        for place in places.into_iter().flatten() {
            let found = self.rows(place, Some(&which.name)).await?;
            if found.is_some_and(|found| !found.is_empty()) {
                return Err(LoginError::Exists(place.called(&which.name)));
            }
        }
        Ok(())
    }

    /// Can it be made as it is wished for?
    async fn fits(&mut self, place: Place, new: &NewLogin) -> Result<(), LoginError> {
        let unfit = |why: &str| {
            Err(LoginError::Unfit {
                which: new.which.clone(),
                why: why.into(),
            })
        };
        match place {
            Place::Secrets if new.user_profile.is_some() => {
                return unfit("has no profile of the User Manager: that is for its own logins");
            }
            Place::Users(_) if new.service.as_ref().is_some_and(|it| **it != *"any") => {
                return unfit("is good for every service: name none");
            }
            Place::Users(UserManager::Six) if new.profile.is_some() => {
                return unfit(
                    "has no PPP profile that could be chosen: RouterOS 6 gives it its server's",
                );
            }
            Place::Users(UserManager::Six) if new.user_profile.is_none() => {
                return unfit("could not log in without a profile of the User Manager: name one");
            }
            Place::Users(UserManager::Seven) if new.user_profile.is_none() => {
                let settings = self.talk.ask(place::print_settings7()).await?;
                let mut settings = settings.rows.iter();
                if settings.any(|row| row.flag("use-profiles")) {
                    return unfit(
                        "could not log in without a profile of the User Manager: name one",
                    );
                }
            }
            _ => {}
        }
        if let Some(profile) = &new.profile
            && !self.has_profile(profile).await?
        {
            return Err(LoginError::NoProfile(profile.clone()));
        }
        Ok(())
    }

    /// The only one who manages users of version 6, or the one who does out of the box.
    async fn customer(&mut self, new: &NewLogin) -> Result<Text, LoginError> {
        const FROM_THE_BOX: &str = "admin";
        let answer = self.talk.ask(place::print_customers()).await?;
        let rows = answer.rows.iter().filter(|row| !row.flag("disabled"));
        let names: Vec<Text> = rows
            .filter_map(|row| row::present(row.bytes("login")).map(text::decode))
            .collect();
        let usual = names.iter().find(|name| ***name == *FROM_THE_BOX);
        match (usual, names.as_slice()) {
            (Some(name), _) => Ok(name.clone()),
            (None, [name]) => Ok(name.clone()),
            (None, _) => Err(LoginError::Unfit {
                which: new.which.clone(),
                why: "has to have a customer, and which one is not clear: the User Manager has none called `admin`"
                    .into(),
            }),
        }
    }

    async fn add(&mut self, place: Place, new: &NewLogin) -> Result<(), LoginError> {
        let order = match place {
            Place::Secrets => place::add_secret(new),
            Place::Users(UserManager::Seven) => {
                let (group, address) = (new.profile.as_deref(), new.remote_address.as_deref());
                let attributes =
                    attributes::of_new(group, address).ok_or_else(|| LoginError::Unfit {
                        which: new.which.clone(),
                        why: "cannot be given a profile or address with a comma in it: an attribute ends there"
                            .into(),
                    })?;
                place::add_user7(new, &attributes)
            }
            Place::Users(UserManager::Six) => {
                let customer = self.customer(new).await?;
                let order = place::add_user6(new, "username", &customer);
                match self.talk.tell(order).await? {
                    // Nothing was made: this build calls it otherwise.
                    Said::Refused(_, why) if why.contains("unknown parameter") => {
                        place::add_user6(new, "name", &customer)
                    }
                    said => return made(said, new),
                }
            }
        };
        made(self.talk.tell(order).await?, new)
    }

    /// A profile of the User Manager for what was just made.
    async fn assign(&mut self, place: Place, new: &NewLogin) -> Result<(), LoginError> {
        let Some(profile) = &new.user_profile else {
            return Ok(());
        };
        let found = self.one(place, &new.which.name).await?;
        let order = if place == Place::Users(UserManager::Six) {
            let customer = self.customer(new).await?;
            place::activate6(&found.id, &customer, profile)
        } else {
            place::add_user_profile(&new.which.name, profile)
        };
        if let Said::Refused(_, why) = self.talk.tell(order).await? {
            return Err(LoginError::Unfit {
                which: new.which.clone(),
                why: format!("was not given the User Manager's profile `{profile}`: {why}").into(),
            });
        }
        let has = if place == Place::Users(UserManager::Six) {
            let seen = self.one(place, &new.which.name).await?;
            seen.user_profile.as_ref() == Some(profile)
        } else {
            let question = place::print_user_profiles(&new.which.name);
            let answer = self.talk.ask(question).await?;
            let mut rows = answer.rows.iter();
            rows.any(|row| row.bytes("profile").map(text::decode).as_ref() == Some(profile))
        };
        if has {
            return Ok(());
        }
        Err(LoginError::NotSo {
            which: new.which.clone(),
            what: format!("it has no profile `{profile}` of the User Manager").into(),
        })
    }
}

fn made(said: Said, new: &NewLogin) -> Result<(), LoginError> {
    match said {
        Said::Refused(No::Exists, _) => Err(LoginError::Exists(new.which.clone())),
        Said::Refused(_, why) => Err(RouterError::Refused(why).into()),
        Said::Done | Said::Unknown => Ok(()),
    }
}

fn not_so(seen: &Found) -> LoginError {
    let login = &seen.login;
    let state = if login.enabled { "enabled" } else { "disabled" };
    let profile = login.profile.as_deref().unwrap_or("none");
    LoginError::NotSo {
        which: LoginName {
            kind: login.kind,
            name: login.name.clone(),
        },
        what: format!("{state}, profile {profile}, comment {}", login.comment).into(),
    }
}

fn is_as_wished(seen: &Login, new: &NewLogin) -> bool {
    seen.enabled
        && seen.comment == new.comment
        && (new.profile.is_none() || new.profile == seen.profile)
        && (new.remote_address.is_none() || new.remote_address == seen.remote_address)
}

#[async_trait]
impl<T: Transport> Logins for LoginsOver<T> {
    async fn list(&mut self) -> Result<Vec<Login>, LoginError> {
        let places = [Some(Place::Secrets), users(self.talk.user_manager().await?)];
        let mut logins = Vec::new();
        for place in places.into_iter().flatten() {
            let found = self.rows(place, None).await?.unwrap_or_default();
            logins.extend(found.into_iter().map(|found| found.login));
        }
        logins.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        Ok(logins)
    }

    async fn login(&mut self, which: &LoginName) -> Result<Login, LoginError> {
        let place = self.place(which).await?;
        Ok(self.one(place, &which.name).await?.login)
    }

    async fn has_profile(&mut self, name: &str) -> Result<bool, LoginError> {
        let question = Sentence::new(Path::ProfilePrint)
            .only(&[".id", "name"])
            .equal("name", text::encode(name));
        Ok(!self.talk.ask(question).await?.rows.is_empty())
    }

    async fn may_move(&mut self, which: &LoginName, profile: &Text) -> Result<Login, LoginError> {
        if !profile.is_empty() && !self.has_profile(profile).await? {
            return Err(LoginError::NoProfile(profile.clone()));
        }
        let place = self.place(which).await?;
        let found = self.one(place, &which.name).await?;
        Self::move_of(place, &found, profile)?;
        Ok(found.login)
    }

    async fn enable(&mut self, which: &LoginName, enabled: bool) -> Result<(), LoginError> {
        let place = self.place(which).await?;
        let found = self.one(place, &which.name).await?;
        if found.login.enabled == enabled {
            return Ok(());
        }
        let word = if enabled { "no" } else { "yes" };
        let is_so = |seen: &Found| seen.login.enabled == enabled;
        self.set(place, &found, ("disabled", word), is_so).await
    }

    async fn move_to(&mut self, which: &LoginName, profile: &Text) -> Result<(), LoginError> {
        let place = self.place(which).await?;
        // A secret always has one.
        let takes_any = place == Place::Secrets || !profile.is_empty();
        if takes_any && !self.has_profile(profile).await? {
            return Err(LoginError::NoProfile(profile.clone()));
        }
        let found = self.one(place, &which.name).await?;
        let Some((property, value)) = Self::move_of(place, &found, profile)? else {
            return Ok(());
        };
        let is_so = |seen: &Found| {
            seen.login.profile.as_ref() == Some(profile)
                && attributes::same_otherwise(&seen.attributes, &found.attributes)
        };
        self.set(place, &found, (property, &value), is_so).await
    }

    async fn make(&mut self, new: &NewLogin) -> Result<(), LoginError> {
        let place = self.place(&new.which).await?;
        self.is_free(&new.which).await?;
        self.fits(place, new).await?;
        self.add(place, new).await?;
        if let Err(error) = self.assign(place, new).await {
            // Half of it is of no use to anybody. Why it could not be made says more than why half of it is left.
            let _ = self.take_away(&new.which).await;
            return Err(error);
        }
        let seen = self.one(place, &new.which.name).await?;
        if is_as_wished(&seen.login, new) {
            return Ok(());
        }
        Err(not_so(&seen))
    }

    async fn take_away(&mut self, which: &LoginName) -> Result<(), LoginError> {
        let place = self.place(which).await?;
        let found = match self.one(place, &which.name).await {
            Ok(found) => found,
            Err(LoginError::NotThere(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        match self.talk.tell(place.remove(&found.id)).await? {
            Said::Refused(No::Gone, _) | Said::Done | Said::Unknown => {}
            Said::Refused(_, why) => return Err(RouterError::Refused(why).into()),
        }
        if self.found(place, &which.name).await?.is_empty() {
            return Ok(());
        }
        Err(LoginError::NotSo {
            which: which.clone(),
            what: "it is still there".into(),
        })
    }

    async fn cut(&mut self, name: &Text) -> Result<usize, LoginError> {
        let question = ppp::print_active_of(std::slice::from_ref(name));
        let answer = self.talk.ask(question).await?;
        let mut tunnels = Vec::new();
        for row in &answer.rows {
            tunnels.extend(row::id(row.id()).ok());
        }
        if tunnels.is_empty() {
            return Ok(0);
        }
        match self.talk.tell(ppp::remove_active(&tunnels)).await? {
            Said::Refused(No::Gone, _) | Said::Done | Said::Unknown => Ok(tunnels.len()),
            Said::Refused(_, why) => Err(RouterError::Refused(why).into()),
        }
    }
}
