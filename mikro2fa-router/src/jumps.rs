//! The gate's switch: the jumps from `forward` and `input` into the gate's own chains, in both address families. They are
//! turned all together.

use mikro2fa_core::router_backend::Jumps;
use routeros_api::{Row, Rows};

use crate::{
    address_list::Family,
    gate::{GateNames, Way, Which},
    handle::Id,
    ppp::is_enabled,
    row,
    sentence::{Path, Sentence},
};

/// Where the gate's jumps lead to. A chain that is changed is built under its second name.
fn targets(names: &GateNames) -> impl Iterator<Item = String> {
    let both = [Which::First, Which::Second];
    Way::ALL
        .into_iter()
        .flat_map(move |way| both.map(|which| names.chain(way, which)))
}

/// The jumps of one family: a few rows.
pub(crate) fn print(family: Family, names: &GateNames) -> Sentence {
    let path = match family {
        Family::V4 => Path::FilterPrint,
        Family::V6 => Path::Filter6Print,
    };
    Sentence::new(path)
        .only(&[".id", "chain", "action", "jump-target", "disabled"])
        .one_of("jump-target", targets(names))
}

/// Turns these on or off, at once.
pub(crate) fn turn(family: Family, jumps: &[Id], enabled: bool) -> Sentence {
    let path = match family {
        Family::V4 => Path::FilterSet,
        Family::V6 => Path::Filter6Set,
    };
    Sentence::new(path)
        .of(jumps)
        .with("disabled", if enabled { "no" } else { "yes" })
}

/// The jumps of one family, as they were seen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Found {
    /// Of each built-in chain: whether it has one.
    there: [bool; 2],
    on: Vec<Id>,
    off: Vec<Id>,
}

impl Found {
    /// Reads the answer to [`print`]. What cannot be read is not there.
    pub(crate) fn read(rows: &Rows) -> Self {
        let mut found = Self::default();
        for row in rows {
            found.take(row);
        }
        found
    }

    fn take(&mut self, row: Row<'_>) {
        let [id, chain, action, disabled] = row.fields([".id", "chain", "action", "disabled"]);
        let chain = Way::ALL
            .iter()
            .position(|way| chain == Some(way.chain().as_bytes()));
        let (Some(chain), Some(b"jump"), Ok(id)) = (chain, action, row::id(id)) else {
            return;
        };
        if let Some(there) = self.there.get_mut(chain) {
            *there = true;
        }
        if is_enabled(disabled) {
            self.on.push(id);
        } else {
            self.off.push(id);
        }
    }

    /// Those that have to be turned.
    pub(crate) fn to_turn(&self, enabled: bool) -> &[Id] {
        if enabled { &self.off } else { &self.on }
    }

    /// Has each built-in chain its own?
    pub(crate) const fn is_complete(&self) -> bool {
        matches!(self.there, [true, true])
    }
}

/// The switch, by both families. IPv4 has to have it; where IPv6 has none, IPv6 is not part of the gate.
pub(crate) fn switch(v4: &Found, v6: &Found) -> Jumps {
    if !v4.is_complete() || (v6.there.contains(&true) && !v6.is_complete()) {
        return Jumps::Missing;
    }
    let on = v4.on.len() + v6.on.len();
    let off = v4.off.len() + v6.off.len();
    Jumps::of(on + off, on, 2)
}
