//! What a commit may write: proof of confirmation, and an audit entry for every change.

use super::*;

/// A commit is durable: it is looked through, and taken in.
pub(crate) fn durable(truth: &Truth, commit: &Commit) {
    let now = truth.now();
    let mut inner = truth.lock();
    if !inner.commits.insert(commit.id) {
        return;
    }
    for (_, session) in &commit.sessions {
        let old = inner.sessions.get(&session.id).cloned();
        inner.name(session.id.to_string(), 'S');
        inner.say(now, || {
            format!("durable {}", crate::words::session(session))
        });
        audited(&mut inner, commit, old.as_ref(), session, now);
        asked(truth, &mut inner, old.as_ref(), session, now);
        confirmed(truth, &mut inner, commit, old.as_ref(), session, now);
        if let Some(old) = &old
            && old.is_ended()
            && !session.is_ended()
        {
            inner.break_it(
                now,
                format!(
                    "an ended session was opened again: {}",
                    crate::words::session(session)
                ),
            );
        }
        inner.sessions.insert(session.id, session.clone());
        inner.changed_at = now;
    }
    for (message, _) in &commit.settled {
        inner.unsettled.remove(message);
    }
    for change in &commit.bans {
        let entry = commit.audit.iter().any(|entry| match change {
            BanChange::Put(_) => matches!(entry.what, AuditKind::Banned { .. }),
            BanChange::Lift(_) => matches!(entry.what, AuditKind::Unbanned { .. }),
        });
        if !entry {
            inner.break_it(now, format!("no audit entry for {change:?}"));
        }
        inner.say(now, || format!("durable {change:?}"));
        match change {
            BanChange::Put(ban) => inner.bans.insert(ban.id, ban.clone()),
            BanChange::Lift(ban) => inner.bans.remove(ban),
        };
    }
}

/// Property 6.
fn audited(
    inner: &mut Inner,
    commit: &Commit,
    old: Option<&Session>,
    new: &Session,
    now: Timestamp,
) {
    let entries: Vec<&AuditKind> = commit
        .audit
        .iter()
        .filter(|entry| entry.session == Some(new.id))
        .map(|entry| &entry.what)
        .collect();
    let said = |is_it: &dyn Fn(&AuditKind) -> bool| entries.iter().any(|entry| is_it(entry));
    let mut missing = Vec::new();
    match old {
        None if !said(&|e| matches!(e, AuditKind::SessionOpened { .. })) => missing.push("opened"),
        Some(old) if old.state.name() != new.state.name() => {
            let told = said(&|e| match e {
                AuditKind::Transition { from, to, .. } => {
                    *from == old.state.name() && *to == new.state.name()
                }
                AuditKind::Ended { .. } => new.is_ended(),
                _ => false,
            });
            if !told {
                missing.push("transition");
            }
        }
        _ => {}
    }
    let reason = |session: &Session| match session.state {
        SessionState::Ended { reason, .. } => Some(reason),
        _ => None,
    };
    if old.map(reason) != Some(reason(new)) && reason(new).is_some() {
        let told =
            said(&|e| matches!(e, AuditKind::Ended { reason: r, .. } if Some(*r) == reason(new)));
        if !told {
            missing.push("reason");
        }
    }
    if challenge(new).is_some()
        && old.and_then(challenge) != challenge(new)
        && !said(&|e| matches!(e, AuditKind::Challenged { .. }))
    {
        missing.push("question");
    }
    let ends = |session: &Session| session.access().map(|access| access.expires_at);
    if let (Some(was), Some(is)) = (old.and_then(ends), ends(new)) {
        if is < was {
            inner.break_it(
                now,
                format!("a session's end was moved forward: {was:?} to {is:?}"),
            );
        }
        if is != was && !said(&|e| matches!(e, AuditKind::Extended { .. })) {
            missing.push("extension");
        }
    }
    if !missing.is_empty() {
        inner.break_it(
            now,
            format!(
                "no audit entry ({missing:?}) for {:?} -> {}",
                old.map(crate::words::session),
                crate::words::session(new)
            ),
        );
    }
}

fn challenge(session: &Session) -> Option<mikro2fa_core::id::ChallengeId> {
    match &session.state {
        SessionState::Challenged { challenge, .. } => Some(challenge.id),
        _ => None,
    }
}

/// A question: about a line that a look has seen; not about a banned account, and not too often.
fn asked(truth: &Truth, inner: &mut Inner, old: Option<&Session>, new: &Session, now: Timestamp) {
    let SessionState::Challenged { tunnel, challenge } = &new.state else {
        return;
    };
    if old.and_then(self::challenge) == Some(challenge.id) {
        return;
    }
    inner.name(challenge.id.to_string(), 'C');
    let line = inner.line_of(tunnel);
    if line.is_none() {
        inner.break_it(
            now,
            format!("asked about a tunnel that no look has shown: {tunnel:?}"),
        );
    }
    if inner.asked.insert(challenge.id, (new.id, line)).is_some() {
        inner.break_it(now, "one challenge for two questions".to_owned());
    }
    let banned = inner
        .bans
        .values()
        .any(|ban| ban.account == new.account && ban.covers(tunnel.caller.as_ref(), now));
    if banned {
        inner.break_it(now, format!("asked about a banned tunnel: {tunnel:?}"));
    }
    // Between two questions of the owner's own wish no more than may be in an hour.
    let prompts = inner.prompts.entry(new.account).or_default();
    prompts.push(now);
    let recent = prompts
        .iter()
        .filter(|at| now.since(**at) < Duration::from_secs(3_599))
        .count();
    if recent > usize::from(truth.settings.resolved.max_prompts_per_hour.max(6)) {
        inner.break_it(now, format!("asked {recent} times within an hour"));
    }
}

/// Property 2.
fn confirmed(
    truth: &Truth,
    inner: &mut Inner,
    commit: &Commit,
    old: Option<&Session>,
    new: &Session,
    now: Timestamp,
) {
    let Some((tunnel, _)) = new.lets_through(Timestamp(i64::MIN)) else {
        return;
    };
    let Some(access) = new.access() else { return };
    let line = inner.line_of(tunnel);
    let Some(line) = line else {
        inner.break_it(
            now,
            format!("opened for a tunnel that no look has shown: {tunnel:?}"),
        );
        return;
    };
    if let Some(before) = inner.confirmed.get(&new.id).copied() {
        if before != line {
            let wrong = resumed(truth, inner, old, new, (before, line), now);
            if let Some(wrong) = wrong {
                inner.break_it(
                    now,
                    format!("{} was resumed: {wrong}", crate::words::session(new)),
                );
            }
            inner.confirmed.insert(new.id, line);
        }
        return;
    }
    let wrong = if let Some(challenge) = access.confirmed.challenge() {
        answered(inner, commit, old, new, challenge, line, now)
    } else if access.confirmed.operator().is_some() {
        (!inner.let_in.contains(&new.id)).then_some("no operator has let it in")
    } else {
        truth
            .settings
            .resolved
            .require_confirmation
            .then_some("policy asks for confirmation")
    };
    if let Some(wrong) = wrong {
        inner.break_it(
            now,
            format!("{} was opened: {wrong}", crate::words::session(new)),
        );
    }
    inner.confirmed.insert(new.id, line);
}

/// The owner's own yes, in time, to the very question about this line.
fn answered(
    inner: &Inner,
    commit: &Commit,
    old: Option<&Session>,
    new: &Session,
    challenge: mikro2fa_core::id::ChallengeId,
    line: Line,
    now: Timestamp,
) -> Option<&'static str> {
    let Some(SessionState::Challenged {
        challenge: open, ..
    }) = old.map(|old| &old.state)
    else {
        return Some("nothing was asked");
    };
    if open.id != challenge || inner.asked.get(&challenge) != Some(&(new.id, Some(line))) {
        return Some("the question was about another tunnel");
    }
    let answer = commit.audit.iter().any(|entry| {
        entry.what
            == AuditKind::Answered {
                challenge,
                answer: Answer::Yes,
                by: new.owner,
            }
            && entry.session == Some(new.id)
    });
    if !answer {
        return Some("no answer of its owner's is in the audit log");
    }
    let at = new.access().map_or(now, |access| access.started_at);
    let late = match open.asked {
        Asked::Delivered { until, .. } => open.paused_at.is_none() && at >= until,
        Asked::Undelivered { give_up_at } => open.paused_at.is_none() && at >= give_up_at,
    };
    let banned = inner.bans.values().any(|ban| {
        ban.account == new.account
            && ban.scope == BanScope::Account
            && ban.until.is_none_or(|until| now < until)
    });
    if banned {
        return Some("its account is banned");
    }
    late.then_some("the answer came after its deadline")
}

/// A reconnect that needs no question.
fn resumed(
    truth: &Truth,
    inner: &Inner,
    old: Option<&Session>,
    new: &Session,
    (before, line): (Line, Line),
    now: Timestamp,
) -> Option<&'static str> {
    let resume = truth.settings.resolved.resume;
    let Some(SessionState::Grace {
        access,
        until,
        gone,
        ..
    }) = old.map(|old| &old.state)
    else {
        return Some("its old tunnel was not gone");
    };
    let resumes = new.access().map_or(0, |access| access.resumes);
    let (Some(was), Some(is)) = (inner.lines.get(&before), inner.lines.get(&line)) else {
        return Some("nobody knows its line");
    };
    if !gone || was.gone_at.is_none() {
        return Some("its old tunnel is still there");
    }
    let started = match &new.state {
        SessionState::Opening { since, .. } => *since,
        _ => now,
    };
    if started >= *until || started >= access.expires_at || resumes > 3 || resume == Resume::Off {
        return Some("its time was over, or it may not be resumed");
    }
    if was.account != is.account
        || !is_alike(was.caller.as_ref(), is.caller.as_ref())
        || !matches!(is.caller, Some(Caller::Ip(_)))
    {
        return Some("not the same account and caller");
    }
    let shared = inner.lines.values().any(|other| {
        other.account != is.account
            && is_alike(other.caller.as_ref(), is.caller.as_ref())
            && crate::world::OWNED.contains(&&*other.account)
            && other.seen_at.is_some_and(|at| at < started)
            && other
                .gone_at
                .is_none_or(|at| started.since(at) < Duration::from_secs(24 * 3_600))
    });
    if shared && resume == Resume::PrivateCaller {
        return Some("another account was seen from there");
    }
    let banned = inner
        .bans
        .values()
        .any(|ban| ban.account == new.account && ban.covers(is.caller.as_ref(), now));
    banned.then_some("its account is banned")
}
