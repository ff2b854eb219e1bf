//! What the program becomes to open a file that somebody sent, for tests that are no such program themselves.

fn main() -> std::process::ExitCode {
    exchange::worker::run()
}
