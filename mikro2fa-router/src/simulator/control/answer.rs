//! What the control port tells.

use serde_json::{Map, Value, json};

use super::{Answer, Refusal, StatusCode};
use crate::{
    firewall::Verdict,
    simulator::{
        CommandRecord, Event, Happening, Passage, Quirks, Simulator, Switch, TunnelHandle, menu,
    },
};

pub(super) fn about(sim: &Simulator) -> Value {
    let (version, identity) = sim.shared.with(|state| {
        let identity = state.only(menu::MenuId::Identity);
        let identity = identity.map(|row| row.text("name").to_owned());
        (state.version.to_string(), identity)
    });
    let mut users = Map::new();
    users.insert("admin".to_owned(), json!(sim.admin_password()));
    if sim.is_prepared() {
        users.insert(sim.names().user.clone(), json!(sim.daily_password()));
    }
    let about = json!({
        "version": version,
        "identity": identity,
        "api": sim.api_address(),
        "api_tls": sim.api_tls_address(),
        "fingerprint": sim.fingerprint().map(|fingerprint| fingerprint.to_string()),
        "users": users,
    });
    with_ssh(sim, about)
}

#[cfg(not(feature = "simulator-ssh"))]
fn with_ssh(_: &Simulator, about: Value) -> Value {
    about
}

/// Where SSH is and what it shows.
#[cfg(feature = "simulator-ssh")]
fn with_ssh(sim: &Simulator, mut about: Value) -> Value {
    if let (Some(about), Some(address)) = (about.as_object_mut(), sim.ssh_address()) {
        about.insert("ssh".to_owned(), json!(address));
        about.insert("host_key".to_owned(), json!(sim.host_key()));
        about.insert("host_fingerprint".to_owned(), json!(sim.host_fingerprint()));
    }
    about
}

pub(super) fn tunnel(tunnel: &TunnelHandle) -> Value {
    json!({
        "tunnel": tunnel.id().number(),
        "account": tunnel.account(),
        "address": tunnel.address(),
        "interface": tunnel.interface(),
        "active_id": tunnel.active_id(),
        "session_id": tunnel.session_id(),
    })
}

pub(super) fn tunnels(sim: &Simulator) -> Value {
    sim.tunnels().iter().map(tunnel).collect()
}

pub(super) fn clock(sim: &Simulator) -> Value {
    json!({ "now_ms": millis(sim.clock().now()), "runs": sim.clock().runs() })
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn passage(passage: &Passage) -> Value {
    let verdict = match passage.verdict {
        Verdict::Pass => "pass",
        Verdict::Drop => "drop",
        Verdict::CannotProve => "cannot-prove",
    };
    let rule = passage.rule.as_ref().map(|rule| {
        json!({
            "menu": rule.menu,
            "id": rule.id,
            "position": rule.position,
            "chain": rule.chain,
            "comment": rule.comment,
        })
    });
    json!({ "verdict": verdict, "why": passage.why, "rule": rule, "fasttracked": passage.fasttracked })
}

pub(super) fn menus(sim: &Simulator) -> Value {
    sim.shared.with(|state| {
        let all = menu::CATALOGUE.iter();
        all.filter(|(id, _)| state.has_menu(*id))
            .map(|(_, menu)| menu.path)
            .collect()
    })
}

pub(super) fn quirks() -> Value {
    let told = |switch: &Switch| json!({ "switch": switch.name, "about": switch.about });
    Quirks::SWITCHES.iter().map(told).collect()
}

pub(super) fn rows(sim: &Simulator, path: &str) -> Answer {
    let exists = sim.shared.with(|state| state.menu_at(path).is_some());
    if exists {
        Ok(json!(sim.rows(path)))
    } else {
        let why = format!("this router has no menu {path}");
        Err(Refusal::of(StatusCode::NOT_FOUND, why))
    }
}

pub(super) fn commands(sim: &Simulator) -> Value {
    sim.commands().iter().map(command).collect()
}

fn command(record: &CommandRecord) -> Value {
    json!({
        "at_ms": millis(record.at),
        "connection": record.connection,
        "user": record.user,
        "via": record.via.name(),
        "command": record.command,
        "attributes": record.attributes,
        "proplist": record.proplist,
        "queries": record.queries,
        "targets": record.targets,
        "tagged": record.tagged,
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "rows": record.rows,
        "trap": record.trap,
        "fault": record.fault,
    })
}

pub(super) fn unknown(sim: &Simulator) -> Value {
    let unknown = sim.unknown_commands();
    let told = unknown.iter().map(|unknown| {
        json!({
            "at_ms": millis(unknown.at),
            "via": unknown.via.name(),
            "what": unknown.what,
            "answer": unknown.answer,
        })
    });
    told.collect()
}

pub(super) fn events(sim: &Simulator) -> Value {
    sim.events().iter().map(event).collect()
}

fn event(event: &Event) -> Value {
    let mut told = match &event.what {
        Happening::Dialled { account, address } => {
            json!({ "what": "dialled", "account": account, "address": address })
        }
        Happening::DialRefused { account, reason } => {
            json!({ "what": "dial-refused", "account": account, "reason": reason.to_string() })
        }
        Happening::Ended {
            account,
            address,
            reason,
        } => {
            json!({ "what": "ended", "account": account, "address": address, "reason": reason })
        }
        Happening::Rebooted => json!({ "what": "rebooted" }),
        Happening::ScriptFailed { hook, error } => {
            json!({ "what": "script-failed", "hook": hook, "error": error })
        }
        Happening::LateCommand { command } => {
            json!({ "what": "late-command", "command": command })
        }
    };
    if let Some(told) = told.as_object_mut() {
        told.insert("at_ms".to_owned(), json!(millis(event.at)));
    }
    told
}
