use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect()
}

/// Loads with a file of this text that does exist, so that the current folder has no say.
fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DEFAULT_FILE);
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path), variables(environment))
}

fn findings(error: &ConfigError) -> Vec<&str> {
    error
        .findings
        .iter()
        .map(|finding| finding.field.as_str())
        .collect()
}

fn value(config: &Config, key: &str) -> (String, String) {
    let shown = config
        .shown()
        .iter()
        .find(|shown| shown.key == key)
        .unwrap();
    let origin = match &shown.origin {
        Origin::File { line, .. } => format!("line {line}"),
        origin => origin.to_string(),
    };
    (shown.value.clone(), origin)
}

/// The example with every option said in so many words.
fn example_without_comment_signs() -> String {
    let is_option =
        |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
    EXAMPLE
        .lines()
        .map(|line| if is_option(line) { &line[1..] } else { line })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_example_says_the_defaults() {
    let defaults = Config::from_toml("").unwrap();
    let example = Config::from_toml(&example_without_comment_signs()).unwrap();
    let values = |config: &Config| {
        config
            .shown()
            .iter()
            .map(|shown| shown.value.replace(" (as listen)", ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        Config::from_toml(EXAMPLE).unwrap().shown(),
        defaults.shown()
    );
    assert_eq!(values(&example), values(&defaults));
    for shown in example.shown() {
        let field = FIELDS.iter().find(|field| field.key == shown.key).unwrap();
        let in_example = matches!(shown.origin, Origin::File { .. });
        assert_eq!(
            in_example, !field.environment_only,
            "{} in the example",
            field.key
        );
    }
}

#[test]
fn the_later_wins_and_says_where_it_came_from() {
    let text = "listen = \"0.0.0.0:1\"\n[log]\nlevel = \"warn\"\nformat = \"json\"\n";
    let config = load(
        text,
        &[
            ("MIKRO2FA_LOG_LEVEL", "debug"),
            ("PATH", "/bin"),
            ("MIKRO2FA_LISTEN", ""),
        ],
    )
    .unwrap();
    assert_eq!(
        value(&config, "listen"),
        ("0.0.0.0:1".into(), "line 1".into())
    );
    assert_eq!(
        value(&config, "log.level"),
        ("debug".into(), "MIKRO2FA_LOG_LEVEL".into())
    );
    assert_eq!(
        value(&config, "log.format"),
        ("json".into(), "line 4".into())
    );
    assert_eq!(
        value(&config, "key_file"),
        ("mikro2fa.key".into(), "default".into())
    );
    assert_eq!(
        value(&config, "hook_listen"),
        ("0.0.0.0:1 (as listen)".into(), "default".into())
    );
    assert_eq!(config.log_level, LogLevel::Debug);
    assert_eq!(config.hook_listen, config.listen);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = "listn = \"127.0.0.1:1\"\nkey = \"abc\"\ndatabase_url = 5\n[log]\nlevel = \"loud\"\ncolour = true\n";
    let environment = [
        ("MIKRO2FA_LOG_FORMATT", "json"),
        ("MIKRO2FA_TELEGRAM_API_URL", "http://example.org"),
    ];
    let error = load(text, &environment).unwrap_err();
    let expected = [
        "MIKRO2FA_LOG_FORMATT",
        "listn",
        "key",
        "database_url",
        "log.colour",
        "log.level",
        "telegram.api_url",
    ];
    assert_eq!(findings(&error), expected, "{error}");
    let said = error.to_string();
    for part in [
        "the configuration has 7 faults",
        "did you mean listen?",
        "did you mean MIKRO2FA_LOG_FORMAT?",
        "\"loud\" is no log level; write one of error, warn, info, debug, trace",
        "mikro2fa.toml, line 5",
        "use MIKRO2FA_KEY or a key file",
        "it is integer, not text; put it in quotes",
        "would travel in the clear",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
}

#[test]
fn broken_toml_is_located_and_the_rest_is_still_read() {
    let error = load("listen = \nlog.level = \"loud\"\n", &[]).unwrap_err();
    assert!(
        error.to_string().contains("mikro2fa.toml, line 1"),
        "{error}"
    );
    assert!(findings(&error).contains(&"log.level"), "{error}");
}

#[test]
fn a_table_where_a_value_belongs_and_the_other_way_round() {
    assert_eq!(
        findings(&load("[listen]\na = 1\n", &[]).unwrap_err()),
        ["listen"]
    );
    assert_eq!(
        findings(&load("log = \"info\"\n", &[]).unwrap_err()),
        ["log"]
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = Config::load(Some(Path::new("/nowhere/mikro2fa.toml")), []).unwrap_err();
    assert_eq!(findings(&error), ["/nowhere/mikro2fa.toml"]);
    let error =
        Config::load(None, variables(&[(FILE_VARIABLE, "/nowhere/else.toml")])).unwrap_err();
    assert_eq!(findings(&error), ["/nowhere/else.toml"]);
}

#[test]
fn a_file_without_an_end_is_not_read() {
    let error = Config::load(Some(Path::new("/dev/zero")), []).unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[test]
fn variables_of_the_test_suite_are_left_alone() {
    assert!(load("", &[("MIKRO2FA_TEST_POSTGRESQL", "postgres://x")]).is_ok());
}

#[test]
fn the_key_comes_from_one_place() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let config = load("", &[("MIKRO2FA_KEY", key)]).unwrap();
    assert!(matches!(config.key, KeySource::Given(_)));
    assert_eq!(
        value(&config, "key"),
        ("(set, not shown)".into(), "MIKRO2FA_KEY".into())
    );
    assert!(!format!("{config:?}").contains(key));
    let error = load("key_file = \"other.key\"", &[("MIKRO2FA_KEY", key)]).unwrap_err();
    assert_eq!(findings(&error), ["key"]);
    let error = load("", &[("MIKRO2FA_KEY", "hunter2")]).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn database_urls_are_shown_without_passwords() {
    let cases = [
        ("sqlite://mikro2fa.db", "sqlite://mikro2fa.db"),
        ("postgres://ann:hunter2@db/x", "postgres://ann@db/x"),
        (
            "postgres://ann:hun@ter2@db/x?sslmode=require",
            "postgres://ann@db/x",
        ),
        (
            "postgres://db/x?user=ann&password=hunter2",
            "postgres://db/x",
        ),
    ];
    for (url, expected) in cases {
        let config = load("", &[("MIKRO2FA_DATABASE_URL", url)]).unwrap();
        assert_eq!(config.database_url.to_string(), expected);
        assert_eq!(value(&config, "database_url").0, expected);
        assert!(!format!("{config:?}").contains("ter2"));
    }
}

#[test]
fn database_urls_that_are_none() {
    for url in ["mikro2fa.db", "mysql://x", "sqlite://"] {
        let error = load("", &[("MIKRO2FA_DATABASE_URL", url)]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("write sqlite://FILE or postgres://"),
            "{error}"
        );
    }
}

#[test]
fn the_bot_api_is_https_or_on_this_machine() {
    let good = [
        ("https://api.telegram.org/", "https://api.telegram.org"),
        (
            "https://bots.example:8443/prefix",
            "https://bots.example:8443/prefix",
        ),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://[::1]:8081", "http://[::1]:8081"),
        ("http://[::1]", "http://[::1]"),
        ("http://localhost:8081", "http://localhost:8081"),
    ];
    for (url, expected) in good {
        let config = load("", &[("MIKRO2FA_TELEGRAM_API_URL", url)]).unwrap();
        assert_eq!(config.telegram_api_url.as_str(), expected);
    }
    let bad = [
        "http://10.0.0.1",
        "http://127.0.0.1@evil.example",
        "http://localhost.evil.example",
        "ftp://x",
        "https://",
        "x",
    ];
    for url in bad {
        let error = load("", &[("MIKRO2FA_TELEGRAM_API_URL", url)]).unwrap_err();
        assert_eq!(findings(&error), ["telegram.api_url"], "{url}");
    }
}
