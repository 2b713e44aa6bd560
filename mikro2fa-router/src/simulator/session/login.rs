//! Logging in, both ways.

use std::time::Duration;

use md5::{Digest as _, Md5};
use routeros_api::Sentence;

use super::{
    super::{
        command::Caller, menu::MenuId, policy::Policy, reply::Reply, state::State, trap::Trap,
        version::LoginRefusal,
    },
    ConnectionId, allows,
};

impl State {
    pub(super) fn log_in(&mut self, id: ConnectionId, sentence: &Sentence) -> Reply {
        let mut reply = Reply::to(sentence.api_attribute(".tag"));
        let says = |name: &str| sentence.attribute(name).is_some();
        let asks = !says("response") && !says("password");
        if !self.version.has_plain_login() && !says("response")
            || self.version.has_challenge_login() && asks
        {
            let challenge = challenge_for(id, self.now);
            if let Some(connection) = self.connections.all.get_mut(&id) {
                connection.challenge = Some(challenge);
            }
            reply.done_with(hex(&challenge).as_bytes());
            return reply;
        }
        match self.check_login(id, sentence) {
            Ok(caller) => {
                self.welcome(id, caller);
                reply.done();
            }
            Err(refusal) => {
                let name = String::from_utf8_lossy(sentence.attribute("name").unwrap_or_default())
                    .into_owned();
                self.tell_failed_login(id, &name);
                reply.trap(&refusal, self.quirks.trap_categories);
                reply.closes = self.quirks.failed_login_closes;
            }
        }
        reply
    }

    /// A failed login stands in the log.
    pub(super) fn tell_failed_login(&mut self, id: ConnectionId, name: &str) {
        let Some(connection) = self.connections.all.get(&id) else {
            return;
        };
        let (peer, port) = (connection.peer, connection.port.shown());
        self.log(
            "system,error,critical",
            format!("login failure for user {name} from {peer} via {port}"),
        );
    }

    /// What a wrong password is answered with.
    pub(super) fn wrong_password(&self) -> Trap {
        Trap::plain(if self.version.has_plain_login() {
            "invalid user name or password (6)"
        } else {
            "cannot log in"
        })
    }

    fn check_login(&self, id: ConnectionId, sentence: &Sentence) -> Result<Caller, Trap> {
        let caller = self
            .known_user(id, sentence)
            .ok_or_else(|| self.wrong_password())?;
        let connection = self.connections.all.get(&id);
        let user = self.table(MenuId::User).named(&caller.user);
        let may = user.zip(connection).is_some_and(|(user, connection)| {
            !user.is("disabled")
                && caller.policy.has(Policy::API)
                && allows(user.text("address"), connection.peer)
        });
        match self.quirks.login_refusal {
            _ if may => Ok(caller),
            LoginRefusal::AsWrongPassword => Err(self.wrong_password()),
            LoginRefusal::NotPermitted => Err(Trap::not_enough_permissions()),
        }
    }

    /// Who has proved a password, whether or not that helps.
    fn known_user(&self, id: ConnectionId, sentence: &Sentence) -> Option<Caller> {
        let connection = self.connections.all.get(&id)?;
        let name = std::str::from_utf8(sentence.attribute("name")?).ok()?;
        let user = self.table(MenuId::User).named(name)?;
        let password = user.bytes("password").unwrap_or_default();
        let proved = if self.version.has_plain_login() && sentence.attribute("response").is_none() {
            sentence.attribute("password").unwrap_or_default() == password
        } else {
            let expected = response_to(&connection.challenge?, password);
            sentence
                .attribute("response")
                .unwrap_or_default()
                .eq_ignore_ascii_case(expected.as_bytes())
        };
        let group = self.table(MenuId::Group).named(user.text("group"))?;
        let policy = Policy::parse(group.text("policy"), self.version)?;
        proved.then(|| Caller {
            connection: id,
            user: name.to_owned(),
            policy,
        })
    }

    /// A login worked: it stands in `/user/active` and in the log.
    pub(super) fn welcome(&mut self, id: ConnectionId, caller: Caller) {
        let Some(connection) = self.connections.all.get(&id) else {
            return;
        };
        let (peer, port) = (connection.peer, connection.port.shown());
        let user = caller.user.clone();
        let when = self.date_time(self.now);
        let group = self
            .table(MenuId::User)
            .named(&user)
            .map(|row| row.text("group").to_owned())
            .unwrap_or_default();
        let row = self.row(MenuId::UserActive).with_all(&[
            ("name", &user),
            ("via", port),
            ("group", &group),
        ]);
        let row = row
            .with("when", when.clone())
            .with("address", peer.to_string());
        let active = self.insert(MenuId::UserActive, row);
        if let Some(row) = self.table(MenuId::User).named(&user).map(|row| row.id) {
            self.update(MenuId::User, row, |row| row.set("last-logged-in", when));
        }
        let replaced = self.connections.all.get_mut(&id).and_then(|connection| {
            connection.caller = Some(caller);
            connection.active.replace(active)
        });
        if let Some(replaced) = replaced {
            self.delete(MenuId::UserActive, replaced);
        }
        self.log(
            "system,info,account",
            format!("user {user} logged in from {peer} via {port}"),
        );
    }
}

/// A challenge that differs each time. The simulator guards nothing, so it need not be hard to guess.
fn challenge_for(id: ConnectionId, now: Duration) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(id.0.to_be_bytes());
    hash.update(now.as_nanos().to_be_bytes());
    hash.finalize().into()
}

/// `00` and the MD5 of a zero byte, the password and the challenge (MikroTik wiki, *Manual:API*, login before 6.43).
fn response_to(challenge: &[u8], password: &[u8]) -> String {
    let mut hash = Md5::new();
    hash.update([0]);
    hash.update(password);
    hash.update(challenge);
    format!("00{}", hex(&hash.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_login_is_computed_as_documented() {
        let challenge = [0xab, 0xc1, 0x23];
        assert_eq!(
            response_to(&challenge, b"passTest"),
            "0021277bff9ac7caf06aa608e46616d47f"
        );
    }
}
