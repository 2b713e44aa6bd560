//! The first run: nobody can call the API yet, so it makes the one token that can.

use std::sync::Arc;

use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    directory::{ApiToken, DeskChange, Directory},
    entropy::Entropy,
    session::Actor,
    store::StoreError,
    time::Timestamp,
};

use crate::auth::Token;

/// A token to be shown once, where there is none yet. Only its digest is kept.
///
/// # Errors
///
/// Of the database; nothing was made then.
pub async fn first_token(
    directory: &Arc<dyn Directory>,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<Option<Token>, StoreError> {
    if directory.has_tokens().await? {
        return Ok(None);
    }
    let token = Token::fresh(entropy);
    let stored = ApiToken {
        digest: token.digest(),
        name: "first run".into(),
        created_at: now,
        until: None,
    };
    let what = AuditKind::Desk {
        actor: Actor::Policy,
        change: "made the first API token".into(),
    };
    let audit = AuditEntry {
        at: now,
        session: None,
        router: None,
        account: None,
        what,
    };
    directory
        .change(vec![DeskChange::PutToken(stored)], vec![audit])
        .await?;
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::{
        entropy::SeededEntropy,
        testing::{ManualClock, MemoryStore},
    };

    use super::*;

    #[tokio::test]
    async fn only_the_first_run_makes_one() {
        let now = Timestamp(1_795_183_200_000);
        let store = MemoryStore::new(Arc::new(ManualClock::new(now)));
        let directory: Arc<dyn Directory> = Arc::new(store.clone());
        let entropy = SeededEntropy::new(1);
        let token = first_token(&directory, &entropy, now)
            .await
            .unwrap()
            .unwrap();
        assert!(
            directory
                .token(token.digest(), now)
                .await
                .unwrap()
                .is_some()
        );
        assert!(
            first_token(&directory, &entropy, now)
                .await
                .unwrap()
                .is_none()
        );
        assert!(!format!("{:?}", store.audit_log()).contains(token.expose()));
    }
}
