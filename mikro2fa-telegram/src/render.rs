//! What is said, in words and buttons: a message of the core's, for one reader. Pure.

use mikro2fa_core::{
    desk::Language,
    notifier::{Notice, Subject},
    time::Timestamp,
    tunnel::Caller,
};

use crate::{
    keyboard::Buttons,
    text::{Args, Html, Key, Reader, Sheet, Texts},
};

mod alert;
mod card;
mod inform;
#[cfg(test)]
mod tests;

pub(crate) use alert::alert;
pub(crate) use card::{card, denied};
pub(crate) use inform::{inform, list};

/// A message as it is to stand in a chat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) html: Html,
    pub(crate) buttons: Buttons,
    /// Without sound.
    pub(crate) silent: bool,
    /// Cannot be forwarded.
    pub(crate) protect: bool,
    /// The reply keyboard comes with it.
    pub(crate) menu: bool,
    /// In which language that is.
    pub(crate) language: Language,
}

/// For whom, and when.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) texts: &'a Texts,
    pub(crate) reader: Reader,
    pub(crate) now: Timestamp,
}

impl Scene<'_> {
    pub(crate) fn label(&self, key: Key) -> String {
        self.texts.words(self.reader.language, key)
    }

    pub(crate) fn plain(&self, key: Key, args: &Args<'_>) -> String {
        self.texts.plain(self.reader.language, key, args)
    }

    pub(crate) fn html(&self, key: Key, args: &Args<'_>) -> Html {
        self.texts.html(self.reader.language, key, args)
    }

    pub(crate) fn sheet(&self, key: Key, args: &Args<'_>) -> Sheet {
        self.texts.sheet(self.reader.language, key, args)
    }

    pub(crate) fn moment(&self, at: Timestamp) -> String {
        self.reader.moment(at, self.now)
    }

    /// Until when, and how long that is.
    fn span<'a>(&self, args: Args<'a>, until: Timestamp) -> Args<'a> {
        args.ready("until", self.moment(until))
            .ready("left", self.reader.duration(until.since(self.now)))
    }

    /// From where: an address is a value of others', no address is a word of ours.
    pub(crate) fn caller<'a>(
        &self,
        args: Args<'a>,
        name: &'static str,
        caller: Option<&'a Caller>,
    ) -> Args<'a> {
        match caller {
            Some(Caller::Other(text)) => args.outside(name, text),
            Some(Caller::Ip(ip)) => args.piece(name, Html::value(&ip.to_string())),
            None => args.ready(name, self.label(Key::WordCallerNone)),
        }
    }
}

/// Account and router by their names.
fn named(subject: &Subject) -> Args<'_> {
    Args::new()
        .outside("account", &subject.account)
        .outside("router", &subject.router)
}

/// A message of the core's for a user or an operator.
pub(crate) fn notice(scene: Scene<'_>, notice: &Notice) -> Rendered {
    match notice {
        Notice::Card {
            card: shown,
            delivery,
            subject,
            ..
        } => card(scene, shown, *delivery, subject),
        Notice::Inform {
            inform: said,
            subject,
            ..
        } => inform(scene, said, subject),
        Notice::Alert {
            alert: told,
            subject,
            at,
        } => alert(scene, told, subject, *at),
        // The core may learn to say more; what has no words here yet is not said, and that is logged by the caller.
        _ => Rendered::default(),
    }
}
