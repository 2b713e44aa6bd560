//! What the script prints: who did what, what the router held, how long it took; and whether it was as it should be.

use std::{io::Write, time::Duration};

/// A printed story with its checks.
pub(super) struct Timeline<'a> {
    out: &'a mut (dyn Write + Send),
    checks: u32,
    failures: Vec<String>,
    scene: String,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self {
            out,
            checks: 0,
            failures: Vec::new(),
            scene: String::new(),
        }
    }

    fn print(&mut self, line: &str) {
        // Whoever reads has gone: the exit status still says it.
        let _ = writeln!(self.out, "{line}");
    }

    /// A new scene begins.
    pub(super) fn scene(&mut self, number: usize, title: &str) {
        title.clone_into(&mut self.scene);
        self.print(&format!("\n{number:>2}. {title}"));
    }

    /// Somebody did something, at this time of the scene.
    pub(super) fn says(&mut self, at: Duration, who: &str, what: &str) {
        let line = format!("    {:>9}  {who:<9} {what}", clock(at));
        self.print(&line);
    }

    /// Something is as it should be, or is not.
    pub(super) fn check(&mut self, ok: bool, what: &str) {
        self.checks += 1;
        let mark = if ok { "ok" } else { "NOT SO" };
        self.print(&format!("               {mark:<9} {what}"));
        if !ok {
            self.failures.push(format!("{}: {what}", self.scene));
        }
    }

    /// A scene could not go on.
    pub(super) fn broke_off(&mut self, why: &str) {
        self.checks += 1;
        self.print(&format!("               BROKE OFF {why}"));
        self.failures.push(format!("{}: {why}", self.scene));
    }

    /// Says how it went; true if all was as it should be.
    pub(super) fn end(mut self) -> bool {
        let failed = self.failures.len();
        self.print("");
        for failure in std::mem::take(&mut self.failures) {
            self.print(&format!("not so: {failure}"));
        }
        let passed = usize::try_from(self.checks)
            .unwrap_or(usize::MAX)
            .saturating_sub(failed);
        self.print(&format!("{passed} checks as they should be, {failed} not"));
        failed == 0
    }
}

/// Hours, minutes and seconds since the scene began.
fn clock(at: Duration) -> String {
    let (seconds, millis) = (at.as_secs(), at.subsec_millis());
    if seconds < 60 {
        format!("{seconds}.{millis:03} s")
    } else {
        format!(
            "{}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

/// A real duration, as short as it reads well.
pub(super) fn took(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}
