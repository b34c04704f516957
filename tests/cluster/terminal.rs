//! What people see on a terminal: a question, what is under way, and in the end a line for each object.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::daphnia::{Desk, config_map, job};

const ROWS: NonZeroU16 = NonZeroU16::new(60).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();

/// A `daphnia` on a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
}

impl Terminal {
    fn start(desk: &Desk, args: &[&str], term: &str) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("the system has terminals");
        grantpt(&master).expect("it is ours");
        unlockpt(&master).expect("it is ours");
        let size = Winsize { ws_row: ROWS.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).expect("a terminal has a size");
        let path = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("which is text");
        let side = || {
            let opened = OpenOptions::new().read(true).write(true).open(&path);
            Stdio::from(opened.expect("the other side can be opened"))
        };
        let args: Vec<String> =
            args.iter().map(|arg| arg.replace("NAMESPACE", desk.namespace.name())).collect();
        let mut command = desk.command(&args);
        command.env("TERM", term).stdin(side()).stdout(side()).stderr(side());
        let child = command.spawn().expect("daphnia can be run");
        // The other side is open in the child alone, so its end is the end.
        drop(command);
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().expect("a file can be read twice");
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let _ = sender.send(buffer[..count].to_vec());
            }
        });
        Terminal { child, keyboard, output, screen: vt100::Parser::new(ROWS, COLUMNS, 0) }
    }

    /// The screen, row by row.
    fn shown(&self) -> String {
        let rows: Vec<String> = self.screen.screen().rows(0, COLUMNS.get()).collect();
        rows.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }

    /// Looks until the screen is so.
    #[track_caller]
    fn until(&mut self, what: &str, is_so: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so(&self.shown()) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(why) => panic!("{what} is not shown ({why}):\n{}", self.shown()),
            }
        }
    }

    fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("the terminal takes keys");
    }

    /// What is left on the screen, and the exit status.
    fn end(mut self) -> (String, Option<i32>) {
        loop {
            match self.output.recv_timeout(Duration::from_secs(60)) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.shown()),
            }
        }
        let status = self.child.wait().expect("daphnia ends").code();
        println!("{}", self.shown());
        (self.shown(), status)
    }
}

#[test]
fn on_a_terminal_the_changes_are_shown_and_nothing_is_done_without_a_yes() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    let mut terminal = Terminal::start(&desk, &["apply", "settings.yaml"], "xterm");
    terminal.until("the question", |shown| shown.ends_with("? [y/N]"));
    assert!(terminal.shown().contains("+  key: one"), "{}", terminal.shown());
    terminal.type_in("\n");
    let (shown, status) = terminal.end();
    assert_eq!(status, Some(1));
    assert!(shown.contains("nothing was changed"), "{shown}");
    assert!(desk.object("configmaps", "settings").is_none());

    let mut terminal = Terminal::start(&desk, &["apply", "settings.yaml"], "xterm");
    terminal.until("the question", |shown| shown.ends_with("? [y/N]"));
    terminal.type_in("y\n");
    let (shown, status) = terminal.end();
    assert_eq!(status, Some(0));
    assert!(shown.contains(&format!("created    ConfigMap {}/settings", desk.namespace.name())), "{shown}");
}

#[test]
fn nothing_is_asked_where_nothing_changes() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    let (shown, status) = Terminal::start(&desk, &["apply", "settings.yaml"], "xterm").end();
    assert_eq!(status, Some(0));
    assert!(shown.contains("unchanged") && !shown.contains("[y/N]"), "{shown}");
}

#[test]
fn a_delete_lists_what_goes_and_asks() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    desk.daphnia(&["apply", "settings.yaml"]).exits(0);
    for (answer, status) in [("n\n", 1), ("yes\n", 0)] {
        let mut terminal = Terminal::start(&desk, &["delete", "settings.yaml"], "xterm");
        terminal.until("the question", |shown| shown.ends_with("? [y/N]"));
        assert!(terminal.shown().contains("delete     ConfigMap"), "{}", terminal.shown());
        terminal.type_in(answer);
        assert_eq!(terminal.end().1, Some(status));
        assert_eq!(desk.object("configmaps", "settings").is_none(), status == 0);
    }
}

#[test]
fn among_events_nothing_is_asked() {
    let Some(desk) = Desk::new() else { return };
    desk.write("settings.yaml", &config_map("settings", "one"));
    let (shown, status) = Terminal::start(&desk, &["apply", "settings.yaml", "-o", "json"], "xterm").end();
    assert_eq!(status, Some(2));
    assert!(shown.replace('\n', "").contains("agree beforehand with `--yes`"), "{shown}");
    assert!(desk.object("configmaps", "settings").is_none());
    let (_, status) =
        Terminal::start(&desk, &["apply", "settings.yaml", "-o", "json", "--yes"], "xterm").end();
    assert_eq!(status, Some(0));
}

/// Three Jobs that end one after the other.
fn three_jobs(desk: &Desk) {
    let jobs = [job("a", "sleep 2"), job("b", "sleep 4"), job("c", "sleep 6")];
    desk.write("jobs.yaml", &jobs.join("---\n"));
}

#[test]
fn a_live_view_shows_what_is_under_way_and_leaves_a_line_for_each_object() {
    let Some(desk) = Desk::with_node() else { return };
    three_jobs(&desk);
    let mut terminal = Terminal::start(&desk, &["apply", "jobs.yaml", "--yes"], "xterm");
    let name = desk.namespace.name();
    terminal.until("all three", |shown| {
        let last: Vec<&str> = shown.lines().rev().take(4).collect();
        let is_line = |line: &&str| line.contains("0/1 succeeded, 1 active");
        last.len() == 4 && last[..3].iter().all(is_line) && last[3].ends_with("waiting for 3 objects")
    });
    terminal.until("only the last", |shown| {
        let last: Vec<&str> = shown.lines().rev().take(2).collect();
        last[0].trim() == format!("Job {name}/c: 0/1 succeeded, 1 active")
            && last[1].ends_with("waiting for 1 object")
    });
    let (shown, status) = terminal.end();
    assert_eq!(status, Some(0));
    for word in ["created    Job", "started    Job", "succeeded  Job"] {
        for job in ["a", "b", "c"] {
            let lines =
                shown.lines().filter(|line| line.starts_with(&format!("{word} {name}/{job}"))).count();
            assert_eq!(lines, 1, "`{word}` of {job}:\n{shown}");
        }
    }
    assert!(!shown.contains("waiting for") && !shown.contains("active"), "nothing of it stays:\n{shown}");
}

#[test]
fn a_live_view_goes_when_it_is_interrupted() {
    let Some(desk) = Desk::with_node() else { return };
    desk.write("slow.yaml", &job("slow", "sleep 60"));
    let mut terminal = Terminal::start(&desk, &["apply", "slow.yaml", "--yes"], "xterm");
    terminal.until("what is under way", |shown| shown.contains("waiting for 1 object"));
    let process = terminal.child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &process]).status();
    assert!(sent.expect("kill can be run").success());
    let (shown, status) = terminal.end();
    assert_eq!(status, Some(130));
    assert!(!shown.contains("waiting for"), "{shown}");
    assert!(shown.ends_with("what was applied stays, and the next apply does the rest"), "{shown}");
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_plain_lines() {
    let Some(desk) = Desk::with_node() else { return };
    three_jobs(&desk);
    let (shown, status) = Terminal::start(&desk, &["apply", "jobs.yaml", "--yes"], "dumb").end();
    assert_eq!(status, Some(0));
    assert!(shown.contains("progress   Job") && !shown.contains("waiting for"), "{shown}");
}

#[test]
fn where_nobody_watches_there_are_plain_lines() {
    let Some(desk) = Desk::with_node() else { return };
    three_jobs(&desk);
    let said = desk.daphnia(&["apply", "jobs.yaml"]).exits(0);
    assert!(!said.stdout.contains(['\u{1b}', '\r']) && !said.stderr.contains(['\u{1b}', '\r']));
    assert_eq!(said.stdout.lines().count(), 3, "one line for each object");
    said.tells("progress Job").tells("succeeded Job");
}
