//! `mikro2fa demo --script`: the whole life without a browser, told as a timeline and checked step by step.

mod stage;

use std::{io::Write, time::Duration};

use self::stage::{Question, Stage};
use super::{
    timeline::Timeline,
    world::{BOBS, ELSEWHERE, HOME, Outcome, World},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Plays every scene, each in a world of its own, and says whether all was as it should be.
pub async fn play(language: &str, out: &mut (dyn Write + Send)) -> bool {
    let mut timeline = Timeline::new(out);
    macro_rules! scenes {
        ($($title:literal => $scene:ident),* $(,)?) => {{
            let mut number = 0;
            $(
                number += 1;
                timeline.scene(number, $title);
                let played = match World::start(language).await {
                    Ok(world) => $scene(&mut Stage::new(&world, &mut timeline)).await,
                    Err(trouble) => Err(trouble),
                };
                if let Err(trouble) = played {
                    timeline.broke_off(&trouble.to_string());
                }
            )*
        }};
    }
    scenes! {
        "Confirmed: request, dial, question, tap, open" => confirm,
        "Not me" => not_me,
        "No answer" => no_answer,
        "A tunnel that nobody asked for" => unrequested,
        "Reminder, extension, end" => reminder_extension_end,
        "A dropped line comes back" => resume,
        "A second tunnel of the same account, from another caller" => second_tunnel,
        "The address goes to somebody else at once" => address_reuse,
        "The router is out of reach at the tap" => router_away,
        "The router reboots under an open session" => reboot,
        "mikro2fa is killed between the question and the answer" => killed,
        "mikro2fa is dead for longer than the lease" => lease_lapse,
    }
    timeline.end()
}

async fn confirm(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    stage.request().await?;
    let tunnel = stage.dial("ann", HOME)?;
    stage.check(
        !stage.world.reaches_office(&tunnel),
        "held: it reaches nothing in the office",
    );
    let question = stage.question(Question::Requested).await?;
    stage.check(
        !stage.world.reaches_office(&tunnel),
        "still held while the question is open",
    );
    stage.tap(&question, "Yes").await?;
    stage.until_open(&tunnel).await?;
    stage.check(
        stage.permits().len() == 1,
        "one permit on the list, under a lease",
    );
    let stranger = stage.dial("bob", BOBS)?;
    stage.check(
        !stage.world.reaches_office(&stranger),
        "somebody else's tunnel is not let through by it",
    );
    Ok(())
}

async fn not_me(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let tunnel = stage.dial("ann", ELSEWHERE)?;
    let question = stage.question(Question::Unrequested).await?;
    stage.tap(&question, "No").await?;
    stage.until_cut(&tunnel).await?;
    stage.operators_told("Not me").await?;
    let again = stage.dial("ann", ELSEWHERE)?;
    stage.advance(MINUTE).await;
    stage.check(!stage.world.reaches_office(&again), "dialled again: held");
    stage.check(
        !stage.ann_has_question(),
        "and not asked about: the account is banned",
    );
    Ok(())
}

async fn no_answer(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    stage.request().await?;
    let tunnel = stage.dial("ann", HOME)?;
    stage.question(Question::Requested).await?;
    stage.advance(5 * MINUTE + Duration::from_secs(5)).await;
    stage.ann_reads("No answer").await?;
    stage.check(tunnel.is_up(), "the tunnel stays up in quarantine");
    stage.check(!stage.world.reaches_office(&tunnel), "and reaches nothing");
    stage.advance(HOUR + MINUTE).await;
    stage.check(!tunnel.is_up(), "after an hour it is cut");
    Ok(())
}

async fn unrequested(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let tunnel = stage.dial("ann", HOME)?;
    let question = stage.question(Question::Unrequested).await?;
    stage.check(!stage.world.reaches_office(&tunnel), "held");
    stage.tap(&question, "Yes").await?;
    stage.until_open(&tunnel).await
}

async fn reminder_extension_end(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let tunnel = stage.opened().await?;
    stage
        .advance(HOUR + 30 * MINUTE + Duration::from_secs(5))
        .await;
    let reminder = stage.ann_reads("Ends at").await?;
    stage.check(
        stage.world.reaches_office(&tunnel),
        "open all the time: the lease was renewed on the way",
    );
    stage.tap(&reminder, "+1 hour").await?;
    stage.ann_reads("Extended by").await?;
    stage.advance(45 * MINUTE).await;
    stage.check(
        stage.world.reaches_office(&tunnel),
        "open past its first end",
    );
    stage.tap_again(&reminder, "+1 hour").await?;
    stage.advance(50 * MINUTE).await;
    stage.check(!stage.world.reaches_office(&tunnel), "over: shut");
    stage.check(!tunnel.is_up(), "and cut");
    stage.check(stage.permits().is_empty(), "no permit is left");
    stage.ann_reads("Ended").await?;
    Ok(())
}

async fn resume(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let first = stage.opened().await?;
    stage.says(
        "ann",
        "drops the line, and dials again from the same address",
    );
    first.hang_up();
    stage.ann_reads("Disconnected").await?;
    stage.check(
        stage.permits().is_empty(),
        "the permit went with the tunnel",
    );
    let second = stage.dial("ann", HOME)?;
    stage.until_open(&second).await?;
    stage.ann_reads("Reconnected").await?;
    stage.check(!stage.ann_has_question(), "no new question");
    Ok(())
}

async fn second_tunnel(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let first = stage.opened().await?;
    let second = stage.dial("ann", ELSEWHERE)?;
    let question = stage.question(Question::Second).await?;
    stage.check(!stage.world.reaches_office(&second), "the second is held");
    stage.check(stage.world.reaches_office(&first), "the first goes on");
    stage.tap(&question, "No").await?;
    stage.until_cut(&second).await?;
    Ok(())
}

async fn address_reuse(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let anns = stage.opened().await?;
    let address = anns.address();
    stage.says("ann", "hangs up; bob dials in the same instant");
    anns.hang_up();
    let bobs = stage.dial("bob", BOBS)?;
    stage.check(
        bobs.address() == address,
        "bob has the very address that ann had",
    );
    stage.check(
        !stage.world.reaches_office(&bobs),
        "and does not ride on her permit, not for a packet",
    );
    stage.advance(MINUTE).await;
    stage.check(!stage.world.reaches_office(&bobs), "nor later");
    Ok(())
}

async fn router_away(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    stage.request().await?;
    let tunnel = stage.dial("ann", HOME)?;
    let question = stage.question(Question::Requested).await?;
    stage.unplug();
    stage.tap(&question, "Yes").await?;
    stage.ann_reads("Your answer is kept").await?;
    stage.check(!stage.world.reaches_office(&tunnel), "nothing is open");
    stage.plug();
    stage.advance(MINUTE).await;
    stage.until_open(&tunnel).await
}

async fn reboot(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let before = stage.opened().await?;
    stage.says(
        "router",
        "reboots: tunnels and everything with a time-out are gone, ids start over",
    );
    stage.world.sim.reboot();
    stage.check(!before.is_up(), "the tunnel is gone");
    let thief = stage.dial("ann", ELSEWHERE)?;
    stage.check(
        !stage.world.reaches_office(&thief),
        "whoever dials first now is held",
    );
    stage.advance(MINUTE).await;
    stage.check(
        !stage.world.reaches_office(&thief),
        "also after mikro2fa has looked again",
    );
    Ok(())
}

async fn killed(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    stage.request().await?;
    let tunnel = stage.dial("ann", HOME)?;
    let question = stage.question(Question::Requested).await?;
    // Its receipt is durable; killed before that, the question would be put twice, and be the same question.
    stage.world.settle().await;
    stage.kill().await?;
    stage.tap_into_the_void(&question, "Yes")?;
    stage.check(
        !stage.world.reaches_office(&tunnel),
        "held while mikro2fa is dead",
    );
    stage.start().await?;
    stage.until_open(&tunnel).await?;
    stage.check(
        stage.questions_put() == 1,
        "the question was put once, and the tap was not lost",
    );
    Ok(())
}

async fn lease_lapse(stage: &mut Stage<'_, '_>) -> Outcome<()> {
    let tunnel = stage.opened().await?;
    stage.kill().await?;
    stage.check(
        stage.world.reaches_office(&tunnel),
        "open at first: the lease still runs",
    );
    stage.advance(11 * MINUTE).await;
    stage.check(
        !stage.world.reaches_office(&tunnel),
        "the router has shut the gate by itself",
    );
    stage.check(
        !stage.world.reaches_office_established(&tunnel),
        "for the download that was running, too",
    );
    stage.start().await?;
    stage.until_open(&tunnel).await?;
    stage.check(
        tunnel.is_up(),
        "the same tunnel: let through again, without a question",
    );
    Ok(())
}
