//! Reads all of a router that preparing, checking and restoring it need.
//!
//! A [`Survey`] is what the router said, menu by menu ([`Section`]), nothing concluded. It is read over any [`Line`] with
//! the properties that are needed and never a password. A menu that this version or this router does not have is
//! [`State::NotThere`], which is no error; one that the login may not read is [`State::Refused`], which whoever concludes
//! something from it has to mind.
//!
//! Nothing is read twice and nothing is locked: rows of different menus can be of different moments. What is done with a
//! survey has to be right all the same, which is why prepare reads back what it did.

use mikro2fa_core::{router_backend::RouterError, tunnel::Text};

use crate::{
    gate::{Family, GateNames},
    identify::Version,
    transport::{Answer, End, Line, No},
};

mod record;
mod section;

pub use record::Record;
pub use section::Section;

/// What became of reading a menu.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// All rows are here.
    Whole,
    /// This router has no such menu: another version, or a package is missing.
    NotThere,
    /// The router would not say, or not to the end; in its words.
    Refused(Text),
}

/// A menu as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Whether the rows are all.
    pub state: State,
    /// In the router's order.
    pub rows: Vec<Record>,
}

impl Found {
    const fn nothing(state: State) -> Self {
        Self {
            state,
            rows: Vec::new(),
        }
    }
}

/// A router as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survey {
    /// Its version.
    pub version: Version,
    found: Vec<Found>,
}

/// Sentences under way at a time: RouterOS slows down from some 120 on, for all connections together.
const AT_A_TIME: usize = 12;

impl Survey {
    /// Reads it. Address lists are read by the gate's names only: others can have tens of thousands of entries.
    ///
    /// # Errors
    ///
    /// [`RouterError`] if the line broke, if the login may not read at all, or if the version is none that is supported.
    /// Nothing is changed on the router; dropping the future leaves nothing behind.
    pub async fn read(line: &(impl Line + ?Sized), names: &GateNames) -> Result<Self, RouterError> {
        let mut found = Vec::with_capacity(Section::ALL.len());
        for sections in Section::ALL.chunks(AT_A_TIME) {
            let sentences = sections.iter().map(|it| it.sentence(names)).collect();
            let answers = line.exchange(sentences, Box::new(|| true)).await;
            if answers.iter().any(Answer::is_missing) {
                let reason = line.closed();
                return Err(reason.map_or(RouterError::TimedOut, Into::into));
            }
            found.extend(answers.iter().map(read));
        }
        Self::of(found)
    }

    /// Reads only some menus anew, in place of what was known of them.
    ///
    /// # Errors
    ///
    /// As [`Survey::read`]; what was known is left as it was then.
    pub async fn refresh(
        &mut self,
        sections: &[Section],
        line: &(impl Line + ?Sized),
        names: &GateNames,
    ) -> Result<(), RouterError> {
        let sentences = sections.iter().map(|it| it.sentence(names)).collect();
        let answers = line.exchange(sentences, Box::new(|| true)).await;
        if answers.iter().any(Answer::is_missing) {
            let reason = line.closed();
            return Err(reason.map_or(RouterError::TimedOut, Into::into));
        }
        for (section, answer) in sections.iter().zip(&answers) {
            if let Some(place) = self.found.get_mut(*section as usize) {
                *place = read(answer);
            }
        }
        Ok(())
    }

    fn of(found: Vec<Found>) -> Result<Self, RouterError> {
        let resource = found.get(Section::Resource as usize);
        if let Some(Found {
            state: State::Refused(words),
            ..
        }) = resource
        {
            return Err(RouterError::Refused(words.clone()));
        }
        let row = resource.and_then(|it| it.rows.first());
        let version: Text = row.map_or("", |row| row.text("version")).into();
        let read = Version::parse(&version).filter(|it| it.is_supported());
        let version = read.ok_or(RouterError::UnsupportedVersion(version))?;
        Ok(Self { version, found })
    }

    /// A router that has these menus, and no others.
    #[cfg(test)]
    pub(crate) fn imagined(
        version: &str,
        sections: impl IntoIterator<Item = (Section, Vec<Record>)>,
    ) -> Self {
        let mut found = vec![Found::nothing(State::NotThere); Section::ALL.len()];
        for (section, rows) in sections {
            found[section as usize] = Found {
                state: State::Whole,
                rows,
            };
        }
        let version = Version::parse(version).unwrap();
        Self { version, found }
    }

    /// This menu could not be read.
    #[cfg(test)]
    pub(crate) fn refuse(&mut self, section: Section, why: &str) {
        self.found[section as usize] = Found::nothing(State::Refused(why.into()));
    }

    /// A menu as it was read.
    #[must_use]
    pub fn found(&self, section: Section) -> &Found {
        static NOT_THERE: Found = Found::nothing(State::NotThere);
        self.found.get(section as usize).unwrap_or(&NOT_THERE)
    }

    /// Its rows, in the router's order; none where the menu is not there.
    #[must_use]
    pub fn rows(&self, section: Section) -> &[Record] {
        &self.found(section).rows
    }

    /// The one record of a menu that has only one.
    #[must_use]
    pub fn only(&self, section: Section) -> Option<&Record> {
        self.rows(section).first()
    }

    /// The row of this name.
    #[must_use]
    pub fn named(&self, section: Section, name: &str) -> Option<&Record> {
        self.rows(section)
            .iter()
            .find(|row| row.text("name") == name)
    }

    /// Is the menu there, and were all its rows read?
    #[must_use]
    pub fn is_whole(&self, section: Section) -> bool {
        self.found(section).state == State::Whole
    }

    /// Does the router have this menu?
    #[must_use]
    pub fn has(&self, section: Section) -> bool {
        self.found(section).state != State::NotThere
    }

    /// The sections that are there and could not be read, with the router's words.
    pub fn refused(&self) -> impl Iterator<Item = (Section, &Text)> {
        let all = Section::ALL.iter();
        all.filter_map(|section| match &self.found(*section).state {
            State::Refused(words) => Some((*section, words)),
            _ => None,
        })
    }

    /// The filter rules of a family.
    #[must_use]
    pub fn filter(&self, family: Family) -> &[Record] {
        self.rows(Section::filter(family))
    }

    /// Every profile's name that something refers to, with what refers to it: `l2tp-server`, `secret ann`, `pppoe-client
    /// wan`.
    #[must_use]
    pub fn profile_uses(&self) -> Vec<ProfileUse<'_>> {
        let mut uses = Vec::new();
        for section in Section::ALL {
            let Some((property, user)) = section.refers_to_a_profile() else {
                continue;
            };
            for row in self.rows(*section) {
                if let Some(profile) = row.get(property) {
                    uses.push(ProfileUse {
                        profile,
                        user,
                        section: *section,
                        row,
                    });
                }
            }
        }
        uses
    }

    /// The interface of a PPP client of this router: how it dials out, to the internet say.
    pub fn clients(&self) -> impl Iterator<Item = (Section, &Record)> {
        let of = |section: &Section| {
            let section = *section;
            self.rows(section).iter().map(move |row| (section, row))
        };
        Section::CLIENTS.iter().flat_map(of)
    }
}

/// Something that refers to a PPP profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProfileUse<'a> {
    /// The profile's name.
    pub profile: &'a str,
    /// What kind of thing.
    pub user: ProfileUser,
    /// Its menu.
    pub section: Section,
    /// Its row.
    pub row: &'a Record,
}

/// Kinds of things that refer to a PPP profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProfileUser {
    /// A login.
    Secret,
    /// A VPN server, as its default.
    Server,
    /// A PPPoE server: its tunnels are subscribers, as often as not.
    PppoeServer,
    /// A connection that this router dials itself.
    Client,
}

fn read(answer: &Answer) -> Found {
    let rows = answer.rows.iter().map(Record::of).collect();
    match &answer.end {
        End::Done { .. } => Found {
            state: State::Whole,
            rows,
        },
        End::Refused(refused) if refused.kind == No::NoSuchCommand => {
            Found::nothing(State::NotThere)
        }
        End::Refused(refused) => Found {
            state: State::Refused(refused.message.clone()),
            rows,
        },
        End::Lost | End::NotSent => Found::nothing(State::Refused("it gave no answer".into())),
    }
}
