//! However a router is used, it is never asked more than its budget allows, what closes aside.

use std::collections::VecDeque;

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::time::Instant;

use super::*;
use crate::{
    error::Error,
    scripted::answer,
    transport::{Abilities, Answer, Gate, Line, Transport},
};

/// Counts what it is asked, and answers each at once.
#[derive(Clone, Default)]
struct Counting {
    asked: Arc<Mutex<Vec<(Instant, Sentence)>>>,
}

#[async_trait]
impl Transport for Counting {
    type Line = Self;

    async fn connect(&self) -> Result<Self, Error> {
        Ok(self.clone())
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            watch: false,
            pipeline: true,
        }
    }
}

#[async_trait]
impl Line for Counting {
    async fn exchange(&self, sentences: Vec<Sentence>, _gate: Gate) -> Vec<Answer> {
        let mut asked = self.asked.lock().unwrap();
        let answers = sentences.iter().map(|sentence| {
            answer(match sentence.path() {
                Path::ResourcePrint => "uptime=5h",
                Path::ListAdd => "done *5",
                _ => "done",
            })
        });
        let answers = answers.collect();
        asked.extend(sentences.into_iter().map(|it| (Instant::now(), it)));
        answers
    }

    async fn watch(
        &self,
        _sentence: Sentence,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error> {
        Err(Error::Closed)
    }

    fn closed(&self) -> Option<Error> {
        None
    }

    fn close(&self) {}
}

#[derive(Clone, Copy, Debug)]
enum Use {
    Look,
    LookAtOne,
    Permits(u8),
    Revoke,
    Rest(u16),
}

fn any_use() -> impl Strategy<Value = Use> {
    prop_oneof![
        4 => Just(Use::Look),
        2 => Just(Use::LookAtOne),
        2 => (1_u8..150).prop_map(Use::Permits),
        1 => Just(Use::Revoke),
        2 => (0_u16..3_000).prop_map(Use::Rest),
    ]
}

async fn spend(backend: &RouterOs<Counting>, what: Use) {
    match what {
        Use::Look => {
            backend.observe(&Look::complete()).await.unwrap();
        }
        Use::LookAtOne => {
            let look = Look {
                tunnels: Part::These(vec!["ann".into()]),
                ..Look::default()
            };
            backend.observe(&look).await.unwrap();
        }
        Use::Permits(count) => {
            let permits: Vec<Command> = (0..count).map(permit).collect();
            backend.apply(&for_ever(), &permits).await.unwrap();
        }
        Use::Revoke => {
            let revoke = Command::Revoke {
                session: SessionId::from_uuid(Uuid::from_u128(7)),
                address: Prefix::host(std::net::Ipv4Addr::new(10, 8, 0, 4).into()),
                known: None,
            };
            backend.apply(&for_ever(), &[revoke]).await.unwrap();
        }
        Use::Rest(millis) => tokio::time::sleep(Duration::from_millis(millis.into())).await,
    }
}

/// The most that was asked within any window, and the most of what had to wait, whatever closed meanwhile.
fn most_within(asked: &[(Instant, Sentence)], window: Duration) -> usize {
    let mut lately: VecDeque<Instant> = VecDeque::new();
    let mut most = 0;
    for (at, _) in asked {
        while lately.front().is_some_and(|first| *at - *first >= window) {
            lately.pop_front();
        }
        lately.push_back(*at);
        most = most.max(lately.len());
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_window_holds_more_requests_than_the_budget(uses in proptest::collection::vec(any_use(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let router = Counting::default();
        let limits = budget::Limits::default();
        runtime.block_on(async {
            let backend = RouterOs::new(
                router.clone(),
                id(),
                ListNames::default(),
                InstallationId::from_uuid(Uuid::from_u128(0)),
                Arc::new(Still(NOW.into())),
                Settings::default(),
            );
            for what in &uses {
                spend(&backend, *what).await;
            }
        });
        let asked = router.asked.lock().unwrap();
        // What closes does not wait, but all else makes room for it.
        let closing = uses.iter().filter(|it| matches!(it, Use::Revoke)).count() * 4;
        let most = most_within(&asked, limits.window);
        prop_assert!(most <= limits.requests as usize + closing, "{most} and at most {closing} that close");
        if closing == 0 {
            prop_assert!(most <= limits.requests as usize, "{most}");
        }
    }
}
