//! Answers that hold as long as the tip does, kept as the bytes that are sent.
//!
//! Explorers ask for the same few pages again and again, every two seconds and from many screens. An answer is made
//! once for each tip; what was made for an older one is forgotten at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::web::Bytes;
use ledger::BlockId;

/// Bytes of all kept answers: room for the first pages of everything, and a few large ones.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Answers that are kept. More names than that are somebody walking through the chain, who asks for each once.
const MAX_PAGES: usize = 512;

/// Answers for one tip.
#[derive(Debug, Default)]
pub struct Pages(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    tip: Option<BlockId>,
    bytes: usize,
    pages: HashMap<String, Bytes>,
}

impl Pages {
    /// The answer to `name` at `tip`, made by `render` if nobody asked before. `tip` is what was the tip before
    /// `render` reads, so an answer is never older than it says.
    pub fn get<E>(&self, tip: BlockId, name: &str, render: impl FnOnce() -> Result<Bytes, E>) -> Result<Bytes, E> {
        if let Some(page) = self.kept().of(tip).pages.get(name) {
            return Ok(page.clone());
        }
        // Not under the lock: whoever asks for another page meanwhile must not wait.
        let page = render()?;
        self.kept().of(tip).keep(name, &page);
        Ok(page)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        // Nothing under the lock panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path and query of a request, which name its answer.
pub fn name(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or("", |name| name.as_str())
}

impl Kept {
    fn of(&mut self, tip: BlockId) -> &mut Self {
        if self.tip != Some(tip) {
            *self = Self { tip: Some(tip), ..Self::default() };
        }
        self
    }

    fn keep(&mut self, name: &str, page: &Bytes) {
        let size = name.len() + page.len();
        if self.pages.len() < MAX_PAGES && self.bytes + size <= MAX_BYTES {
            self.bytes += size;
            self.pages.insert(name.to_owned(), page.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn ask(pages: &Pages, tip: u8, name: &str, content: &'static str) -> Bytes {
        let made = || Ok::<_, Infallible>(Bytes::from_static(content.as_bytes()));
        pages.get(BlockId([tip; 32]), name, made).unwrap()
    }

    #[test]
    fn an_answer_is_made_once_for_each_tip() {
        let pages = Pages::default();
        assert_eq!(ask(&pages, 1, "/blocks", "a"), "a");
        assert_eq!(ask(&pages, 1, "/blocks", "b"), "a");
        assert_eq!(ask(&pages, 1, "/txs", "c"), "c");
        assert_eq!(ask(&pages, 2, "/blocks", "d"), "d");
        assert_eq!(ask(&pages, 1, "/blocks", "e"), "e", "what an older tip left is forgotten");
    }

    #[test]
    fn what_is_kept_does_not_grow() {
        let pages = Pages::default();
        let page = Bytes::from(vec![0; MAX_BYTES / 8]);
        for number in 0..2 * MAX_PAGES {
            pages.get(BlockId::ZERO, &number.to_string(), || Ok::<_, Infallible>(page.clone())).unwrap();
        }
        let kept = pages.0.lock().unwrap();
        assert!(kept.bytes <= MAX_BYTES && kept.pages.len() <= 8, "{} pages", kept.pages.len());
        drop(kept);
        for number in 0..2 * MAX_PAGES {
            ask(&pages, 7, &number.to_string(), "small");
        }
        assert_eq!(pages.0.lock().unwrap().pages.len(), MAX_PAGES);
    }
}
