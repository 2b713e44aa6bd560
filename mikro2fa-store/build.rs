//! Embedded migrations are read at compile time: a changed one has to cause a build.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
