//! What holds for all texts in all languages.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, Message, Pattern, PatternElement, VariantKey},
    parser,
};
use mikro2fa_core::desk::Language;
use unicode_segmentation::UnicodeSegmentation;

use super::{Args, ENGLISH, Form, Key, LANGUAGES, RUSSIAN, Texts, samples::sample_args, tidy};
use crate::markup;

/// What one pattern names and chooses by.
#[derive(Debug, Default)]
struct Uses {
    variables: BTreeSet<String>,
    messages: BTreeSet<String>,
    plurals: Vec<BTreeSet<String>>,
}

fn uses_of(pattern: &Pattern<&str>, uses: &mut Uses) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            match expression {
                Expression::Inline(inline) => inline_use(inline, uses),
                Expression::Select { selector, variants } => {
                    inline_use(selector, uses);
                    let key = |key: &VariantKey<&str>| match key {
                        VariantKey::Identifier { name } => (*name).to_owned(),
                        VariantKey::NumberLiteral { value } => (*value).to_owned(),
                    };
                    if matches!(selector, InlineExpression::VariableReference { id } if id.name == "count")
                    {
                        uses.plurals
                            .push(variants.iter().map(|variant| key(&variant.key)).collect());
                    }
                    variants
                        .iter()
                        .for_each(|variant| uses_of(&variant.value, uses));
                }
            }
        }
    }
}

fn inline_use(inline: &InlineExpression<&str>, uses: &mut Uses) {
    match inline {
        InlineExpression::VariableReference { id } => {
            uses.variables.insert(id.name.to_owned());
        }
        InlineExpression::MessageReference { id, .. } => {
            uses.messages.insert(id.name.to_owned());
        }
        InlineExpression::Placeable { .. } | InlineExpression::FunctionReference { .. } => {
            panic!("texts use variables, selectors and references to other texts, and nothing else")
        }
        _ => {}
    }
}

fn uses(message: &Message<&str>) -> Uses {
    let mut uses = Uses::default();
    let parts = message.attributes.iter().map(|attribute| &attribute.value);
    message
        .value
        .iter()
        .chain(parts)
        .for_each(|pattern| uses_of(pattern, &mut uses));
    uses
}

fn each_message(language: Language, mut look: impl FnMut(&str, &Message<&str>)) {
    let sources = match language {
        Language::En => ENGLISH,
        Language::Ru => RUSSIAN,
    };
    for source in sources {
        let resource = parser::parse(source).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
        for entry in &resource.body {
            match entry {
                Entry::Message(message) => look(message.id.name, message),
                Entry::Term(_) | Entry::Junk { .. } => panic!("only messages: {entry:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn both_languages_have_what_the_table_says() {
    for language in LANGUAGES {
        let mut names = Vec::new();
        let mut found: BTreeMap<String, (Vec<String>, Uses)> = BTreeMap::new();
        each_message(language, |name, message| {
            names.push(name.to_owned());
            let parts = message
                .attributes
                .iter()
                .map(|attribute| attribute.id.name.to_owned())
                .collect();
            found.insert(name.to_owned(), (parts, uses(message)));
        });
        let table: Vec<String> = Key::ALL
            .iter()
            .map(|key| key.spec().name.to_owned())
            .collect();
        assert_eq!(names, table, "{language:?}");
        for key in Key::ALL {
            let spec = key.spec();
            let (parts, uses) = &found[spec.name];
            assert_eq!(parts, spec.parts, "{language:?} {}", spec.name);
            let mut variables = uses.variables.clone();
            for message in &uses.messages {
                variables.extend(found[message].1.variables.clone());
            }
            let declared: BTreeSet<String> =
                spec.variables.iter().map(|v| (*v).to_owned()).collect();
            assert_eq!(variables, declared, "{language:?} {}", spec.name);
            assert!(
                spec.required.iter().all(|v| declared.contains(*v)),
                "{}",
                spec.name
            );
        }
    }
}

/// All sources of this crate but the table itself and tests.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            sources(&path, all);
        } else if name.ends_with(".rs") && !["keys.rs", "tests.rs"].contains(&name) {
            let source = std::fs::read_to_string(&path).unwrap();
            // Tests come last in a file.
            let said = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            all.push_str(said);
        }
    }
}

/// A text that nothing says is a promise that nothing keeps: either its flow is built, or the text goes.
#[test]
fn every_text_is_said_by_something() {
    let mut all = String::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    sources(&folder, &mut all);
    let named = |name: &str| {
        let after = |at: usize| all[at + name.len()..].chars().next();
        all.match_indices(name)
            .any(|(at, _)| !after(at).is_some_and(char::is_alphanumeric))
    };
    let said = |key: &Key| named(&format!("Key::{key:?}"));
    assert!(named("Key::CardQuestion") && !named("Key::CardQuestio"));
    let mut parts = BTreeSet::new();
    for language in LANGUAGES {
        each_message(language, |name, message| {
            if Key::ALL
                .iter()
                .any(|key| key.spec().name == name && said(key))
            {
                parts.extend(uses(message).messages);
            }
        });
    }
    let unsaid: Vec<&str> = Key::ALL
        .iter()
        .filter(|key| !said(key) && !parts.contains(key.spec().name))
        .map(|key| key.spec().name)
        .collect();
    assert!(unsaid.is_empty(), "nothing says {unsaid:?}");
}

#[test]
fn every_plural_has_all_forms_of_its_language() {
    for (language, forms) in [
        (Language::En, vec!["one", "other"]),
        (Language::Ru, vec!["few", "many", "one"]),
    ] {
        let forms: BTreeSet<String> = forms.into_iter().map(str::to_owned).collect();
        let mut plurals = 0;
        each_message(language, |name, message| {
            for plural in uses(message).plurals {
                assert_eq!(plural, forms, "{language:?} {name}");
                plurals += 1;
            }
        });
        assert!(plurals > 0);
    }
}

#[test]
fn plurals_are_chosen_by_the_number() {
    let texts = Texts::new();
    let hours = |language, count: u8| {
        texts.plain(
            language,
            Key::ButtonExtendHours,
            &Args::new().count("count", count).ready("until", "9:00"),
        )
    };
    assert_eq!(hours(Language::En, 1), "+1 hour, to 9:00");
    assert_eq!(hours(Language::En, 4), "+4 hours, to 9:00");
    assert_eq!(hours(Language::Ru, 21), "+21 час, до 9:00");
    assert_eq!(hours(Language::Ru, 22), "+22 часа, до 9:00");
    assert_eq!(hours(Language::Ru, 11), "+11 часов, до 9:00");
}

/// The whole message with sample values, as HTML or as plain text.
fn sample(texts: &Texts, language: Language, key: Key, args: &Args<'_>) -> String {
    match key.spec().form {
        Form::Card | Form::Alert => texts.sheet(language, key, args).html().into_string(),
        Form::Text | Form::Piece => texts.html(language, key, args).into_string(),
        Form::Word | Form::Toast | Form::Label | Form::Command => texts.plain(language, key, args),
    }
}

fn length(text: &str) -> usize {
    text.graphemes(true).count()
}

/// Texts whose second line is a sentence that is read in the chat: longer than what a lock screen surely shows.
const LONG_SECOND_LINES: [Key; 9] = [
    Key::Linked,
    Key::LinkedNoAccount,
    Key::RegisterApprovedNoAccount,
    Key::DeniedUndone,
    Key::CardResumed,
    Key::DisableChoose,
    Key::AlertGateBroken,
    Key::AlertBotConflict,
    Key::AlertNotMended,
];

#[test]
fn sample_values_keep_every_budget() {
    let texts = Texts::new();
    let mut over = Vec::new();
    let mut long = BTreeSet::new();
    let mut check = |what: String, text: &str, limit: usize| {
        if length(text) > limit {
            over.push(format!("{what}: {} over {limit}: {text}", length(text)));
        }
    };
    for language in LANGUAGES {
        for key in Key::ALL {
            let (spec, args) = (key.spec(), sample_args(language, *key));
            let what = format!("{language:?} {}", spec.name);
            match spec.form {
                Form::Card | Form::Alert => {
                    let sheet = texts.sheet(language, *key, &args);
                    check(format!("{what} line 1"), &sheet.title.plain(), 52);
                    let place = sheet.place.plain();
                    let second = if LONG_SECOND_LINES.contains(key) {
                        170
                    } else {
                        70
                    };
                    check(format!("{what} line 2"), &place, second);
                    if length(&place) > 70 {
                        long.insert(*key);
                    }
                    let all = if spec.name.contains("question") {
                        500
                    } else {
                        700
                    };
                    check(what, &sheet.html().plain(), all);
                }
                Form::Text | Form::Piece => {
                    check(what, &texts.html(language, *key, &args).plain(), 700)
                }
                Form::Toast => check(what, &texts.plain(language, *key, &args), super::TOAST),
                // Operators' buttons that name an account may be longer.
                Form::Label => {
                    let limit = if spec.variables.is_empty() { 28 } else { 44 };
                    check(what, &texts.plain(language, *key, &args), limit);
                }
                Form::Command => check(what, &texts.plain(language, *key, &args), 60),
                Form::Word => check(what, &texts.plain(language, *key, &args), 120),
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
    assert_eq!(long, LONG_SECOND_LINES.into_iter().collect());
}

const HOSTILE: [&str; 12] = [
    "<b>",
    "</b></code>",
    "&lt;",
    "}",
    "{$x}",
    "{ $account }",
    "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
    "\u{202e}nna",
    "@ann",
    "/ban a.b",
    "a\nb\r\nc",
    "\u{2068}\u{2069}\u{200b}",
];

/// Every variable filled with the same hostile value, whatever it is usually filled with.
fn hostile_args(key: Key, value: &'static str) -> Args<'static> {
    key.spec()
        .variables
        .iter()
        .fold(Args::new(), |args, variable| match *variable {
            "count" | "n" | "max" | "page" | "pages" => args.count(variable, 2_u8),
            "caller-kind" | "why" | "change" => args.choice(variable, "none"),
            variable => args.outside(variable, value),
        })
}

#[test]
fn no_value_breaks_a_text() {
    let texts = Texts::new();
    for language in LANGUAGES {
        for key in Key::ALL {
            let expected = markup::parse(&sample(
                &texts,
                language,
                *key,
                &sample_args(language, *key),
            ));
            for value in HOSTILE {
                let text = sample(&texts, language, *key, &hostile_args(*key, value));
                assert!(!text.is_empty());
                if !key.spec().form.is_html() {
                    assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text:?}");
                    continue;
                }
                let markup = markup::parse(&text)
                    .unwrap_or_else(|error| panic!("{}: {error}: {text}", key.spec().name));
                let allowed = [
                    "bold",
                    "italic",
                    "underline",
                    "strikethrough",
                    "code",
                    "pre",
                    "blockquote",
                ];
                assert!(
                    markup
                        .entities
                        .iter()
                        .all(|entity| allowed.contains(&entity.kind))
                );
                let bold = |markup: &markup::Markup| {
                    markup.entities.iter().filter(|e| e.kind == "bold").count()
                };
                assert_eq!(bold(&markup), bold(expected.as_ref().unwrap()), "{text}");
                assert!(!markup.plain.contains(['\u{202e}', '\u{200b}']), "{text:?}");
            }
        }
    }
}

#[test]
fn a_missing_variable_gives_english_and_never_nothing() {
    let texts = Texts::new();
    let text = texts.html(
        Language::Ru,
        Key::AccountBound,
        &Args::new().outside("account", "ann"),
    );
    assert_eq!(text.as_str(), "account-bound");
    assert_eq!(tidy("a  b \n\n\n\n c \n"), "a b\n\nc");
}

#[test]
fn all_texts() {
    let texts = Texts::new();
    for language in LANGUAGES {
        let mut all = String::new();
        for key in Key::ALL {
            let args = sample_args(language, *key);
            let text = sample(&texts, language, *key, &args).replace('\n', "\n    ");
            all.push_str(&format!("{}\n    {text}\n", key.spec().name));
        }
        insta::assert_snapshot!(format!("texts_{language:?}").to_lowercase(), all);
    }
}
