//! What goes wrong on the way, when a test wants it to.

use super::refusal::Refusal;

/// One thing that goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call is refused with these words; nothing is done.
    Refuse(Refusal),
    /// Somebody between the bot and Telegram answers 502 with a page that is no JSON; nothing is done.
    BadGateway,
    /// The connection breaks before anything is done.
    LoseCall,
    /// It is done, and the connection breaks before the caller hears of it.
    LoseReply,
    /// The caller is told that it is done, and it is not.
    LoseMessage,
    /// Waits for [`super::FakeBotApi::release`], then is done and answered.
    Stall,
    /// Is done, and answered only after [`super::FakeBotApi::release`].
    StallReply,
}

/// Which calls a [`Fault`] meets, and how many of them.
///
/// # Examples
///
/// ```
/// use mikro2fa_telegram::fake_api::{Fault, FaultRule, Refusal};
///
/// let rule = FaultRule::new(Fault::Refuse(Refusal::too_many_requests(7))).method("sendMessage").times(2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    pub(super) fault: Fault,
    method: Option<String>,
    chat: Option<i64>,
    left: Option<u32>,
    skip: u32,
}

impl FaultRule {
    /// Meets the next call of any method but `getUpdates`, once.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            method: None,
            chat: None,
            left: Some(1),
            skip: 0,
        }
    }

    /// Meets this method only, in any case; the only way to reach `getUpdates`.
    #[must_use]
    pub fn method(self, name: &str) -> Self {
        Self {
            method: Some(name.to_owned()),
            ..self
        }
    }

    /// Meets calls about this chat only.
    #[must_use]
    pub fn chat(self, id: i64) -> Self {
        Self {
            chat: Some(id),
            ..self
        }
    }

    /// Meets so many calls; the default is one.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self {
            left: Some(count),
            ..self
        }
    }

    /// Meets every call until [`super::FakeBotApi::clear_faults`].
    #[must_use]
    pub fn forever(self) -> Self {
        Self { left: None, ..self }
    }

    /// Lets so many matching calls pass first.
    #[must_use]
    pub fn after(self, calls: u32) -> Self {
        Self {
            skip: calls,
            ..self
        }
    }

    fn matches(&self, method: &str, chat: Option<i64>) -> bool {
        let named = match &self.method {
            Some(name) => name.eq_ignore_ascii_case(method),
            None => method != "getUpdates",
        };
        named && self.chat.is_none_or(|id| Some(id) == chat) && self.left != Some(0)
    }

    /// Whether this very call is met; counts it.
    fn meets(&mut self, method: &str, chat: Option<i64>) -> bool {
        if !self.matches(method, chat) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.left = self.left.map(|left| left - 1);
        true
    }
}

/// The rules in force; the oldest that matches wins.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<FaultRule>);

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) {
        self.0.push(rule);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn meet(&mut self, method: &str, chat: Option<i64>) -> Option<Fault> {
        let fault = self
            .0
            .iter_mut()
            .find_map(|rule| rule.meets(method, chat).then(|| rule.fault.clone()));
        self.0.retain(|rule| rule.left != Some(0));
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_meets_what_it_names_and_so_often() {
        let mut faults = Faults::default();
        faults.add(
            FaultRule::new(Fault::LoseReply)
                .method("SENDMESSAGE")
                .chat(5)
                .after(1)
                .times(2),
        );
        let mut meet = |method, chat| faults.meet(method, chat).is_some();
        assert!(!meet("getMe", None));
        assert!(!meet("sendMessage", Some(6)));
        assert!(!meet("sendMessage", Some(5)));
        assert!(meet("sendMessage", Some(5)));
        assert!(meet("sendMessage", Some(5)));
        assert!(!meet("sendMessage", Some(5)));
    }

    #[test]
    fn polling_is_met_only_by_name() {
        let mut faults = Faults::default();
        faults.add(FaultRule::new(Fault::BadGateway).forever());
        assert_eq!(faults.meet("getUpdates", None), None);
        assert_eq!(faults.meet("getMe", None), Some(Fault::BadGateway));
        faults.clear();
        faults.add(FaultRule::new(Fault::BadGateway).method("getUpdates"));
        assert_eq!(faults.meet("getUpdates", None), Some(Fault::BadGateway));
    }
}
