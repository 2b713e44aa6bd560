//! Faults, played on a command.

use routeros_api::Sentence;

use super::{
    super::{
        faults::{Fault, Then},
        reply::Reply,
        state::State,
        timer::Timer,
        trap::Trap,
    },
    ConnectionId, Out,
};

impl State {
    /// Answers as the fault has it; `None` = not at all.
    pub(super) fn play(
        &mut self,
        id: ConnectionId,
        sentence: &Sentence,
        fault: Fault,
    ) -> Option<Reply> {
        let tag = sentence.api_attribute(".tag");
        match fault {
            Fault::Latency(_) => Some(self.answer(id, sentence)),
            Fault::LoseReply => {
                self.answer(id, sentence);
                None
            }
            Fault::Late(after) => {
                let caller = self.connections.all.get(&id)?.caller.clone()?;
                self.schedule(after, Timer::Command(caller, sentence.clone()));
                None
            }
            Fault::CutBefore => {
                self.push(id, Out::Close);
                None
            }
            Fault::CutAfter => {
                self.answer(id, sentence);
                self.push(id, Out::Close);
                None
            }
            Fault::CutMidReply(most) => {
                let mut reply = self.answer(id, sentence);
                reply.bytes.truncate(most);
                reply.closes = true;
                Some(reply)
            }
            Fault::Partial { rows, then } => Some(self.partial(id, sentence, rows, then)),
            Fault::Trap { category, message } => {
                let mut reply = Reply::to(tag);
                reply.trap(&Trap { category, message }, true);
                Some(reply)
            }
            Fault::RefuseLogin => {
                let mut reply = Reply::to(tag);
                reply.trap(&self.wrong_password(), true);
                Some(reply)
            }
            Fault::Fatal(reason) => {
                let mut reply = Reply::default();
                reply.fatal(&reason);
                Some(reply)
            }
            Fault::Stall => {
                self.connections.all.get_mut(&id)?.stalled = true;
                None
            }
            Fault::Garbage(bytes) => {
                let mut reply = Reply::default();
                reply.bytes = bytes;
                Some(reply)
            }
        }
    }

    fn partial(&mut self, id: ConnectionId, sentence: &Sentence, rows: usize, then: Then) -> Reply {
        let mut reply = self.answer(id, sentence);
        let kept = rows.min(reply.rows);
        let end = kept
            .checked_sub(1)
            .and_then(|last| reply.ends.get(last))
            .copied()
            .unwrap_or(0);
        reply.bytes.truncate(end);
        reply.rows = kept;
        match then {
            Then::Silence => {}
            Then::Cut => reply.closes = true,
            Then::Trap(message) => reply.trap(&Trap::plain(message), true),
        }
        reply
    }
}
