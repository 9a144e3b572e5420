//! What people, or a pipe, see and type.

use std::io::{self, Write};
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use jiff::tz::TimeZone;
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthStr;

use super::conversation::Shown;
use crate::harmless::{harmless, tell};
use crate::remote::{self, Input, RemoteError};

/// Lines that wait in a pipe before no further one is read.
const LINES_MAX: usize = 64;
/// Lines that wait for a screen; it is far faster than people read.
const SHOWN_MAX: usize = 1_024;
/// How long the last lines are waited for.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What was typed.
pub(super) enum Typed {
    Line(String),
    End,
    Failed(String),
}

/// A terminal or a pipe.
pub(super) struct Face {
    typed: mpsc::Receiver<Typed>,
    screen: Screen,
}

enum Screen {
    Pipe {
        /// Whether somebody reads what is said.
        is_read: bool,
    },
    Terminal(Terminal),
}

struct Terminal {
    zone: TimeZone,
    has_colours: bool,
    /// Lets the editor read the next line.
    prompts: Option<blocking::Sender<String>>,
    /// Whether the editor waits for it.
    is_waiting: bool,
    lines: Option<blocking::SyncSender<String>>,
    printed: blocking::Receiver<()>,
}

impl Face {
    /// A terminal if both ends are one.
    pub(super) fn of(input: Input) -> Result<Self, RemoteError> {
        let (sender, typed) = mpsc::channel(LINES_MAX);
        let screen = if remote::is_terminal() {
            Screen::Terminal(Terminal::start(sender).map_err(RemoteError::Start)?)
        } else {
            thread::spawn(move || read_pipe(input, &sender));
            Screen::Pipe { is_read: true }
        };
        Ok(Self { typed, screen })
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self.screen, Screen::Terminal(_))
    }

    /// What is typed next. Nothing is lost if it is dropped.
    pub(super) async fn typed(&mut self) -> Typed {
        let typed = self.typed.recv().await.unwrap_or(Typed::End);
        if let Screen::Terminal(terminal) = &mut self.screen {
            terminal.is_waiting = true;
        }
        typed
    }

    /// What stands before the next line. Without a call no further line is read from a terminal.
    pub(super) fn prompt(&mut self, prompt: String) {
        if let Screen::Terminal(terminal) = &mut self.screen
            && terminal.is_waiting
            && let Some(prompts) = &terminal.prompts
        {
            terminal.is_waiting = false;
            // An editor that has ended reads no more.
            let _ = prompts.send(prompt);
        }
    }

    /// Shows a line; what was typed so far stays.
    pub(super) fn show(&mut self, shown: &Shown) -> Result<(), RemoteError> {
        match (&mut self.screen, shown) {
            (Screen::Terminal(terminal), shown) => {
                let line = match shown {
                    Shown::Message(line) => line.on_terminal(&terminal.zone, terminal.has_colours),
                    Shown::Note(line) => format!("-- {}", harmless(line)),
                    Shown::Refusal(line) => format!("!! {}", harmless(line)),
                };
                if let Some(lines) = &terminal.lines {
                    // A printer that has ended has said why, or nobody looks any more.
                    let _ = lines.send(line + "\n");
                }
                Ok(())
            }
            (Screen::Pipe { is_read }, Shown::Message(line)) => {
                if !*is_read {
                    return Ok(());
                }
                let mut out = io::stdout().lock();
                let written = writeln!(out, "{}", line.text()).and_then(|()| out.flush());
                match written {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => *is_read = false,
                    written => written.map_err(RemoteError::Output)?,
                }
                Ok(())
            }
            (Screen::Pipe { .. }, Shown::Note(line) | Shown::Refusal(line)) => {
                tell(line);
                Ok(())
            }
        }
    }

    /// Whether nobody reads what is said any more.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self.screen, Screen::Pipe { is_read: false })
    }

    /// Nothing more is typed. How many lines were and are not taken.
    pub(super) fn end(&mut self) -> usize {
        self.typed.close();
        let mut left = 0;
        while let Ok(typed) = self.typed.try_recv() {
            left += usize::from(matches!(typed, Typed::Line(_)));
        }
        if let Screen::Terminal(terminal) = &mut self.screen {
            terminal.prompts = None;
        }
        left
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        if let Screen::Terminal(terminal) = &mut self.screen {
            terminal.lines = None;
            let _ = terminal.printed.recv_timeout(LAST_LINES);
        }
    }
}

impl Terminal {
    /// An editor and a printer, each in a thread of its own: both may have to wait for the other.
    fn start(typed: mpsc::Sender<Typed>) -> io::Result<Self> {
        let config = rustyline::Config::builder().auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(config).map_err(io::Error::other)?;
        let printer = editor.create_external_printer().map_err(io::Error::other)?;
        let (prompts, next_prompt) = blocking::channel();
        thread::spawn(move || edit(&mut editor, &next_prompt, &typed));
        let (lines, to_print) = blocking::sync_channel(SHOWN_MAX);
        let (done, printed) = blocking::sync_channel(1);
        thread::spawn(move || {
            print(printer, &to_print);
            let _ = done.send(());
        });
        // Said by many programs in one way (no-color.org): set, and not empty.
        let has_colours = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Ok(Self {
            zone: TimeZone::system(),
            has_colours,
            prompts: Some(prompts),
            is_waiting: true,
            lines: Some(lines),
            printed,
        })
    }
}

fn edit(
    editor: &mut DefaultEditor,
    prompts: &blocking::Receiver<String>,
    typed: &mpsc::Sender<Typed>,
) {
    while let Ok(prompt) = prompts.recv() {
        let line = match editor.readline(&prompt) {
            Ok(line) => {
                if !line.starts_with('/') || line.starts_with("//") {
                    unshow(editor, &prompt, &line);
                }
                Typed::Line(line)
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Typed::End,
            Err(error) => Typed::Failed(error.to_string()),
        };
        let is_last = !matches!(line, Typed::Line(_));
        if typed.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

/// Takes back what was typed: it comes again, in its place among what others say, when it was said.
fn unshow(editor: &mut DefaultEditor, prompt: &str, line: &str) {
    let columns = editor
        .dimensions()
        .map_or(80, |(columns, _)| usize::from(columns).max(1));
    let rows = (prompt.width() + line.width()) / columns + 1;
    let mut out = io::stdout().lock();
    // A terminal that cannot be written to shows nothing anyway.
    let _ = write!(out, "\u{1b}[{rows}A\r\u{1b}[J").and_then(|()| out.flush());
}

fn print(mut printer: impl ExternalPrinter, lines: &blocking::Receiver<String>) {
    for line in lines {
        if printer.print(line).is_err() {
            return;
        }
    }
}

fn read_pipe(mut input: Input, typed: &mpsc::Sender<Typed>) {
    loop {
        let line = match input.next() {
            Ok(Some(line)) => Typed::Line(line),
            Ok(None) => Typed::End,
            Err(error) => Typed::Failed(error.to_string()),
        };
        let is_last = !matches!(line, Typed::Line(_));
        if typed.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}
