//! All wording. Pure: a language, a text's name and its variables in, safe text out.
//!
//! Words live in Fluent resources, one file an area, twins in English and Russian, built into the program. A text has a
//! first line and, if it is a message, further parts: what a lock screen shows (line 1 and `where`) is apart from the
//! rest (`body`). Outside values reach a text only through [`Args`], which cleans, cuts, escapes and marks them; the
//! marks of direction that Fluent would put around them are off, since they would be copied along with names and
//! addresses. What a language lacks is said in English, and logged.
//!
//! # Examples
//!
//! ```
//! use mikro2fa_core::desk::Language;
//! use mikro2fa_telegram::text::{Args, Key, Texts};
//!
//! let texts = Texts::new();
//! let args = Args::new().outside("account", "ann").outside("router", "office<1>");
//! let bound = texts.html(Language::En, Key::AccountBound, &args);
//! assert_eq!(bound.as_str(), "<code>ann</code> on <code>office&lt;1&gt;</code> is now yours.");
//! ```

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use mikro2fa_core::desk::Language;
use tracing::warn;
use unic_langid::{LanguageIdentifier, langid};

mod args;
mod html;
mod keys;
mod samples;
mod sheet;
#[cfg(test)]
mod tests;
mod when;

pub use args::Args;
pub use html::{Html, LONG, SHORT, clean, cut};
pub use keys::{Form, Key, Spec};
pub use samples::sample_args;
pub use sheet::Sheet;
pub use when::{Reader, parse_zone};

/// Longest answer to a tap that we give, in graphemes; Telegram takes 200 characters.
const TOAST: usize = 180;
/// Names on buttons are this short.
const ON_BUTTON: usize = 15;

const ENGLISH: [&str; 7] = [
    include_str!("../locales/en/people.ftl"),
    include_str!("../locales/en/access.ftl"),
    include_str!("../locales/en/question.ftl"),
    include_str!("../locales/en/session.ftl"),
    include_str!("../locales/en/commands.ftl"),
    include_str!("../locales/en/buttons.ftl"),
    include_str!("../locales/en/alerts.ftl"),
];
const RUSSIAN: [&str; 7] = [
    include_str!("../locales/ru/people.ftl"),
    include_str!("../locales/ru/access.ftl"),
    include_str!("../locales/ru/question.ftl"),
    include_str!("../locales/ru/session.ftl"),
    include_str!("../locales/ru/commands.ftl"),
    include_str!("../locales/ru/buttons.ftl"),
    include_str!("../locales/ru/alerts.ftl"),
];

/// Every language that texts exist in.
pub const LANGUAGES: [Language; 2] = [Language::En, Language::Ru];

/// The wording in all languages. Made once; formatting needs no lock.
pub struct Texts {
    english: FluentBundle<FluentResource>,
    russian: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").finish_non_exhaustive()
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::new()
    }
}

/// How variables are to be filled in.
#[derive(Clone, Copy)]
enum Filling {
    Html(usize),
    Plain(usize),
}

impl Texts {
    /// The built-in texts.
    pub fn new() -> Self {
        Self {
            english: bundle(langid!("en"), &ENGLISH),
            russian: bundle(langid!("ru"), &RUSSIAN),
        }
    }

    /// A message of one piece, or a piece of one.
    pub fn html(&self, language: Language, key: Key, args: &Args<'_>) -> Html {
        Html::formatted(self.format(language, key, None, args, Filling::Html(LONG)))
    }

    /// A message with lines for the lock screen: names there are cut shorter than further down.
    pub fn sheet(&self, language: Language, key: Key, args: &Args<'_>) -> Sheet {
        let part = |name: &'static str, limit| {
            let has = key.spec().parts.contains(&name);
            let text = || self.format(language, key, Some(name), args, Filling::Html(limit));
            if has {
                Html::formatted(text())
            } else {
                Html::default()
            }
        };
        Sheet {
            title: Html::formatted(self.format(language, key, None, args, Filling::Html(SHORT))),
            place: part("where", SHORT),
            body: part("body", LONG),
            ..Sheet::default()
        }
    }

    /// Text without markup: the answer to a tap, a button, a command's description, a word.
    pub fn plain(&self, language: Language, key: Key, args: &Args<'_>) -> String {
        let limit = if key.spec().form == Form::Label {
            ON_BUTTON
        } else {
            SHORT
        };
        cut(
            &self.format(language, key, None, args, Filling::Plain(limit)),
            TOAST,
        )
    }

    /// Text without markup and without variables.
    pub fn words(&self, language: Language, key: Key) -> String {
        self.plain(language, key, &Args::new())
    }

    /// Is this what stands on a key of the menu, in any language?
    pub fn is_label(&self, key: Key, text: &str) -> bool {
        LANGUAGES
            .into_iter()
            .any(|language| self.words(language, key) == text)
    }

    /// The words, in English if the language lacks them, and never nothing.
    fn format(
        &self,
        language: Language,
        key: Key,
        part: Option<&str>,
        args: &Args<'_>,
        filling: Filling,
    ) -> String {
        let name = key.spec().name;
        let args = match filling {
            Filling::Html(limit) => args.for_html(limit),
            Filling::Plain(limit) => args.for_plain(limit),
        };
        let own = match language {
            Language::En => None,
            Language::Ru => Some(&self.russian),
        };
        own.into_iter()
            .chain([&self.english])
            .find_map(|bundle| formatted(bundle, name, part, &args))
            .unwrap_or_else(|| {
                warn!(text = name, part, "there is no such text");
                name.to_owned()
            })
    }
}

/// One part of one text in one language, if it is there and all of its variables are.
fn formatted(
    bundle: &FluentBundle<FluentResource>,
    name: &str,
    part: Option<&str>,
    args: &FluentArgs<'_>,
) -> Option<String> {
    let message = bundle.get_message(name)?;
    let pattern = match part {
        None => message.value()?,
        Some(part) => message.get_attribute(part)?.value(),
    };
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(args), &mut errors);
    if let Some(error) = errors.first() {
        warn!(text = name, part, %error, languages = ?bundle.locales, "a text cannot be formatted");
        return None;
    }
    Some(tidy(&text))
}

/// Takes away what empty variables leave behind: spaces in a row and at the ends of lines, empty lines in a row.
fn tidy(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.split(' ')
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let mut tidy = String::with_capacity(text.len());
    for (at, line) in lines.iter().enumerate() {
        let doubled = line.is_empty() && lines.get(at + 1).is_none_or(String::is_empty);
        if doubled || (line.is_empty() && tidy.is_empty()) {
            continue;
        }
        if !tidy.is_empty() {
            tidy.push('\n');
        }
        tidy.push_str(line);
    }
    tidy
}

fn bundle(language: LanguageIdentifier, sources: &[&str]) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    bundle.set_use_isolating(false);
    for source in sources {
        // A test proves that the built-in resources have no errors; what parses is used in any case.
        let resource =
            FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, errors)| {
                warn!(?errors, "a built-in text cannot be read");
                resource
            });
        if let Err(errors) = bundle.add_resource(resource) {
            warn!(?errors, "a built-in text stands twice");
        }
    }
    bundle
}
