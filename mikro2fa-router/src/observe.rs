//! A look as sentences, and their answers as what was seen. Asks for what is needed and nothing else. Pure.

use std::{collections::BTreeSet, time::Duration};

use mikro2fa_core::{
    router_backend::{AccountRow, Look, Observed, Part, PermitRow, Prefix, RouterError, Seen},
    time::Timestamp,
    tunnel::{Text, Tunnel},
};
use routeros_api::{Row, Rows};

use crate::{
    address_list::{self, Entry, Family},
    apply::Site,
    handle::Generation,
    inspect::{Asked, Inspection},
    ppp, prefix,
    row::{self, Malformed},
    rule,
    sentence::{Path, Sentence},
    transport::{Answer, End, No},
    user_manager::UserManager,
};

/// Most names in one query: a router goes through all of them for each row.
const NAMES: usize = 50;

/// What a sentence of a look is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    Uptime,
    Tunnels,
    Permits(Family),
    Bans(Family),
    Secrets,
    Users(UserManager),
    Rules,
    Gate(Asked),
}

/// A look on its way.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    look: &'a Look,
    site: &'a Site,
    generation: Generation,
    asked: Vec<About>,
    calls: bool,
}

/// What is known of a router on this connection, as far as it makes a look shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Knowing {
    /// It may have IPv6.
    pub(crate) ipv6: bool,
    /// Logins may be kept in it, too.
    pub(crate) user_manager: Option<UserManager>,
    /// Tunnels are known: if all are asked for, they are called first, and the rest is asked about.
    pub(crate) tunnels: bool,
    /// Its uptime was told on this connection, so it has not restarted since: no connection outlives the restart of its end.
    pub(crate) uptime: bool,
}

/// What a look taught about the router beside what it was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Lesson {
    /// It has no IPv6 firewall.
    pub(crate) no_ipv6: bool,
    /// It has no User Manager after all.
    pub(crate) no_user_manager: bool,
}

impl<'a> Round<'a> {
    /// The sentences to be sent together.
    pub(crate) fn begin(
        look: &'a Look,
        site: &'a Site,
        generation: Generation,
        knowing: Knowing,
    ) -> (Self, Vec<Sentence>) {
        let mut questions = Vec::new();
        let calls = knowing.tunnels && look.tunnels == Part::All;
        tunnels(look, calls, knowing.uptime, &mut questions);
        let families: &[Family] = if knowing.ipv6 {
            &[Family::V4, Family::V6]
        } else {
            &[Family::V4]
        };
        for &family in families {
            let lists = &site.lists;
            entries(
                &look.permits,
                family,
                &lists.permit,
                About::Permits(family),
                &mut questions,
            );
            entries(
                &look.bans,
                family,
                &lists.ban,
                About::Bans(family),
                &mut questions,
            );
        }
        named(
            &look.accounts,
            About::Secrets,
            ppp::print_secrets,
            ppp::print_secrets_of,
            &mut questions,
        );
        if let Some(users) = knowing.user_manager {
            named(
                &look.accounts,
                About::Users(users),
                || users.print(),
                |names| users.print_of(names),
                &mut questions,
            );
        }
        named(
            &look.rules,
            About::Rules,
            rule::print,
            rule::print_of,
            &mut questions,
        );
        if look.gate {
            let asked = Asked::all(knowing.ipv6).into_iter();
            questions.extend(asked.map(|it| (About::Gate(it), it.sentence(&site.gate))));
        }
        let (asked, sentences) = questions.into_iter().unzip();
        let round = Self {
            look,
            site,
            generation,
            asked,
            calls,
        };
        (round, sentences)
    }

    /// The gate as it stands, if it was asked for and all of it was read.
    pub(crate) fn gate(&self, answers: &[Answer]) -> Option<Inspection<'a>> {
        if !self.look.gate {
            return None;
        }
        let answers = self.answers(answers);
        let answers = answers.filter_map(|(about, answer)| match about {
            About::Gate(asked) => Some((asked, answer)),
            _ => None,
        });
        Inspection::read(&self.site.gate, answers)
    }

    /// The rows of the call, if tunnels were called and all have answered.
    pub(crate) fn called<'b>(&self, answers: &'b [Answer]) -> Option<&'b Rows> {
        let mut tunnels = self.answers(answers);
        let (_, answer) = tunnels.find(|(about, _)| *about == About::Tunnels)?;
        answer.complete().filter(|_| self.calls)
    }

    /// Reads tunnels out of answers to sentences that ask for all of each; none if one of them broke off.
    ///
    /// # Errors
    ///
    /// If a row cannot be read.
    pub(crate) fn tunnels(
        &self,
        answers: &[Answer],
        at: Timestamp,
    ) -> Result<Option<Vec<Tunnel>>, Malformed> {
        let mut tunnels = Vec::new();
        for answer in answers {
            let Some(rows) = answer.complete() else {
                return Ok(None);
            };
            tunnels.reserve(rows.len());
            for row in rows {
                tunnels.push(ppp::tunnel(row, self.site.router, at)?);
            }
        }
        Ok(Some(tunnels))
    }

    /// What was seen, by answers to a look that was begun at `at`; tunnels that were only called are left to the caller.
    ///
    /// # Errors
    ///
    /// [`RouterError::Protocol`] if a row cannot be read, [`RouterError::Refused`] if the login may see none of it.
    pub(crate) fn end(
        &self,
        answers: &[Answer],
        at: Timestamp,
    ) -> Result<(Observed, Lesson), RouterError> {
        if let Some(refused) = all_denied(answers) {
            return Err(refused);
        }
        let tunnels = if self.calls {
            None
        } else {
            let read =
                |_, row: Row<'_>| ppp::tunnel(row, self.site.router, at).map(|tunnel| vec![tunnel]);
            self.part(&self.look.tunnels, &[About::Tunnels], answers, at, read)?
        };
        let places = rule::Places::default();
        let observed = Observed {
            router_uptime: self.uptime(answers)?.map(|uptime| (uptime, at)),
            tunnels,
            permits: self.list(&self.look.permits, About::Permits, answers, at)?,
            bans: self.list(&self.look.bans, About::Bans, answers, at)?,
            accounts: self.accounts(answers, at)?,
            rules: self.part(&self.look.rules, &[About::Rules], answers, at, |_, row| {
                let places = (self.look.rules == Part::All).then_some(&places);
                let rule = rule::read(row, self.generation, places)?;
                Ok(rule.into_iter().collect())
            })?,
            gate: None,
        };
        let absent = |which: fn(About) -> bool| {
            let mut all = self.answers(answers);
            all.any(|(about, answer)| which(about) && is_absent(answer))
        };
        let lesson = Lesson {
            no_ipv6: absent(|about| !matches!(about, About::Users(_)) && is_optional(about)),
            no_user_manager: absent(|about| matches!(about, About::Users(_))),
        };
        Ok((observed, lesson))
    }

    /// The logins of every place where they are kept: a name that stands in two has two rows.
    fn accounts(
        &self,
        answers: &[Answer],
        at: Timestamp,
    ) -> Result<Option<Seen<AccountRow>>, Malformed> {
        let places = [
            About::Secrets,
            About::Users(UserManager::Six),
            About::Users(UserManager::Seven),
        ];
        self.part(&self.look.accounts, &places, answers, at, |about, row| {
            let account = match about {
                About::Users(users) => users.account(row, self.generation),
                _ => ppp::account(row, self.generation),
            };
            account.map(|account| vec![account])
        })
    }

    fn answers<'b>(&self, answers: &'b [Answer]) -> impl Iterator<Item = (About, &'b Answer)> {
        self.asked.iter().copied().zip(answers)
    }

    fn uptime(&self, answers: &[Answer]) -> Result<Option<Duration>, Malformed> {
        let answer = self
            .answers(answers)
            .find(|(about, _)| *about == About::Uptime);
        let row = answer.and_then(|(_, answer)| answer.complete()?.get(0));
        row.map_or(Ok(None), |row| row::duration("uptime", row.bytes("uptime")))
    }

    /// Both families' entries of one list.
    fn list(
        &self,
        asked: &Part,
        about: impl Fn(Family) -> About,
        answers: &[Answer],
        at: Timestamp,
    ) -> Result<Option<Seen<PermitRow>>, Malformed> {
        let families = [about(Family::V4), about(Family::V6)];
        self.part(asked, &families, answers, at, |_, row| {
            let entry = Entry::read(row)?;
            Ok(entry.rows(&self.site.tagger, self.generation).collect())
        })
    }

    /// One part, unless it was not asked for, or one of its answers is not whole.
    fn part<T>(
        &self,
        asked: &Part,
        about: &[About],
        answers: &[Answer],
        at: Timestamp,
        read: impl Fn(About, Row<'_>) -> Result<Vec<T>, Malformed>,
    ) -> Result<Option<Seen<T>>, Malformed> {
        if *asked == Part::Nothing {
            return Ok(None);
        }
        let mut rows = Vec::new();
        let its = self.answers(answers);
        for (about, answer) in its.filter(|(it, _)| about.contains(it)) {
            match answer.complete() {
                Some(complete) => {
                    rows.reserve(complete.len());
                    for row in complete {
                        rows.extend(read(about, row)?);
                    }
                }
                // No IPv6, no entries; no User Manager, none of its logins.
                None if is_optional(about) && is_absent(answer) => {}
                None => return Ok(None),
            }
        }
        Ok(Some(Seen {
            asked: asked.clone(),
            rows,
            at,
        }))
    }
}

const fn is_optional(about: About) -> bool {
    matches!(
        about,
        About::Permits(Family::V6) | About::Bans(Family::V6) | About::Users(_)
    )
}

fn is_absent(answer: &Answer) -> bool {
    matches!(&answer.end, End::Refused(refused) if refused.kind == No::NoSuchCommand)
}

/// A login that may read nothing would make every look an empty one for ever: that is told.
fn all_denied(answers: &[Answer]) -> Option<RouterError> {
    let mut denied = answers.iter().map(|answer| match &answer.end {
        End::Refused(refused) if refused.kind == No::Denied => Some(&refused.message),
        _ => None,
    });
    let first = denied.next()??;
    denied
        .all(|message| message.is_some())
        .then(|| RouterError::Refused(first.clone()))
}

type Questions = Vec<(About, Sentence)>;

fn tunnels(look: &Look, calls: bool, knows_uptime: bool, questions: &mut Questions) {
    let all = if calls {
        ppp::call_active
    } else {
        ppp::print_active
    };
    let part = &look.tunnels;
    named(part, About::Tunnels, all, ppp::print_active_of, questions);
    if *part == Part::All && (look.permits == Part::All || !knows_uptime) {
        let uptime = Sentence::new(Path::ResourcePrint).only(&["uptime"]);
        questions.push((About::Uptime, uptime));
    }
}

fn named(
    part: &Part,
    about: About,
    all: impl Fn() -> Sentence,
    these: impl Fn(&[Text]) -> Sentence,
    questions: &mut Questions,
) {
    match part {
        Part::Nothing => {}
        Part::All => questions.push((about, all())),
        Part::These(names) => {
            let names: BTreeSet<&Text> = names.iter().collect();
            let names: Vec<Text> = names.into_iter().cloned().collect();
            questions.extend(names.chunks(NAMES).map(|some| (about, these(some))));
        }
    }
}

fn entries(part: &Part, family: Family, list: &str, about: About, questions: &mut Questions) {
    match part {
        Part::Nothing => {}
        Part::All => questions.push((about, address_list::print(family, list))),
        Part::These(addresses) => {
            // What is no address is on no list.
            let addresses: BTreeSet<Prefix> = addresses
                .iter()
                .filter_map(|address| prefix::parse(address))
                .filter(|address| Family::of(*address) == family)
                .collect();
            let addresses: Vec<Prefix> = addresses.into_iter().collect();
            questions.extend(addresses.chunks(NAMES).map(|some| {
                let sentence = address_list::print_of(family, list, some.iter().copied());
                (about, sentence)
            }));
        }
    }
}

#[cfg(test)]
mod tests;
