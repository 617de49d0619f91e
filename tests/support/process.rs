//! A process that ends, or a test that fails: none waits for ever.

use std::io;
use std::process::{Child, Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What a test starts ends within this, on a busy machine too.
pub const END_MAX: Duration = Duration::from_secs(60);

/// What a process said that ends by now.
///
/// # Panics
/// If it does not end within `END_MAX`; then it is killed.
#[must_use]
#[track_caller]
pub fn end(process: Child) -> Output {
    let (sender, receiver) = mpsc::channel::<io::Result<Output>>();
    let id = process.id();
    thread::spawn(move || sender.send(process.wait_with_output()));
    let Ok(output) = receiver.recv_timeout(END_MAX) else {
        drop(Command::new("kill").args(["-s", "KILL", &id.to_string()]).status());
        panic!("it has not come to its end within {END_MAX:?}");
    };
    output.expect("it can be waited for")
}
