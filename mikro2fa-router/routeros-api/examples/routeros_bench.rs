//! Measures this client against a router or a fake of one, and prints one JSON line per figure.
//!
//! ```text
//! routeros_bench CASE PORT [N] [EXTRA]
//!   login PORT N              connect, log in, close
//!   seq PORT N                one command after the other
//!   adds PORT N               one add after the other
//!   adds_pipe PORT N [WINDOW] adds, WINDOW at a time (default 64), each outcome kept
//!   print PORT ROWS           /ppp/active/print of ROWS rows into typed rows, all kept
//!   poll PORT CONNS SECS      CONNS connections, each printing 200 rows every 5 s
//!   decode ROWS               no router: the decoder and typed rows over bytes in memory
//! ```
//!
//! The fake router gives as many rows as the login `rows-N` asks for.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use routeros_api::{
    BatchOptions, Client, Command, Decoder, Options, Outcome, Row, SentenceBuilder,
};
use tokio::task::JoinSet;

type Outcomes<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcomes<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // A task of its own, as in a program, is woken at less cost than what the runtime blocks on.
    runtime.block_on(async { tokio::spawn(async move { run(&arguments).await }).await? })
}

async fn run(arguments: &[String]) -> Outcomes<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["decode"] => decode(100_000),
        ["decode", rows] => decode(rows.parse()?),
        ["login", port, count] => login(port, count.parse()?).await,
        ["seq", port, count] => {
            let identity = |_| Command::new("/system/identity/print");
            one_by_one(port, count.parse()?, "seq_identity", "rt/s", identity).await
        }
        ["adds", port, count] => {
            one_by_one(port, count.parse()?, "adds_seq", "adds/s", voucher).await
        }
        ["adds_pipe", port, count] => adds_pipe(port, count.parse()?, 64).await,
        ["adds_pipe", port, count, window] => {
            adds_pipe(port, count.parse()?, window.parse()?).await
        }
        ["print", port, rows] => print(port, rows.parse()?).await,
        ["poll", port, connections, seconds] => {
            poll(port, connections.parse()?, seconds.parse()?).await
        }
        _ => Err(
            "routeros_bench login|seq|adds|adds_pipe|print|poll PORT N [EXTRA], or decode ROWS"
                .into(),
        ),
    }
}

async fn connect(port: &str, user: &str) -> Outcomes<Client> {
    Ok(Client::connect(&Options::new(format!("127.0.0.1:{port}"), user, "x")).await?)
}

async fn login(port: &str, count: u32) -> Outcomes<()> {
    let start = Instant::now();
    for _ in 0..count {
        connect(port, "admin").await?;
    }
    figure(
        "login",
        start.elapsed().as_secs_f64() / f64::from(count) * 1e6,
        "us",
        "",
    );
    Ok(())
}

async fn one_by_one(
    port: &str,
    count: u32,
    case: &str,
    unit: &str,
    command: impl Fn(u32) -> Command,
) -> Outcomes<()> {
    let client = connect(port, "admin").await?;
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    for number in 0..count {
        client.call(command(number)).await?;
    }
    let extra = format!(",\"cpu_s\":{:.3}", cpu_seconds()? - cpu);
    figure(
        case,
        f64::from(count) / start.elapsed().as_secs_f64(),
        unit,
        &extra,
    );
    Ok(())
}

async fn adds_pipe(port: &str, count: u32, window: usize) -> Outcomes<()> {
    let client = connect(port, "admin").await?;
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let options = BatchOptions::new().window(window);
    let batch = client
        .call_batch((0..count).map(voucher).collect(), options)
        .await;
    let elapsed = start.elapsed().as_secs_f64();
    if let Some(error) = batch.error {
        return Err(error.into());
    }
    let added = |outcome: &Outcome| matches!(outcome, Outcome::Done { ret: Some(_) });
    if !batch.outcomes.iter().all(added) {
        return Err("an add was refused".into());
    }
    let extra = format!(
        ",\"cpu_s\":{:.3},\"hwm_kb\":{}",
        cpu_seconds()? - cpu,
        peak_kib()?
    );
    figure(
        &format!("adds_pipe_w{window}"),
        f64::from(count) / elapsed,
        "adds/s",
        &extra,
    );
    Ok(())
}

async fn print(port: &str, rows: u32) -> Outcomes<()> {
    let client = connect(port, &format!("rows-{rows}")).await?;
    let base = peak_kib()?;
    let (start, cpu) = (Instant::now(), cpu_seconds()?);
    let mut tunnels = Tunnels::default();
    look(&client, &mut tunnels).await?;
    let elapsed = start.elapsed().as_secs_f64();
    if tunnels.list.len() != rows as usize {
        return Err("rows are missing".into());
    }
    let used = cpu_seconds()? - cpu;
    let extra = format!(
        ",\"cpu_s\":{used:.3},\"hwm_kb\":{},\"base_kb\":{base}",
        peak_kib()?
    );
    figure(
        &format!("print_{rows}"),
        f64::from(rows) / elapsed,
        "rows/s",
        &extra,
    );
    Ok(())
}

async fn poll(port: &str, connections: u32, seconds: f64) -> Outcomes<()> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(connect(port, "rows-200").await?);
    }
    let start = Instant::now() + Duration::from_millis(300);
    let cpu = cpu_seconds()?;
    let mut tasks = JoinSet::new();
    for (number, client) in (0_u32..).zip(clients) {
        let first = 5.0 * f64::from(number) / f64::from(connections);
        tasks.spawn(async move { poll_one(&client, start, first, seconds).await });
    }
    let (mut polls, mut worst) = (0, 0.0_f64);
    while let Some(joined) = tasks.join_next().await {
        let (own, late) = joined??;
        polls += own;
        worst = worst.max(late);
    }
    let used = cpu_seconds()? - cpu;
    let extra = format!(
        ",\"polls\":{polls},\"worst_late_s\":{worst:.3},\"hwm_kb\":{},\"cpu_ms_per_poll\":{:.3}",
        peak_kib()?,
        used * 1e3 / f64::from(polls)
    );
    let case = format!("poll_{connections}");
    figure(
        &case,
        used / start.elapsed().as_secs_f64() * 100.0,
        "%core",
        &extra,
    );
    Ok(())
}

/// Polls one router; how often, and how late at worst.
async fn poll_one(
    client: &Client,
    start: Instant,
    first: f64,
    seconds: f64,
) -> Outcomes<(u32, f64)> {
    let mut tunnels = Tunnels::default();
    let (mut due, mut polls, mut worst) = (first, 0, 0.0_f64);
    while due < seconds {
        let at = start + Duration::from_secs_f64(due);
        tokio::time::sleep_until(at.into()).await;
        tunnels.clear();
        look(client, &mut tunnels).await?;
        if tunnels.list.len() != 200 {
            return Err("rows are missing".into());
        }
        worst = worst.max(at.elapsed().as_secs_f64());
        polls += 1;
        due += 5.0;
    }
    Ok((polls, worst))
}

/// Reads all tunnels, row by row as they come.
async fn look(client: &Client, tunnels: &mut Tunnels) -> Outcomes<()> {
    let mut stream = client.stream(Command::new("/ppp/active/print"))?;
    while let Some(rows) = stream.next_rows().await? {
        rows.for_each(|row| tunnels.push(row));
    }
    Ok(())
}

fn decode(rows: usize) -> Outcomes<()> {
    let mut bytes = Vec::new();
    (0..rows).for_each(|number| tunnel_row(number).encode(&mut bytes));
    let megabytes = bytes.len() as f64 / 1e6;
    let mut best = f64::MAX;
    for _ in 0..7 {
        let mut typed = Vec::with_capacity(rows);
        let mut decoder = Decoder::default();
        let start = Instant::now();
        let mut rest = black_box(&bytes).as_slice();
        while !rest.is_empty() {
            let room = decoder.room();
            let (now, later) = rest.split_at(room.len().min(rest.len()));
            let Some(room) = room.get_mut(..now.len()) else {
                return Err("more than there is room for".into());
            };
            room.copy_from_slice(now);
            decoder.filled(now.len());
            rest = later;
            while let Some(sentence) = decoder.next_ref()? {
                typed.push(black_box(Typed::of(Row::new(sentence)).numbers()));
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
        if typed.len() != rows {
            return Err("rows are missing".into());
        }
    }
    let extra = format!(",\"rows_s\":{:.0}", rows as f64 / best);
    figure("decode_typed", megabytes / best, "MB/s", &extra);
    Ok(())
}

fn tunnel_row(i: usize) -> SentenceBuilder {
    let service = ["l2tp", "pptp", "ovpn", "sstp"]
        .into_iter()
        .nth(i % 4)
        .unwrap_or_default();
    SentenceBuilder::new("!re")
        .attribute(".id", format!("*{:X}", 0x8000_0000_usize + i))
        .attribute("name", format!("vpn_user_{i:06}"))
        .attribute("service", service)
        .attribute(
            "caller-id",
            format!("198.18.{}.{}", (i >> 8) & 255, i & 255),
        )
        .attribute("address", format!("10.64.{}.{}", (i >> 8) & 255, i & 255))
        .attribute("uptime", format!("{}h{}m{}s", i % 24, i % 60, i * 7 % 60))
        .attribute(
            "encoding",
            if i % 4 == 2 {
                "BF-128-CBC/SHA1"
            } else {
                "MPPE128 stateless"
            },
        )
        .attribute("session-id", format!("0x{:08x}", 0x8120_0000_usize + i))
        .attribute("radius", if i.is_multiple_of(5) { "true" } else { "false" })
}

fn voucher(number: u32) -> Command {
    Command::new("/ip/hotspot/user/add")
        .attribute("name", format!("v{}-{number:06}", std::process::id()))
        .attribute("password", "k7m2p9")
        .attribute("profile", "1hr")
        .attribute("server", "all")
        .attribute("limit-uptime", "1h")
        .attribute("comment", "batch-2026-001")
}

/// A row with its properties in their types, names borrowed.
#[derive(Default)]
struct Typed<'a> {
    id: &'a [u8],
    name: &'a [u8],
    service: &'a [u8],
    caller: &'a [u8],
    session: &'a [u8],
    address: u32,
    uptime: u32,
}

impl<'a> Typed<'a> {
    #[inline]
    fn of(row: Row<'a>) -> Self {
        let mut typed = Self::default();
        for (name, value) in row.attributes() {
            match name {
                b".id" => typed.id = value,
                b"name" => typed.name = value,
                b"service" => typed.service = value,
                b"caller-id" => typed.caller = value,
                b"session-id" => typed.session = value,
                b"address" => typed.address = address(value),
                b"uptime" => typed.uptime = seconds(value),
                _ => {}
            }
        }
        typed
    }

    fn numbers(&self) -> (u32, u32, usize) {
        let texts = [self.id, self.name, self.service, self.caller, self.session];
        (
            self.address,
            self.uptime,
            texts.iter().map(|text| text.len()).sum(),
        )
    }
}

/// Tunnels as a program would keep them: texts in one buffer, numbers as numbers.
#[derive(Default)]
struct Tunnels {
    texts: Vec<u8>,
    list: Vec<Tunnel>,
}

#[expect(dead_code, reason = "kept, to be measured")]
struct Tunnel {
    /// Where the texts begin, and how long each is.
    start: u32,
    lengths: [u8; 5],
    address: u32,
    uptime: u32,
}

impl Tunnels {
    fn push(&mut self, row: Row<'_>) {
        let typed = Typed::of(row);
        let texts = [
            typed.id,
            typed.name,
            typed.service,
            typed.caller,
            typed.session,
        ];
        let start = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        texts
            .iter()
            .for_each(|text| self.texts.extend_from_slice(text));
        self.list.push(Tunnel {
            start,
            lengths: texts.map(|text| u8::try_from(text.len()).unwrap_or(u8::MAX)),
            address: typed.address,
            uptime: typed.uptime,
        });
    }

    fn clear(&mut self) {
        self.texts.clear();
        self.list.clear();
    }
}

fn address(text: &[u8]) -> u32 {
    let (whole, last) = text
        .iter()
        .fold((0_u32, 0_u32), |(whole, part), byte| match byte {
            b'.' => (whole << 8 | part, 0),
            _ => (
                whole,
                part.wrapping_mul(10)
                    .wrapping_add(u32::from(byte.wrapping_sub(b'0'))),
            ),
        });
    whole << 8 | last
}

fn seconds(text: &[u8]) -> u32 {
    let unit = |byte| match byte {
        b'w' => 604_800,
        b'd' => 86_400,
        b'h' => 3_600,
        b'm' => 60,
        _ => 1,
    };
    let (total, _) = text
        .iter()
        .fold((0_u32, 0_u32), |(total, number), byte| match byte {
            b'0'..=b'9' => (
                total,
                number.wrapping_mul(10).wrapping_add(u32::from(byte - b'0')),
            ),
            letter => (total.wrapping_add(number.wrapping_mul(unit(*letter))), 0),
        });
    total
}

fn figure(case: &str, value: f64, unit: &str, extra: &str) {
    println!(
        "{{\"peer\":\"mikro2fa\",\"case\":\"{case}\",\"value\":{value:.3},\"unit\":\"{unit}\"{extra}}}"
    );
}

/// Seconds of processor time that this process's threads have used.
fn cpu_seconds() -> Outcomes<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir("/proc/self/task")? {
        let schedule = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += schedule
            .split(' ')
            .next()
            .unwrap_or_default()
            .parse::<f64>()?;
    }
    Ok(nanoseconds / 1e9)
}

/// The most memory that this process has had resident.
fn peak_kib() -> Outcomes<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line
        .and_then(|line| line.split_whitespace().next())
        .unwrap_or("0")
        .parse()?)
}
