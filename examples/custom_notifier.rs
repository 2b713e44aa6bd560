//! A `Notifier` of your own: questions go to the terminal. `cargo run --example custom_notifier`

#![expect(clippy::print_stdout, reason = "an example talks")]

use std::{error::Error, net::Ipv4Addr, sync::Arc};

use async_trait::async_trait;
use mikro2fa_core::{
    desk::RouterDesk,
    engine::{Backends, EngineBuilder, SystemClock},
    id::{ChallengeId, OutboxId, SessionId},
    notifier::{Notice, Notifier, NotifierError},
    router_backend::RouterBackend,
    session::Answer,
    store::Receipt,
    testing::{Desk, Dial, MemoryRouter, MemoryStore},
    time::Clock,
};
use tokio::sync::mpsc;

/// Prints what is said, and passes questions on to whoever answers them.
struct Terminal(mpsc::UnboundedSender<(SessionId, ChallengeId)>);

#[async_trait]
impl Notifier for Terminal {
    async fn deliver(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<Receipt>,
    ) -> Result<Receipt, NotifierError> {
        match notice {
            Notice::Card { card, subject, .. } => {
                println!("{} on {}: {card:?}", subject.account, subject.router)
            }
            other => println!("{other:?}"),
        }
        if let Some(question) = notice.question() {
            // Nobody listens any more: the question stands all the same.
            let _ = self.0.send(question);
        }
        // What names this message when it is to be changed: here nothing can be, so any name does.
        Ok(previous.unwrap_or_else(|| Receipt(id.to_string().into())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Arc::new(MemoryStore::new(Arc::clone(&clock)));
    let mut desk = Desk::new(clock.now());
    let office = desk.router("office");
    let ann = desk.user("Ann", 1001);
    desk.account(office, "ann", Some(ann));
    desk.fill(&*store).await?;

    let router = MemoryRouter::new(office, Arc::clone(&clock));
    router.account("ann");
    let served = router.clone();
    let backends: Arc<dyn Backends> =
        Arc::new(move |_: &RouterDesk| -> Arc<dyn RouterBackend> { Arc::new(served.clone()) });
    let (questions, mut asked) = mpsc::unbounded_channel();
    let terminal = Arc::new(Terminal(questions));
    let builder = EngineBuilder::new(store.clone(), store, terminal, backends, clock);
    let (engine, handle) = builder.build().await?;
    tokio::spawn(engine.run());

    let line = router.dial(&Dial::new("ann", Ipv4Addr::new(10, 8, 0, 4)))?;
    println!("dialled; passes: {}", router.passes(line));
    let (session, challenge) = asked.recv().await.ok_or("the engine has ended")?;
    handle
        .answer(session, challenge, Answer::Yes, ann, None)
        .await?;
    handle.settled().await;
    println!("answered; passes: {}", router.passes(line));
    Ok(())
}
