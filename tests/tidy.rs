//! Repository rules that no other tool checks.

/// One binary in the whole workspace, or `cargo run -- demo` does not know which to run.
#[test]
fn one_binary() {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut binaries = Vec::new();
    for member in [
        ".",
        "mikro2fa-core",
        "mikro2fa-router",
        "mikro2fa-router/routeros-api",
        "mikro2fa-store",
        "mikro2fa-telegram",
        "mikro2fa-http",
    ] {
        for place in ["src/main.rs", "src/bin"] {
            let path = format!("{root}/{member}/{place}");
            if std::path::Path::new(&path).exists() {
                binaries.push(path);
            }
        }
    }
    assert!(
        binaries.len() <= 1,
        "more than one binary: {binaries:?}; make the others examples or subcommands"
    );
}
