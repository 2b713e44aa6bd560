//! The dead man's switch: a scheduler whose script switches off what no lease takes back.

use super::Draft;
use crate::{
    gate::{DEAD_MAN, DEAD_MAN_EVERY, DEAD_MAN_POLICY},
    prepare::step::{Key, Menu, Step, Value, same},
    survey::Section,
};

/// Bytes of a script that every version takes.
const LONGEST: usize = 30_000;

impl Draft<'_> {
    /// One row, made before the jumps are enabled: it does nothing before that.
    pub(super) fn dead_mans_switch(&mut self) {
        let names = &self.choices.names;
        let guarded = &self.choices.guarded;
        let row = self.survey.named(Section::Schedulers, names.dead_man());
        let ours = row.is_none_or(|row| names.owns(row.text("comment")));
        let key = Key::named(names.dead_man());
        if guarded.is_empty() {
            if row.is_some() && ours {
                self.step(Step::remove(
                    Menu::Scheduler,
                    "nothing is left that the dead man's switch would switch off",
                    key,
                ));
            }
            return;
        }
        if let Some(why) = self.no_scheduler() {
            self.plan.warnings.push(format!(
                "no dead man's switch ({why}): when mikro2fa stops, bound rules and handed-over logins stay as they are. The gate \
                 itself shuts by itself all the same"
            ));
            return;
        }
        let script = names.dead_mans_script(guarded, self.survey.version.major);
        if script.len() > LONGEST {
            self.plan.warnings.push(
                "no dead man's switch: its script would be too long for a router. Hand fewer logins over"
                    .to_owned(),
            );
            return;
        }
        if !ours {
            self.refuse(format!(
                "there is a scheduler `{}` already, not made by prepare: choose another name for the alive list",
                names.dead_man()
            ));
            return;
        }
        let why = "what no lease takes back is switched off when mikro2fa is not heard of";
        let wanted: [(&'static str, &str); 3] = [
            ("interval", DEAD_MAN_EVERY),
            ("on-event", &script),
            ("policy", DEAD_MAN_POLICY),
        ];
        let Some(row) = row else {
            let mut properties = vec![
                ("name", Value::from(names.dead_man())),
                // By the clock it would not run on a router that starts in the past.
                ("start-time", "startup".into()),
                ("comment", names.comment_for(DEAD_MAN).into()),
            ];
            properties.extend(wanted.map(|(name, value)| (name, Value::from(value))));
            self.step(Step::add(Menu::Scheduler, why, key, properties));
            return;
        };
        let mut before = Vec::new();
        let mut after = Vec::new();
        for (name, value) in wanted {
            if !same(row.text(name), value) {
                before.push((name, row.text(name).into()));
                after.push((name, Value::from(value)));
            }
        }
        if row.is("disabled") {
            before.push(("disabled", "true".into()));
            after.push(("disabled", "no".into()));
        }
        self.step(Step::set(Menu::Scheduler, why, key, before, after));
    }

    fn no_scheduler(&self) -> Option<&'static str> {
        let mode = self.survey.only(Section::DeviceMode);
        let forbids = mode.is_some_and(|mode| matches!(mode.text("scheduler"), "no" | "false"));
        if forbids {
            return Some("the device mode forbids the scheduler");
        }
        (!self.survey.has(Section::Schedulers)).then_some("the router has no scheduler")
    }
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::{desk::TransportKind, secret::Secret};

    use crate::{
        gate::Guarded,
        prepare::{
            choices::{Choices, Login},
            plan::plan,
            step::Menu,
        },
        survey::{Record, Section, Survey},
    };

    fn choices() -> Choices {
        let login = Login {
            transport: TransportKind::Api,
            password: Secret::new("pw"),
            works: true,
            from: Some("10.0.0.1/32".into()),
        };
        Choices {
            guarded: Guarded {
                rules: ["ann 2FA".into()].into(),
                ..Guarded::default()
            },
            ..Choices::new("admin", login)
        }
    }

    fn planned(mode: &str) -> (usize, Vec<String>) {
        let mode = vec![Record::from_properties([("scheduler", mode)])];
        let rows = [
            (Section::DeviceMode, mode),
            (Section::Schedulers, Vec::new()),
        ];
        let plan = plan(&Survey::imagined("7.16.2", rows), &choices());
        let steps = plan.steps.iter();
        let switches = steps.filter(|step| step.menu == Menu::Scheduler).count();
        let about = |it: &String| it.contains("dead man's switch");
        (switches, plan.warnings.into_iter().filter(about).collect())
    }

    #[test]
    fn where_the_device_mode_forbids_it_that_is_said() {
        assert_eq!(planned("yes"), (1, Vec::new()));
        let (switches, said) = planned("no");
        assert_eq!(switches, 0);
        assert!(said[0].contains("device mode forbids"), "{said:?}");
    }
}
