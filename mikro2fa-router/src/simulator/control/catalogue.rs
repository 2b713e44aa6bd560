//! What there is on the router, for whoever wants to try all of it.

use serde_json::{Value, json};

use crate::simulator::{
    Simulator,
    command::verbs,
    menu::{CATALOGUE, Field, Kind, MenuId},
    state::State,
};

/// The menus of this version, each with its commands and properties.
pub(super) fn catalogue(sim: &Simulator) -> Value {
    sim.shared.with(|state| {
        let menus = CATALOGUE.iter().filter(|(id, _)| state.has_menu(*id));
        menus.map(|(id, _)| menu(state, *id)).collect()
    })
}

fn menu(state: &State, id: MenuId) -> Value {
    let menu = id.menu();
    let fields = menu
        .fields
        .iter()
        .filter(|field| field.exists_in(state.version) && !field.hidden);
    // What the console has no words for.
    let commands = ["getall", "listen"].into_iter();
    let commands = commands.chain(verbs(state.version, id));
    json!({
        "path": menu.path,
        "single": menu.single,
        "unique": menu.unique.map_or(&[][..], |unique| unique.fields),
        "commands": commands.collect::<Vec<_>>(),
        "properties": fields.map(|field| property(state, id, field)).collect::<Vec<_>>(),
    })
}

fn property(state: &State, menu: MenuId, field: &Field) -> Value {
    let (kind, values, of) = kind(field.kind);
    let mut told = json!({
        "name": state.written_as(menu.menu(), field.name),
        "kind": kind,
        "writable": !field.read_only && !matches!(field.kind, Kind::Age | Kind::Computed(_)),
        "required": field.required,
    });
    if let Some(told) = told.as_object_mut() {
        if !values.is_empty() {
            told.insert("values".to_owned(), json!(values));
        }
        if let Some(of) = of {
            told.insert("of".to_owned(), json!(of.menu().path));
        }
    }
    told
}

/// Its name, the words that it takes, and the menu whose rows it names.
const fn kind(kind: Kind) -> (&'static str, &'static [&'static str], Option<MenuId>) {
    match kind {
        Kind::Text => ("text", &[], None),
        Kind::Bool | Kind::Dynamic => ("bool", &[], None),
        Kind::Number(_) => ("number", &[], None),
        Kind::Duration | Kind::Age | Kind::TimeLeft => ("duration", &[], None),
        Kind::Enum(words) => ("enum", words, None),
        Kind::Set(words) => ("set", words, None),
        Kind::Policy => ("policy", &[], None),
        Kind::Address => ("address", &[], None),
        Kind::Prefix => ("prefix", &[], None),
        Kind::AddressWithMask => ("address-with-mask", &[], None),
        Kind::ListEntry => ("list-entry", &[], None),
        Kind::Ranges => ("ranges", &[], None),
        Kind::AddressOrPool => ("address-or-pool", &[], None),
        Kind::Reference(menu, words) => ("reference", words, Some(menu)),
        Kind::References(menu, words) => ("references", words, Some(menu)),
        Kind::Negatable(menu, words) => ("negatable", words, Some(menu)),
        Kind::Matcher => ("matcher", &[], None),
        Kind::Computed(_) => ("computed", &[], None),
    }
}
