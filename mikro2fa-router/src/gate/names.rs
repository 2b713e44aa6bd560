//! What the parts of the gate are called.

use mikro2fa_core::desk::ListNames;

/// The names that a prepared router uses for what belongs to the gate. They can be chosen, so that lists made by hand are
/// taken over instead of doubled.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct GateNames {
    /// Address list: who has confirmed.
    pub permit: String,
    /// Address list: tunnels of banned logins.
    pub ban: String,
    /// Address list: what quarantine reaches.
    pub reach: String,
    /// Address list: filled by hand when all else fails.
    pub emergency: String,
    /// Address list of the dead man's switch: renewed while mikro2fa lives.
    pub alive: String,
    /// Interface list: the tunnels that are held.
    pub covered: String,
    /// Interface list: tunnels that are not.
    pub exempt: String,
    /// The gate's chain for what is forwarded.
    pub forward_chain: String,
    /// The gate's chain for what goes to the router.
    pub input_chain: String,
    /// The profile of covered accounts.
    pub profile: String,
    /// The profile of exempt accounts.
    pub exempt_profile: String,
    /// The daily user, who watches and controls.
    pub user: String,
    /// Its group.
    pub group: String,
    /// How the comments of the gate's own rows begin.
    pub comment: String,
}

impl Default for GateNames {
    fn default() -> Self {
        Self::from(&ListNames::default())
    }
}

impl From<&ListNames> for GateNames {
    /// As the desk keeps them.
    fn from(kept: &ListNames) -> Self {
        Self {
            permit: kept.permit.to_string(),
            ban: kept.ban.to_string(),
            reach: kept.reach.to_string(),
            emergency: kept.emergency.to_string(),
            alive: kept.alive.to_string(),
            covered: kept.covered.to_string(),
            exempt: kept.exempt.to_string(),
            forward_chain: kept.forward_chain.to_string(),
            input_chain: kept.input_chain.to_string(),
            profile: kept.profile.to_string(),
            exempt_profile: kept.exempt_profile.to_string(),
            user: kept.user.to_string(),
            group: kept.group.to_string(),
            comment: kept.comment.to_string(),
        }
    }
}

impl From<&GateNames> for ListNames {
    fn from(names: &GateNames) -> Self {
        Self {
            permit: names.permit.as_str().into(),
            ban: names.ban.as_str().into(),
            reach: names.reach.as_str().into(),
            emergency: names.emergency.as_str().into(),
            alive: names.alive.as_str().into(),
            covered: names.covered.as_str().into(),
            exempt: names.exempt.as_str().into(),
            forward_chain: names.forward_chain.as_str().into(),
            input_chain: names.input_chain.as_str().into(),
            profile: names.profile.as_str().into(),
            exempt_profile: names.exempt_profile.as_str().into(),
            user: names.user.as_str().into(),
            group: names.group.as_str().into(),
            comment: names.comment.as_str().into(),
        }
    }
}

/// A name that the gate cannot have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{name}` cannot be the {what}: {why}")]
pub struct InvalidName {
    /// Of what.
    pub what: &'static str,
    /// As it was given.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Longer ones are legal on a router, and unreadable in every list that shows them.
const LONGEST: usize = 63;

impl GateNames {
    /// All of them, with what each is for.
    #[must_use]
    pub fn all(&self) -> [(&'static str, &str); 14] {
        [
            ("permit list", &self.permit),
            ("ban list", &self.ban),
            ("reach list", &self.reach),
            ("emergency list", &self.emergency),
            ("alive list", &self.alive),
            ("interface list of covered tunnels", &self.covered),
            ("interface list of exempt tunnels", &self.exempt),
            ("forward chain", &self.forward_chain),
            ("input chain", &self.input_chain),
            ("profile of covered accounts", &self.profile),
            ("profile of exempt accounts", &self.exempt_profile),
            ("daily user", &self.user),
            ("group of the daily user", &self.group),
            ("beginning of comments", &self.comment),
        ]
    }

    /// Can a gate be built under these names?
    ///
    /// # Errors
    ///
    /// [`InvalidName`], the first one found: empty, too long, with signs that mean something in lists (`,`), negations (`!`)
    /// or scripts, or two lists under one name.
    pub fn checked(self) -> Result<Self, InvalidName> {
        let invalid = |what, name: &str, why| InvalidName {
            what,
            name: name.to_owned(),
            why,
        };
        let all = self.all();
        for (what, name) in all {
            if name.is_empty() {
                return Err(invalid(what, name, "it is empty"));
            }
            if name.len() > LONGEST {
                return Err(invalid(what, name, "it is longer than 63 characters"));
            }
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b' ');
            if !name.bytes().all(plain) {
                return Err(invalid(
                    what,
                    name,
                    "only letters, digits, space, `-`, `_` and `.` can be in it",
                ));
            }
        }
        // Names of one kind share one table on the router.
        let kinds: [&[usize]; 4] = [&[0, 1, 2, 3, 4], &[5, 6], &[7, 8], &[9, 10]];
        for kind in kinds {
            for (at, &one) in kind.iter().enumerate() {
                for &other in kind.iter().skip(at + 1) {
                    if let (Some((what, name)), Some((_, twin))) = (all.get(one), all.get(other))
                        && name == twin
                    {
                        return Err(invalid(what, name, "something else has that name already"));
                    }
                }
            }
        }
        const BUILT_IN: [&str; 5] = ["all", "none", "dynamic", "static", "default"];
        for index in [5, 6, 9, 10] {
            if let Some((what, name)) = all.get(index)
                && (BUILT_IN.contains(name) || *name == "default-encryption")
            {
                return Err(invalid(what, name, "it is one of RouterOS's own"));
            }
        }
        for index in [7, 8] {
            if let Some((what, name)) = all.get(index)
                && ["input", "forward", "output"].contains(name)
            {
                return Err(invalid(what, name, "it is one of RouterOS's own"));
            }
        }
        Ok(self)
    }

    /// What a profile of this name is a copy of, if it is called as prepare calls its copies.
    #[must_use]
    pub fn original_of<'p>(&self, copy: &'p str) -> Option<&'p str> {
        [&self.profile, &self.exempt_profile]
            .into_iter()
            .find_map(|base| match copy.strip_prefix(base.as_str())? {
                "" => Some("default-encryption"),
                rest => rest.strip_prefix('-').filter(|rest| !rest.is_empty()),
            })
    }

    /// Was this comment made by prepare? Another prefix is somebody else's row.
    #[must_use]
    pub fn owns(&self, comment: &str) -> bool {
        comment
            .strip_prefix(&*self.comment)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
    }

    /// The comment of something that is for this; without a word, the bare prefix.
    #[must_use]
    pub fn comment_for(&self, what: &str) -> String {
        if what.is_empty() {
            self.comment.clone()
        } else {
            format!("{}: {what}", self.comment)
        }
    }
}
