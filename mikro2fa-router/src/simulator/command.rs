//! From a sentence to what it does.

use routeros_api::{Decoder, Sentence};

use super::{
    menu::{self, MenuId, Verbs},
    policy::Policy,
    reply::Reply,
    script::all_rights,
    session::ConnectionId,
    state::State,
    trap::Trap,
    version::Version,
};

/// Who sends a command.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) connection: ConnectionId,
    pub(crate) user: String,
    /// What the user's group allowed at login: a later change does not reach a live session (CVE-2026-14227).
    pub(crate) policy: Policy,
}

/// What a command that was carried out answers.
#[derive(Debug)]
pub(crate) struct Done {
    /// What `!done` says in `ret`: for `add` the new id.
    pub(crate) ret: String,
    /// The router closes the connection after it.
    pub(crate) closes: bool,
}

impl State {
    /// Carries a command out and answers it.
    pub(crate) fn execute(&mut self, caller: &Caller, sentence: &Sentence) -> Reply {
        let tag = sentence.api_attribute(".tag");
        let mut reply = Reply::to(tag);
        if let Err(trap) = self.dispatch(caller, sentence, &mut reply) {
            // Nothing of a command that fails has been written before.
            reply = Reply::to(tag);
            reply.trap(&trap, self.quirks.trap_categories);
        }
        reply
    }

    /// Carries a command out with every right; what `!done` says in `ret`, or the text of the trap.
    pub(crate) fn administer(&mut self, sentence: &Sentence) -> Result<String, String> {
        self.perform(&all_rights(), sentence).map(|done| done.ret)
    }

    /// Carries a command out, for whoever has no use for a reply in the API's form. The error is the text of the trap.
    pub(crate) fn perform(&mut self, caller: &Caller, sentence: &Sentence) -> Result<Done, String> {
        let reply = self.execute(caller, sentence);
        if let Some(text) = reply.trapped {
            return Err(text);
        }
        let mut decoder = Decoder::default();
        decoder.feed(&reply.bytes);
        let mut ret = String::new();
        while let Ok(Some(reply)) = decoder.next_ref() {
            if let Some(value) = reply.attribute("ret") {
                ret = String::from_utf8_lossy(value).into_owned();
            }
        }
        Ok(Done {
            ret,
            closes: reply.closes,
        })
    }

    fn dispatch(
        &mut self,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        let command = String::from_utf8_lossy(sentence.command().unwrap_or_default()).into_owned();
        let need = |policy: Policy| {
            if caller.policy.has(policy) {
                Ok(())
            } else {
                Err(Trap::not_enough_permissions())
            }
        };
        match command.as_str() {
            "/system/reboot" => {
                need(Policy::REBOOT)?;
                self.reboot();
                reply.closes = true;
                return Ok(());
            }
            "/interface/monitor-traffic" => {
                need(Policy::READ)?;
                return self.monitor_traffic(caller, sentence, reply);
            }
            "/tool/torch" => {
                need(Policy::TEST)?;
                return self.torch(caller, sentence, reply);
            }
            "/ping" => {
                need(Policy::TEST)?;
                return self.ping(caller, sentence, reply);
            }
            "/ip/ssh/regenerate-host-key" => {
                need(Policy::WRITE)?;
                #[cfg(feature = "simulator-ssh")]
                self.regenerate_host_keys();
                reply.done();
                return Ok(());
            }
            "/certificate/sign" => {
                need(Policy::WRITE)?;
                self.sign_certificate(sentence)?;
                reply.done();
                return Ok(());
            }
            "/user/ssh-keys/import" => {
                need(Policy::POLICY)?;
                // It takes a file of the router's, and there are none.
                return Err(Trap::no_match("public-key-file"));
            }
            "/log/info" | "/log/warning" | "/log/error" | "/log/debug" => {
                need(Policy::WRITE)?;
                let topics = format!("script,{}", command.trim_start_matches("/log/"));
                let message =
                    String::from_utf8_lossy(sentence.attribute("message").unwrap_or_default())
                        .into_owned();
                self.log(&topics, message);
                reply.done();
                return Ok(());
            }
            _ => {}
        }
        let (path, verb) = command.rsplit_once('/').unwrap_or(("", &command));
        let Some(menu) = self.menu_at(path) else {
            return Err(self.unknown_path(&command));
        };
        match verb {
            "print" | "getall" => {
                need(Policy::READ).and_then(|()| self.print(menu, caller, sentence, reply))
            }
            "listen" => need(Policy::READ).and_then(|()| self.listen(menu, caller, sentence)),
            "find" => need(Policy::READ).map(|()| self.find(menu, reply)),
            "get" => need(Policy::READ).and_then(|()| self.get(menu, caller, sentence, reply)),
            "monitor" if menu.menu().verbs.has(Verbs::MONITOR) => {
                need(Policy::READ).and_then(|()| self.monitor_user(menu, sentence, reply))
            }
            _ if has_verb(self.version, menu, verb) => {
                need(menu.menu().write_policy)?;
                if menu == MenuId::File && self.version.at_least(7, 24) {
                    need(Policy::FTP)?;
                }
                self.write(menu, verb, caller, sentence, reply)
            }
            _ => Err(Trap::no_such_command(self.version, verb)),
        }
    }

    fn write(
        &mut self,
        menu: MenuId,
        verb: &str,
        caller: &Caller,
        sentence: &Sentence,
        reply: &mut Reply,
    ) -> Result<(), Trap> {
        match verb {
            "add" => {
                let id = self.add(menu, caller, sentence)?;
                reply.done_with(id.to_string().as_bytes());
                return Ok(());
            }
            "set" => self.set(menu, caller, sentence)?,
            "remove" | "request-logout" => self.remove(menu, sentence)?,
            "enable" => self.switch(menu, caller, sentence, false)?,
            "disable" => self.switch(menu, caller, sentence, true)?,
            "unset" => self.unset(menu, caller, sentence)?,
            "move" => self.shift(menu, sentence)?,
            "comment" => self.comment(menu, caller, sentence)?,
            "close-session" => self.close_sessions(menu, sentence)?,
            "create-and-activate-profile" => self.give_profile(menu, sentence)?,
            "clear-profiles" => self.clear_profiles(menu, sentence)?,
            "activate-user-profile" => self.activate_profile(menu, sentence)?,
            "login" => self.hotspot_login_by_hand(sentence)?,
            "reset-counters" => self.reset_counters(menu, sentence, false)?,
            _ => self.reset_counters(menu, sentence, true)?,
        }
        reply.done();
        Ok(())
    }

    /// Names the first part of a path that no menu begins with.
    fn unknown_path(&self, command: &str) -> Trap {
        // It is there on every router, though nothing in it is simulated.
        const ALWAYS: &str = "/tool";
        let exists = |prefix: &str| {
            if prefix == ALWAYS {
                return true;
            }
            let mut menus = menu::CATALOGUE.iter().filter(|(id, _)| self.has_menu(*id));
            menus.any(|(_, menu)| {
                menu.path
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        let mut prefix = String::new();
        for part in command.split('/').filter(|part| !part.is_empty()) {
            prefix.push('/');
            prefix.push_str(part);
            if !exists(&prefix) {
                return Trap::no_such_menu(self.version, part);
            }
        }
        Trap::no_such_menu(self.version, command)
    }
}

/// Whether a menu has a command beyond those for reading.
fn has_verb(version: Version, menu: MenuId, verb: &str) -> bool {
    let verbs = menu.menu().verbs;
    let removes_by_name = menu != MenuId::UserActive || version.at_least(7, 19);
    match verb {
        // Version 6 takes keys from files only, and makes files as by-products only.
        "add" => {
            let newer = matches!(menu, MenuId::SshKeys | MenuId::File);
            verbs.has(Verbs::ADD) && (!newer || version.major >= 7)
        }
        "set" => verbs.has(Verbs::SET),
        "remove" => verbs.has(Verbs::REMOVE) && removes_by_name,
        "request-logout" => menu == MenuId::UserActive && !removes_by_name,
        "enable" | "disable" => verbs.has(Verbs::SWITCH),
        "unset" => verbs.has(Verbs::UNSET),
        "move" => verbs.has(Verbs::MOVE),
        "comment" => menu.menu().index("comment").is_some() && verbs.has(Verbs::SET),
        "reset-counters" | "reset-counters-all" => verbs.has(Verbs::RESET),
        "close-session" => verbs.has(Verbs::CLOSE_SESSION),
        "create-and-activate-profile" | "clear-profiles" => verbs.has(Verbs::PROFILES),
        "activate-user-profile" => verbs.has(Verbs::ACTIVATE),
        "login" => verbs.has(Verbs::LOGIN),
        _ => false,
    }
}

/// The commands of a menu, as the console has them.
pub(crate) fn verbs(version: Version, menu: MenuId) -> impl Iterator<Item = &'static str> {
    const WRITING: [&str; 16] = [
        "activate-user-profile",
        "add",
        "clear-profiles",
        "close-session",
        "comment",
        "create-and-activate-profile",
        "disable",
        "enable",
        "login",
        "move",
        "remove",
        "request-logout",
        "reset-counters",
        "reset-counters-all",
        "set",
        "unset",
    ];
    let finds = (!menu.menu().single).then_some("find");
    let writing = WRITING
        .into_iter()
        .filter(move |verb| has_verb(version, menu, verb));
    ["print", "get"].into_iter().chain(finds).chain(writing)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::{collection::vec, prelude::*, sample::select};
    use routeros_api::Command;

    use super::*;
    use crate::{
        firewall::{Lists as _, Truth},
        simulator::{PreparedNames, Quirks, dial::Dial, menu::CATALOGUE},
    };

    fn router(version: Version) -> State {
        let mut state = State::new(version, Quirks::default(), Duration::ZERO, 0);
        state.factory("");
        state.office("10.8.0.2-10.8.0.9");
        state.prepare(&PreparedNames::default(), "");
        for name in ["ann", "bob"] {
            let row = [
                ("name", name),
                ("password", "pw"),
                ("profile", "mikro2fa-vpn"),
            ];
            state.configure(MenuId::Secret, &row);
        }
        state
    }

    /// A command that is nearly right: a menu there is, a verb there may be, its properties with values of all kinds.
    fn any_command() -> impl Strategy<Value = Command> {
        let verbs = vec![
            "print",
            "add",
            "set",
            "remove",
            "enable",
            "disable",
            "unset",
            "move",
            "get",
            "find",
            "comment",
            "reset-counters",
            "x",
        ];
        let value = prop_oneof![
            select(vec![
                "",
                "yes",
                "no",
                "*1",
                "*800000",
                "ann",
                "10.8.0.4",
                "10.0.0.0/8",
                "1m",
                "0s",
                "!LAN",
                "forward",
                "accept",
                "jump",
                "api,read",
                "*1,*2,ann"
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            vec(any::<u8>(), 0..8),
        ];
        let menu = 0..CATALOGUE.len();
        (
            menu,
            select(verbs),
            vec((any::<prop::sample::Index>(), value), 0..5),
            any::<bool>(),
        )
            .prop_map(|(menu, verb, attributes, with_id)| {
                let menu = CATALOGUE[menu].1;
                let mut command = Command::new(format!("{}/{verb}", menu.path));
                for (index, value) in attributes {
                    let name = menu.fields[index.index(menu.fields.len())].name;
                    command = command.attribute(name, value);
                }
                if with_id {
                    command.attribute(".id", "*1")
                } else {
                    command
                }
            })
    }

    /// What is kept beside the rows says the same as the rows.
    fn check_indexes(state: &State) {
        for (id, menu) in CATALOGUE {
            let table = state.table(*id);
            assert_eq!(table.iter().count(), table.len(), "{}", menu.path);
            for row in table.iter() {
                assert_eq!(table.get(row.id).map(|row| row.id), Some(row.id));
            }
        }
        for row in state
            .table(MenuId::AddressList)
            .iter()
            .filter(|row| !row.is("disabled"))
        {
            if let Ok(address) = row.text("address").parse() {
                assert_eq!(state.address_listed(row.text("list"), address), Truth::Yes);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_commands_are_answered_once(commands in vec(any_command(), 1..40), version in select(vec![Version::V6_49, Version::V7_16, Version::V7_22])) {
            let mut state = router(version);
            let caller = Caller { connection: ConnectionId(1), user: "admin".to_owned(), policy: Policy::ALL };
            for (step, command) in commands.iter().enumerate() {
                state.catch_up(Duration::from_secs(step as u64 * 20));
                let _ = state.dial(&Dial::new("ann", "pw"));
                let reply = state.execute(&caller, &command.build());
                let mut decoder = Decoder::default();
                decoder.feed(&reply.bytes);
                let mut words = Vec::new();
                while let Some(sentence) = decoder.next_ref().unwrap() {
                    words.push(String::from_utf8(sentence.command().unwrap().to_vec()).unwrap());
                }
                prop_assert_eq!(words.iter().filter(|word| *word == "!done").count(), 1);
                prop_assert_eq!(words.last().map(String::as_str), Some("!done"));
                check_indexes(&state);
            }
            state.reboot();
            check_indexes(&state);
            prop_assert_eq!(state.table(MenuId::Active).len(), 0);
        }
    }
}
