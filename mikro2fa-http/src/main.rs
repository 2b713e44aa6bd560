//! The `mikro2fa` program: all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mikro2fa_http::cli::main()
}
