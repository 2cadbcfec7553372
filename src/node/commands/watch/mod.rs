//! `actors --watch`: a node while it runs, on the whole terminal, until `q`, Esc or Ctrl-C.
//!
//! One thread asks the node each second, this one draws and listens to keys: a node that is slow to answer leaves the
//! view alive.

mod picture;
mod view;

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::picture::{Picture, Source};
use crate::cli::AdminArgs;
use crate::failure::Failure;

/// Between two questions to the node.
const EVERY: Duration = Duration::from_secs(1);
/// How soon a key is heard.
const LOOK: Duration = Duration::from_millis(100);

/// Shows the node until the person has seen enough.
pub fn watch(args: &AdminArgs) -> Result<(), Failure> {
    // Asked once before the screen is taken: a node that is not there is told as everywhere.
    let mut source = Source::of(args)?;
    let first = source.picture()?;
    let no_terminal =
        |error| Failure::usage(format!("the view needs a terminal ({error}): without --watch the actors are a table"));
    let mut terminal = ratatui::try_init().map_err(no_terminal)?;
    let (pictures, inbox) = mpsc::channel();
    let (over, end) = mpsc::channel::<()>();
    let asking = thread::spawn(move || ask(&mut source, &pictures, &end));
    let result = show(&mut terminal, first, &inbox);
    ratatui::restore();
    drop(over);
    // It only asks and sends; when the view is gone nobody misses its last answer.
    drop(asking.join());
    result
}

/// Asks the node again and again until the view is gone.
fn ask(source: &mut Source, pictures: &Sender<Result<Picture, Failure>>, end: &Receiver<()>) {
    while end.recv_timeout(EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
        if pictures.send(source.picture()).is_err() {
            return;
        }
    }
}

fn show(
    terminal: &mut DefaultTerminal,
    mut picture: Picture,
    inbox: &Receiver<Result<Picture, Failure>>,
) -> Result<(), Failure> {
    let mut trouble = None;
    let broken = |error: std::io::Error| Failure::internal(format!("the terminal: {error}"));
    loop {
        terminal.draw(|frame| view::draw(frame, &picture, trouble.as_deref())).map_err(broken)?;
        if event::poll(LOOK).map_err(broken)?
            && let Event::Key(key) = event::read().map_err(broken)?
            && ends(key)
        {
            return Ok(());
        }
        match inbox.try_iter().last() {
            Some(Ok(new)) => (picture, trouble) = (new, None),
            Some(Err(failure)) => trouble = Some(failure.to_string()),
            None => {}
        }
    }
}

fn ends(key: KeyEvent) -> bool {
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}
