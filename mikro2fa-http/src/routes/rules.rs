//! `/api/routers/ID/rules`: firewall rules with `2FA` in their comment, as they stand now, and whom they are bound to.

use std::sync::Arc;

use mikro2fa_core::{
    desk::{Bound, Router, RuleBinding},
    id::{AccountId, UserId},
    router_backend::RuleRow,
    tunnel::Text,
};
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, done, one},
    routers,
};
use crate::error::{Kind, Problem};

pub(super) async fn answer(api: &Arc<Api>, call: &Call, router: Router) -> Answer {
    match call.method {
        Method::GET => list(api, call, &router).await,
        Method::POST => bind(api, call, router).await,
        Method::DELETE => unbind(api, call, router).await,
        _ => call.no_such_method(),
    }
}

/// A rule, or a binding whose rule is not there.
#[derive(Serialize)]
struct RuleView {
    comment: Text,
    #[serde(flatten)]
    rule: Option<Seen>,
    /// Whose tunnels it follows; none = nobody's, and it is left alone.
    bound: Option<Bound>,
    /// Why it lets nobody through although it is bound, or cannot be bound.
    trouble: Option<Trouble>,
}

#[derive(Serialize)]
struct Seen {
    chain: Text,
    action: Text,
    enabled: bool,
    /// How many rules with a comment stand above it in its chain.
    place: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Trouble {
    /// No rule has the comment.
    Gone,
    /// Several have it.
    Ambiguous,
}

async fn seen(api: &Api, router: &Router) -> Result<Vec<RuleRow>, Problem> {
    let rules = api.engine.rules(router.id).await?;
    rules.map_err(|why| Problem::with(Kind::Unavailable, why.to_string()))
}

async fn list(api: &Api, call: &Call, router: &Router) -> Answer {
    #[derive(Serialize)]
    struct Listed {
        rows: Vec<RuleView>,
    }
    call.only(&[])?;
    let rules = seen(api, router).await?;
    let rows = views(&rules, &router.gates.rules);
    one(StatusCode::OK, &Listed { rows })
}

fn views(rules: &[RuleRow], bindings: &[RuleBinding]) -> Vec<RuleView> {
    let bound = |comment: &Text| {
        let binding = bindings.iter().find(|it| it.comment == *comment);
        binding.map(|binding| binding.to)
    };
    let alike = |comment: &Text| rules.iter().filter(|it| it.comment == *comment).count();
    let there = rules.iter().map(|rule| RuleView {
        comment: Arc::clone(&rule.comment),
        rule: Some(Seen {
            chain: Arc::clone(&rule.chain),
            action: Arc::clone(&rule.action),
            enabled: rule.enabled,
            place: rule.place,
        }),
        bound: bound(&rule.comment),
        trouble: (alike(&rule.comment) > 1).then_some(Trouble::Ambiguous),
    });
    let gone = bindings.iter().filter(|it| alike(&it.comment) == 0);
    let gone = gone.map(|binding| RuleView {
        comment: Arc::clone(&binding.comment),
        rule: None,
        bound: Some(binding.to),
        trouble: Some(Trouble::Gone),
    });
    there.chain(gone).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBinding {
    comment: Text,
    account: Option<AccountId>,
    user: Option<UserId>,
}

impl NewBinding {
    fn to(&self) -> Result<Bound, Problem> {
        match (self.account, self.user) {
            (Some(account), None) => Ok(Bound::Account(account)),
            (None, Some(user)) => Ok(Bound::User(user)),
            _ => Err(Problem::with(
                Kind::Invalid,
                "say whom the rule is to follow: either `account` or `user`, with its id",
            )),
        }
    }
}

/// A rule is bound only while exactly one has its comment: which one is meant is never guessed.
async fn bind(api: &Arc<Api>, call: &Call, router: Router) -> Answer {
    let binding: NewBinding = call.json()?;
    let to = binding.to()?;
    let comment = binding.comment;
    let conflict = |why: &'static str| Problem::with(Kind::Conflict, why);
    if router.gates.rules.iter().any(|it| it.comment == comment) {
        return Err(conflict("that rule is bound already; unbind it first"));
    }
    exists(api, &router, to).await?;
    let rules = seen(api, &router).await?;
    match rules.iter().filter(|it| it.comment == comment).count() {
        0 => {
            return Err(Problem::with(
                Kind::Invalid,
                "comment: no rule with `2FA` in it has this comment on the router",
            ));
        }
        1 => {}
        _ => return Err(conflict("several rules have this comment; make it unique")),
    }
    let mut gates = router.gates.clone();
    gates.rules.push(RuleBinding {
        comment: Arc::clone(&comment),
        to,
    });
    let router = Router {
        gates,
        version: router.version.saturating_add(1),
        ..router
    };
    let audit = routers::audited(call, "bound a rule of router", &router, &about(&comment));
    routers::put(api, &router, audit).await?;
    let view = views(&rules, &router.gates.rules);
    let view = view.into_iter().find(|view| view.comment == comment);
    one(StatusCode::CREATED, &view)
}

/// Whom a rule is to follow has to be there, an account on this router.
async fn exists(api: &Api, router: &Router, to: Bound) -> Result<(), Problem> {
    let there = match to {
        Bound::User(user) => api.directory.user(user).await?.is_some(),
        Bound::Account(account) => {
            let there = api.directory.account(account).await?.is_some();
            there && {
                let routers = api.engine.routers_of(account).await?;
                routers.iter().any(|it| it.id == router.id)
            }
        }
    };
    if there {
        Ok(())
    } else {
        let why = "account or user: there is none like that on this router";
        Err(Problem::with(Kind::Invalid, why))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unbinding {
    comment: Text,
}

/// The rule is the administrator's again. Where it counts it is switched off first: it would go on to let somebody through, and
/// nobody would ever end that.
async fn unbind(api: &Arc<Api>, call: &Call, router: Router) -> Answer {
    let Unbinding { comment } = call.json()?;
    let mut gates = router.gates.clone();
    gates.rules.retain(|it| it.comment != comment);
    if gates.rules.len() == router.gates.rules.len() {
        return Err(Problem::new(Kind::NotFound));
    }
    let went = api
        .engine
        .let_go_of_rule(router.id, Arc::clone(&comment))
        .await?;
    went.map_err(|why| {
        let why = format!("the rule can't be switched off, so it stays bound: {why}");
        Problem::with(Kind::Unavailable, why)
    })?;
    let router = Router {
        gates,
        version: router.version.saturating_add(1),
        ..router
    };
    let audit = routers::audited(call, "unbound a rule of router", &router, &about(&comment));
    routers::put(api, &router, audit).await?;
    done()
}

fn about(comment: &str) -> String {
    format!(": {comment}")
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    fn rule(comment: &str) -> RuleRow {
        RuleRow {
            handle: "*1".into(),
            comment: comment.into(),
            enabled: true,
            chain: "forward".into(),
            action: "accept".into(),
            place: Some(3),
        }
    }

    #[test]
    fn bindings_whose_rule_is_gone_are_shown_too() {
        let id = UserId::from_uuid(uuid::Uuid::from_u128(7));
        let bound = |comment: &str| RuleBinding {
            comment: comment.into(),
            to: Bound::User(id),
        };
        let rules = [rule("2FA a"), rule("2FA twice"), rule("2FA twice")];
        let shown = views(&rules, &[bound("2FA a"), bound("2FA gone")]);
        assert_eq!(
            to_value(shown).unwrap(),
            json!([
                {"comment": "2FA a", "chain": "forward", "action": "accept", "enabled": true, "place": 3,
                 "bound": {"user": id}, "trouble": null},
                {"comment": "2FA twice", "chain": "forward", "action": "accept", "enabled": true, "place": 3,
                 "bound": null, "trouble": "ambiguous"},
                {"comment": "2FA twice", "chain": "forward", "action": "accept", "enabled": true, "place": 3,
                 "bound": null, "trouble": "ambiguous"},
                {"comment": "2FA gone", "bound": {"user": id}, "trouble": "gone"},
            ])
        );
    }
}
