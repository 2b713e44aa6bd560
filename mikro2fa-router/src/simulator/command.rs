//! From a sentence to what it does.

use routeros_api::{Decoder, Sentence};

use super::{
    menu::{self, MenuId, Verbs},
    policy::Policy,
    reply::Reply,
    session::ConnectionId,
    state::State,
    trap::Trap,
};

/// Who sends a command.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) connection: ConnectionId,
    pub(crate) user: String,
    /// What the user's group allowed at login: a later change does not reach a live session (CVE-2026-14227).
    pub(crate) policy: Policy,
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
        let caller = Caller {
            connection: ConnectionId(0),
            user: String::new(),
            policy: Policy::ALL,
        };
        let reply = self.execute(&caller, sentence);
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
        Ok(ret)
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
        let Some(menu) = menu::at_path(path, self.version) else {
            return Err(self.unknown_path(&command));
        };
        match verb {
            "print" | "getall" => {
                need(Policy::READ).and_then(|()| self.print(menu, caller, sentence, reply))
            }
            "listen" => need(Policy::READ).and_then(|()| self.listen(menu, caller, sentence)),
            "find" => need(Policy::READ).map(|()| self.find(menu, reply)),
            "get" => need(Policy::READ).and_then(|()| self.get(menu, caller, sentence, reply)),
            _ if self.has_verb(menu, verb) => {
                need(menu.menu().write_policy)?;
                self.write(menu, verb, caller, sentence, reply)
            }
            _ => Err(Trap::no_such_command(self.version, verb)),
        }
    }

    fn has_verb(&self, menu: MenuId, verb: &str) -> bool {
        let verbs = menu.menu().verbs;
        let removes_by_name = menu != MenuId::UserActive || self.version.at_least(7, 19);
        match verb {
            "add" => verbs.has(Verbs::ADD),
            "set" => verbs.has(Verbs::SET),
            "remove" => verbs.has(Verbs::REMOVE) && removes_by_name,
            "request-logout" => menu == MenuId::UserActive && !removes_by_name,
            "enable" | "disable" => verbs.has(Verbs::SWITCH),
            "unset" => verbs.has(Verbs::UNSET),
            "move" => verbs.has(Verbs::MOVE),
            "comment" => menu.menu().index("comment").is_some() && verbs.has(Verbs::SET),
            "reset-counters" | "reset-counters-all" => verbs.has(Verbs::RESET),
            _ => false,
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
                let id = self.add(menu, sentence)?;
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
            "reset-counters" => self.reset_counters(menu, sentence, false)?,
            _ => self.reset_counters(menu, sentence, true)?,
        }
        reply.done();
        Ok(())
    }

    /// Names the first part of a path that no menu begins with.
    fn unknown_path(&self, command: &str) -> Trap {
        let exists = |prefix: &str| {
            let mut menus = menu::CATALOGUE
                .iter()
                .filter(|(_, menu)| menu.exists_in(self.version));
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
