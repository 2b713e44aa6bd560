//! A prepare that is cut at each command, and the router with it.

use mikro2fa_router::{
    gate::GateNames,
    prepare::{ApplyError, MemoryJournal},
    simulator::{Dial, Fault, Flow, On, Passage, Simulator, TunnelHandle},
};
use routeros_api::Command;

use crate::support::{
    choices, configuration, difference, plan_again, prepare, restore_all, try_prepare, try_restore,
};

/// How many commands of the administrator a whole run takes, and which of them change something.
async fn commands_of(sim: &Simulator) -> Vec<bool> {
    sim.clear_commands();
    prepare(sim, &choices(), &MemoryJournal::default())
        .await
        .unwrap();
    let commands = sim.commands().into_iter();
    let of_admin = commands.filter(|it| it.command != "/login");
    of_admin.map(|it| !it.command.ends_with("/print")).collect()
}

/// The administrator's own ways, from the office and to it.
fn is_open(sim: &Simulator) -> bool {
    let lan = [192, 168, 88, 20];
    let to_router = Flow::between(lan, [192, 168, 88, 1]).tcp(8728);
    sim.would_pass(&to_router).passes()
        && sim
            .would_pass(&Flow::between(lan, [198, 51, 100, 9]))
            .passes()
}

/// Whether anything of this tunnel gets through, new or known, either way.
fn leaks(sim: &Simulator, tunnel: &TunnelHandle) -> Option<Passage> {
    let out = Flow::between(tunnel, [192, 168, 88, 10]);
    let back = Flow::between([192, 168, 88, 10], tunnel);
    let to_router = Flow::between(tunnel, [192, 168, 88, 1]).tcp(8728);
    let all = [
        out.clone(),
        out.established(),
        back.clone(),
        back.established(),
        to_router.clone(),
        to_router.established(),
    ];
    let mut seen = all.iter().map(|flow| sim.would_pass(flow));
    seen.find(|it| !it.is_dropped())
}

async fn fresh() -> Simulator {
    Simulator::builder()
        .account("ann", "pw")
        .account_with_profile("bob", "pw", "default")
        .start()
        .await
        .unwrap()
}

/// Prepared, and then spoilt where it makes no hole: all of it has to be built anew.
async fn spoilt() -> Simulator {
    let sim = Simulator::builder()
        .prepared(GateNames::default())
        .account("ann", "pw")
        .start()
        .await
        .unwrap();
    for menu in ["/ip/firewall/filter", "/ipv6/firewall/filter"] {
        for row in sim.rows(menu) {
            let comment = row.get("comment").map_or("", String::as_str);
            if comment.ends_with(": banned") {
                let command = Command::new(format!("{menu}/disable")).attribute(".id", &row[".id"]);
                sim.administer(&command).unwrap();
            }
        }
    }
    let list = "/ip/firewall/address-list";
    for row in sim.rows(list).into_iter().take(2) {
        let command = Command::new(format!("{list}/remove")).attribute(".id", &row[".id"]);
        sim.administer(&command).unwrap();
    }
    sim
}

/// A run that is cut at this command of the administrator's.
async fn cut(sim: &Simulator, at: usize, journal: &MemoryJournal) {
    let on = On::any()
        .by("admin")
        .skip(u32::try_from(at).unwrap())
        .once();
    let fault = if at.is_multiple_of(3) {
        Fault::CutBefore
    } else {
        Fault::CutAfter
    };
    let fault = sim.inject(on, fault);
    let result = try_prepare(sim, &choices(), journal).await;
    sim.clear_fault(fault);
    let error = result.unwrap_err();
    assert!(matches!(error, ApplyError::Broken { .. }), "{error}");
}

/// The places at which a run is cut: at each command that changes something, and at some of the others.
fn places(commands: &[bool]) -> Vec<usize> {
    let all = commands.iter().enumerate();
    let chosen = all.filter(|(at, writes)| **writes || at % 32 == 0);
    chosen.map(|(at, _)| at).collect()
}

/// Does it at each place, two at a time.
async fn at_each<F>(places: Vec<usize>, act: impl Fn(usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = tokio::task::JoinSet::new();
    for at in places {
        if running.len() == 2 {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(act(at));
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

const SAME: [String; 0] = [];

async fn first_run_cut(at: usize, wanted: Vec<String>) {
    let sim = fresh().await;
    let journal = MemoryJournal::default();
    cut(&sim, at, &journal).await;
    assert!(is_open(&sim), "locked out after command {at}");
    sim.reboot();
    assert!(is_open(&sim), "locked out after command {at} and a reboot");
    prepare(&sim, &choices(), &journal).await.unwrap();
    assert!(is_open(&sim));
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(
        leaks(&sim, &ann),
        None,
        "open after a second run, cut at {at}"
    );
    let again = plan_again(&sim, &choices()).await;
    assert!(again.is_done(), "cut at {at}: {again:?}");
    assert_eq!(
        difference(&configuration(&sim), &wanted),
        SAME,
        "cut at {at}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_run_that_is_cut_anywhere_is_completed_by_a_second() {
    let commands = commands_of(&fresh().await).await;
    let sim = fresh().await;
    prepare(&sim, &choices(), &MemoryJournal::default())
        .await
        .unwrap();
    let wanted = configuration(&sim);
    at_each(places(&commands), |at| first_run_cut(at, wanted.clone())).await;
}

async fn mending_cut(at: usize) {
    let sim = spoilt().await;
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(leaks(&sim, &ann), None, "before anything is done");
    let journal = MemoryJournal::default();
    cut(&sim, at, &journal).await;
    assert_eq!(leaks(&sim, &ann), None, "open after command {at}");
    assert!(is_open(&sim), "locked out after command {at}");
    sim.reboot();
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    assert_eq!(
        leaks(&sim, &ann),
        None,
        "open after command {at} and a reboot"
    );
    prepare(&sim, &choices(), &journal).await.unwrap();
    assert_eq!(
        leaks(&sim, &ann),
        None,
        "open after a second run, cut at {at}"
    );
    let again = plan_again(&sim, &choices()).await;
    assert!(again.is_done(), "cut at {at}: {again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prepared_router_is_never_open_while_it_is_mended() {
    let commands = commands_of(&spoilt().await).await;
    let changes = commands.iter().filter(|it| **it).count();
    assert!(changes > 20, "both chains are built anew: {changes}");
    at_each(places(&commands), mending_cut).await;
}

#[tokio::test]
async fn half_a_run_is_taken_back_whole() {
    let before = configuration(&fresh().await);
    let commands = commands_of(&fresh().await).await;
    for at in places(&commands).into_iter().step_by(8) {
        let sim = fresh().await;
        let journal = MemoryJournal::default();
        cut(&sim, at, &journal).await;
        let found = restore_all(&sim, &choices(), &journal).await.unwrap();
        assert_eq!(found.left, SAME);
        assert_eq!(
            difference(&configuration(&sim), &before),
            SAME,
            "cut at {at}"
        );
    }
}

#[tokio::test]
async fn a_restore_that_is_cut_anywhere_is_completed_by_a_second() {
    let before = configuration(&fresh().await);
    for at in (0..).step_by(20) {
        let sim = fresh().await;
        let journal = MemoryJournal::default();
        prepare(&sim, &choices(), &journal).await.unwrap();
        let on = On::any().by("admin").skip(at).once();
        sim.inject(on, Fault::CutAfter);
        let cut = try_restore(&sim, &choices(), &journal).await;
        assert!(is_open(&sim), "locked out after command {at}");
        if cut.is_ok() {
            break;
        }
        sim.clear_faults();
        restore_all(&sim, &choices(), &journal).await.unwrap();
        assert_eq!(
            difference(&configuration(&sim), &before),
            SAME,
            "cut at {at}"
        );
    }
}
