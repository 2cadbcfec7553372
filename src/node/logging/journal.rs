//! Lines as entries of systemd's journal: each field can be searched for (`journalctl BARRELEYE_PEER=…`).

use std::fmt::{Debug, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::{fs, io};

use std::os::fd::AsFd;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::queue::Queue;

/// Where the journal takes entries.
const SOCKET: &str = "/run/systemd/journal/socket";
/// A longer text is cut: a datagram has to fit.
const MAX_TEXT: usize = 16 * 1024;

/// Whether standard error goes to the journal: systemd says which file that is.
pub fn is_read() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let file = io::stderr().as_fd().try_clone_to_owned().map(fs::File::from).and_then(|file| file.metadata());
    file.is_ok_and(|meta| stream == format!("{}:{}", meta.dev(), meta.ino()))
}

/// A connection to the journal.
pub fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(SOCKET)?;
    Ok(socket)
}

/// Makes entries.
pub struct Journal(pub Queue);

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut entry = entry(*meta.level(), &fields.text());
        put(&mut entry, "BARRELEYE_TARGET", meta.target());
        if let (Some(file), Some(line)) = (meta.file(), meta.line()) {
            put(&mut entry, "CODE_FILE", file);
            put(&mut entry, "CODE_LINE", &line.to_string());
        }
        for (name, value) in &fields.rest {
            put(&mut entry, &format!("BARRELEYE_{}", upper(name)), value);
        }
        self.0.line(entry);
    }
}

/// An entry with nothing but a text.
pub fn entry(level: Level, text: &str) -> Vec<u8> {
    let priority = match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    };
    let mut entry = Vec::new();
    put(&mut entry, "PRIORITY", priority);
    put(&mut entry, "SYSLOG_IDENTIFIER", "barreleye");
    put(&mut entry, "MESSAGE", text);
    entry
}

/// One field, in the form that may hold anything.
fn put(entry: &mut Vec<u8>, name: &str, value: &str) {
    let mut end = value.len().min(MAX_TEXT);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    entry.extend_from_slice(name.as_bytes());
    entry.push(b'\n');
    entry.extend_from_slice(&(end as u64).to_le_bytes());
    entry.extend_from_slice(&value.as_bytes()[..end]);
    entry.push(b'\n');
}

/// The journal's names have capital letters, digits and underscores.
fn upper(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Vec<(&'static str, String)>,
}

impl Fields {
    /// The line as people read it: the message, and every field behind it.
    fn text(&self) -> String {
        let mut text = self.message.clone();
        for (name, value) in &self.rest {
            // Writing to a string cannot fail.
            let _ = write!(text, " {name}={value}");
        }
        text
    }

    fn push(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.rest.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_texts_of_any_form_and_its_names_are_the_journals() {
        let entry = entry(Level::WARN, "two\nlines");
        let expected = [
            &b"PRIORITY\n\x01\0\0\0\0\0\0\x004\n"[..],
            b"SYSLOG_IDENTIFIER\n\x09\0\0\0\0\0\0\0barreleye\n",
            b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n",
        ];
        assert_eq!(entry, expected.concat());
        assert_eq!(upper("peer.id"), "PEER_ID");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_two_characters() {
        let mut entry = Vec::new();
        put(&mut entry, "MESSAGE", &"é".repeat(MAX_TEXT));
        assert!(entry.len() < MAX_TEXT + 32);
        assert!(std::str::from_utf8(&entry[16..entry.len() - 1]).is_ok());
    }
}
