//! The RADIUS attributes of a login of the User Manager, one text `Name:value,Name:value` (MikroTik manual, *User Manager*), and
//! the one among them that chooses a PPP profile. All others stay as they are, letter by letter.

/// Chooses the PPP profile (MikroTik manual, *RADIUS*).
const GROUP: &str = "Mikrotik-Group";
/// A fixed address.
const ADDRESS: &str = "Framed-IP-Address";
/// A pool to take one from.
const POOL: &str = "Framed-Pool";

/// Two are named: which one a router heeds is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Several;

/// The value of a pair of this name, without the blanks around it.
fn value_of<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    let (known, value) = pair.split_once(':')?;
    (known.trim() == name).then(|| value.trim())
}

fn first<'a>(attributes: &'a str, name: &'a str) -> Option<&'a str> {
    attributes
        .split(',')
        .find_map(|pair| value_of(pair, name))
        .filter(|value| !value.is_empty())
}

/// The PPP profile that they choose; none = whoever serves the tunnel does.
pub(super) fn group(attributes: &str) -> Result<Option<&str>, Several> {
    let mut groups = attributes.split(',').filter_map(|it| value_of(it, GROUP));
    match (groups.next(), groups.next()) {
        (group, None) => Ok(group.filter(|group| !group.is_empty())),
        (_, Some(_)) => Err(Several),
    }
}

/// The fixed address, or the pool.
pub(super) fn address(attributes: &str) -> Option<&str> {
    first(attributes, ADDRESS).or_else(|| first(attributes, POOL))
}

/// The same with this PPP profile, or with none. Said with what was there before, it gives back what was there before.
pub(super) fn with_group(attributes: &str, group: &str) -> Result<String, Several> {
    self::group(attributes)?;
    let pair = |value: &str| format!("{GROUP}:{value}");
    let is_group = |it: &&str| value_of(it, GROUP).is_some();
    let Some(before) = attributes.split(',').find(is_group) else {
        return Ok(match (attributes, group) {
            (_, "") => attributes.to_owned(),
            ("", group) => pair(group),
            (_, group) => format!("{attributes},{}", pair(group)),
        });
    };
    let pairs = attributes.split(',').filter_map(|it| {
        if !is_group(&it) {
            return Some(it.to_owned());
        }
        (!group.is_empty()).then(|| replaced(before, group))
    });
    Ok(pairs.collect::<Vec<_>>().join(","))
}

/// A pair with another value; the blanks around it stay.
fn replaced(pair: &str, value: &str) -> String {
    let (name, old) = pair.split_once(':').unwrap_or((pair, ""));
    let begins = old.len() - old.trim_start().len();
    let ends = old.trim().len() + begins;
    let (before, after) = (old.get(..begins), old.get(ends..));
    format!(
        "{name}:{}{value}{}",
        before.unwrap_or_default(),
        after.unwrap_or_default()
    )
}

/// Those of a new login. None if a value cannot stand there: behind a comma begins another attribute.
pub(super) fn of_new(group: Option<&str>, address: Option<&str>) -> Option<String> {
    let pairs = [(GROUP, group), (ADDRESS, address)];
    let said = pairs
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)));
    let said: Vec<(&str, &str)> = said.collect();
    if said.iter().any(|(_, value)| !can_be_said(value)) {
        return None;
    }
    let said = said.iter().map(|(name, value)| format!("{name}:{value}"));
    Some(said.collect::<Vec<_>>().join(","))
}

/// Can a value stand among attributes as it is?
pub(super) fn can_be_said(value: &str) -> bool {
    !value.contains(',') && value.trim() == value
}

/// Are these the same but for the profile? A router may write blanks in its own way.
pub(super) fn same_otherwise(one: &str, other: &str) -> bool {
    let rest = |attributes: &str| {
        let pairs = attributes
            .split(',')
            .filter(|it| value_of(it, GROUP).is_none());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once(':').unwrap_or((pair, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        });
        pairs
            .filter(|(name, _)| !name.is_empty())
            .collect::<Vec<_>>()
    };
    rest(one) == rest(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_group_changes() {
        for (before, profile, after) in [
            ("", "x", "Mikrotik-Group:x"),
            ("A:1", "x", "A:1,Mikrotik-Group:x"),
            ("Mikrotik-Group:vpn,A:1", "x", "Mikrotik-Group:x,A:1"),
            (
                "A:1, Mikrotik-Group: vpn ,B:2",
                "x",
                "A:1, Mikrotik-Group: x ,B:2",
            ),
            ("A:1,Mikrotik-Group:vpn,B:2", "", "A:1,B:2"),
            ("Mikrotik-Group:vpn", "", ""),
            ("A:1", "", "A:1"),
            (
                "Mikrotik-Groups:y,A:Mikrotik-Group:z",
                "x",
                "Mikrotik-Groups:y,A:Mikrotik-Group:z,Mikrotik-Group:x",
            ),
        ] {
            assert_eq!(
                with_group(before, profile).as_deref(),
                Ok(after),
                "{before}"
            );
            let profile = Some(profile).filter(|it| !it.is_empty());
            assert_eq!(group(after), Ok(profile), "{after}");
            assert!(same_otherwise(before, after));
        }
        assert!(!same_otherwise(
            "A:1,Mikrotik-Group:x",
            "A:2,Mikrotik-Group:x"
        ));
        let twice = "Mikrotik-Group:a,Mikrotik-Group:b";
        assert_eq!(
            (group(twice), with_group(twice, "x")),
            (Err(Several), Err(Several))
        );
    }

    #[test]
    fn a_new_login_has_what_can_be_said() {
        let new = of_new(Some("vpn"), Some("10.8.0.9"));
        assert_eq!(
            new.as_deref(),
            Some("Mikrotik-Group:vpn,Framed-IP-Address:10.8.0.9")
        );
        assert_eq!(of_new(None, None).as_deref(), Some(""));
        assert_eq!(of_new(Some("a,Mikrotik-Address-List:permit"), None), None);
        assert_eq!(address("A:1,Framed-IP-Address:10.8.0.9"), Some("10.8.0.9"));
        assert_eq!(address("Framed-Pool:vpn"), Some("vpn"));
        assert_eq!(address("Framed-Route:10.9.0.0/24 10.8.0.9 1"), None);
    }

    proptest! {
        #[test]
        fn what_was_there_comes_back(pairs in "(Mikrotik-Group: ?v1 ?,)?([A-C]: ?[a-z0-9:]{0,4},?){0,4}") {
            let was = group(&pairs).unwrap().unwrap_or_default().to_owned();
            let moved = with_group(&pairs, "exempt").unwrap();
            prop_assert_eq!(group(&moved), Ok(Some("exempt")));
            prop_assert!(same_otherwise(&pairs, &moved));
            prop_assert_eq!(with_group(&moved, &was).unwrap(), pairs);
        }
    }
}
