//! The machine.
use crate::{
    id::{ChallengeId, OfferId},
    policy::Policy,
    session::{Event, Out, Session},
    time::Timestamp,
};
/// Ids drawn beforehand.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// A challenge's.
    pub challenge: ChallengeId,
    /// An offer's.
    pub offer: OfferId,
}
/// What a step goes by.
#[derive(Clone, Copy, Debug)]
pub struct StepContext<'a> {
    /// Now.
    pub now: Timestamp,
    /// The policy.
    pub policy: &'a Policy,
    /// Fresh ids.
    pub fresh: Fresh,
}
/// Why an event changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ignored {
    /// It makes no sense now.
    NotNow,
}
/// What an event did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Something changed.
    Stepped,
    /// Nothing did.
    Ignored(Ignored),
}
/// Advances.
pub fn step(
    _session: &mut Session,
    _event: &Event,
    _context: &StepContext<'_>,
    _out: &mut Out,
) -> Outcome {
    Outcome::Ignored(Ignored::NotNow)
}
