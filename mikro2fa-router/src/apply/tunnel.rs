//! Cutting a live tunnel.

use mikro2fa_core::{
    router_backend::Applied,
    time::Timestamp,
    tunnel::{Text, TunnelKey, TunnelSource},
};

use super::{Batch, Context, Errand, Words, ended, impossible};
use crate::{
    handle::Id,
    ppp,
    transport::{Answer, End, No},
};

/// Cuts the tunnel that a key names. Its id may be a slot that the next tunnel has taken meanwhile, so name and session
/// id are compared first; between that and the cut only the router's own pace is left, and not even that where the two
/// can be said at once.
pub(super) struct Cut<'a> {
    key: &'a TunnelKey,
    account: &'a Text,
    id: Id,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Compare,
    Cut,
}

impl<'a> Cut<'a> {
    pub(super) fn new(
        context: &Context<'_>,
        key: &'a TunnelKey,
        account: &'a Text,
    ) -> Result<Self, Applied> {
        if key.router != context.site.router {
            return Err(impossible("the tunnel is of another router"));
        }
        if key.source != TunnelSource::Ppp {
            return Err(impossible("only PPP tunnels can be cut"));
        }
        let id = Id::parse(key.handle.as_bytes())
            .ok_or_else(|| impossible(format!("`{}` is no id of a tunnel", key.handle)))?;
        Ok(Self {
            key,
            account,
            id,
            step: Step::Compare,
        })
    }

    fn compare(&mut self, answer: &Answer) -> Option<Applied> {
        let still = answer.rows.iter().any(|row| {
            let (account, nonce) = ppp::who(row);
            row.id() == Some(self.id.as_ref())
                && account == *self.account
                && (self.key.nonce.is_none() || nonce == self.key.nonce)
        });
        if !still {
            return Some(Applied::AlreadySo);
        }
        self.step = Step::Cut;
        None
    }
}

impl Errand for Cut<'_> {
    fn say(&self, _now: Timestamp) -> Option<Words> {
        let id = self.id.clone();
        Some(match self.step {
            Step::Compare => Words::Together(Batch::WhoIsAt, id, None),
            Step::Cut => {
                let guard = ppp::still(&id, self.account, self.key.nonce.as_deref());
                Words::Together(Batch::Cut, id, Some(guard))
            }
        })
    }

    fn hear(&mut self, answer: &Answer) -> Option<Applied> {
        match (self.step, &answer.end) {
            (Step::Compare, End::Done { .. }) => self.compare(answer),
            (_, End::Refused(no)) if no.kind == No::Gone => Some(Applied::AlreadySo),
            (step, end) => Some(ended(end, matches!(step, Step::Cut))),
        }
    }
}
