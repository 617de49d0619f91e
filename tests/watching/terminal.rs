//! The display on a terminal, as a terminal shows it: whole screens.

use std::io::{Read, Write};
use std::thread;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use support::influx::Moment;

use crate::{Sides, sides};

const SIZE: PtySize = PtySize { rows: 24, cols: 90, pixel_width: 0, pixel_height: 0 };

/// Runs on a terminal to a good end; `until` sees each screen as it comes.
fn screens(sides: &Sides, term: &str, mut until: impl FnMut(&str)) -> String {
    let (last, status) = run(sides, term, |screen, _| until(screen));
    assert_eq!(status, 0, "{last}");
    last
}

/// Runs on a terminal; `until` sees each screen as it comes, and may type. Returns the last screen, and the exit
/// status.
fn run(sides: &Sides, term: &str, mut until: impl FnMut(&str, &mut dyn Write)) -> (String, u32) {
    let pty = native_pty_system().openpty(SIZE).expect("there are terminals");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tsm2iox"));
    command.arg("run");
    command.arg(sides.migration.path("migration.toml"));
    command.env("TOKEN", "secret");
    command.env("TERM", term);
    let mut process = pty.slave.spawn_command(command).expect("it starts");
    drop(pty.slave);
    let mut reader = pty.master.try_clone_reader().expect("it can be read");
    let mut keyboard = pty.master.take_writer().expect("it can be typed on");
    let mut screen = vt100::Parser::new(SIZE.rows, SIZE.cols, 0);
    let mut bytes = [0; 4096];
    // A terminal whose program has ended is an error on Linux.
    while let Ok(read @ 1..) = reader.read(&mut bytes) {
        screen.process(&bytes[..read]);
        until(&rows(&screen), &mut keyboard);
    }
    (rows(&screen), process.wait().expect("it ends").exit_code())
}

/// What a screen shows, row by row.
fn rows(screen: &vt100::Parser) -> String {
    let rows = screen.screen().rows(0, SIZE.cols);
    rows.map(|row| row.trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_terminal_shows_how_far_it_is_and_at_last_what_it_came_to() {
    let sides = sides("write_mb = 100\nwindow = \"60s\"\n");
    let mut hold = Some(sides.destination.hold(Moment::Arrived, "/api/v3/write_lp", 3));
    let mut seen = String::new();
    let last = screens(&sides, "xterm-256color", |screen| {
        let shows = |text: &str| screen.contains(text);
        let is_whole = shows("writing batch") && shows("written") && shows("in the last");
        if hold.is_some() && is_whole && shows("46.1 %") {
            screen.clone_into(&mut seen);
            // On a thread of its own: it may wait.
            let hold = hold.take();
            thread::spawn(move || drop(hold));
        }
    });
    let lines: Vec<_> = seen.lines().collect();
    let bar = lines.iter().position(|line| line.contains("46.1 %"));
    let bar = bar.unwrap_or_else(|| panic!("it was not seen: {last}"));
    assert!(lines[bar].starts_with("━━━"), "{seen}");
    assert_eq!(lines[0], "reads by InfluxQL: database `src`, retention policy `autogen`", "{seen}");
    assert!(lines[bar + 1].starts_with("writing batch 2022-01-01T03:00:00Z/"), "{seen}");
    assert!(lines[bar + 2].contains(" rows") && lines[bar + 2].contains(" read, "), "{seen}");
    assert!(lines[bar + 3].starts_with("in the last 1 min: "), "{seen}");
    assert!(lines[bar + 3].contains(" of 50.0 MB written"), "{seen}");

    // The display is gone, and what it came to is left.
    let lines: Vec<_> = last.lines().collect();
    assert!(lines[1].starts_with("complete: "), "{last}");
    assert!(lines[2].starts_with("saved: 64.4 kB, "), "{last}");
    assert!(lines[3].starts_with("next: `tsm2iox verify "), "{last}");
    assert!(!last.contains('━'), "{last}");
}

#[test]
fn a_terminal_that_cannot_draw_gets_lines() {
    let last = screens(&sides(""), "dumb", |_| {});
    assert!(last.starts_with("reads by InfluxQL: "), "{last}");
    assert!(last.contains("batch 2022-01-01T06:00:00Z/2022-01-01T06:30:00Z is done: "), "{last}");
    assert!(!last.contains('━'), "{last}");
}

#[test]
fn a_typed_interrupt_leaves_no_display_behind() {
    let sides = sides("");
    let mut hold = Some(sides.source.hold(Moment::Arrived, "/query", 20));
    let (last, status) = run(&sides, "xterm-256color", |screen, keyboard| {
        if screen.contains("reading batch")
            && let Some(hold) = hold.take()
        {
            keyboard.write_all(b"\x03").expect("it is read");
            drop(hold);
        }
    });
    assert_eq!(status, 1, "{last}");
    assert!(!last.contains('━') && !last.contains("^C"), "{last}");
    assert!(last.contains("run the same command to resume"), "{last}");
}
