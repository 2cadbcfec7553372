//! What holds as long as the tip does: pages as the bytes that are sent, and accounts.
//!
//! Explorers and wallets ask for the same few things again and again, every two seconds and from many screens. An
//! answer is made once for each tip; what was made for an older one is forgotten at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::web::Bytes;
use ledger::{Account, Address, BlockId};

/// Bytes of all kept pages: room for the first pages of everything, and a few large ones.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// Pages that are kept. More names than that are somebody walking through the chain, who asks for each once.
const PAGES: usize = 512;
/// Accounts that are kept, some fifty bytes each: what a node's wallets can ask for between two blocks.
const ACCOUNTS: usize = 8_192;

/// Pages by path and query.
pub type Pages = AtTip<String, Bytes>;
/// Accounts, also those that were never paid.
pub type Accounts = AtTip<Address, Option<Account>>;

/// What was found for one tip, within a number and, where sizes differ, within bytes.
#[derive(Debug)]
pub struct AtTip<K, V> {
    most: usize,
    most_bytes: usize,
    size: fn(&K, &V) -> usize,
    kept: Mutex<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    tip: Option<BlockId>,
    bytes: usize,
    values: HashMap<K, V>,
}

impl Pages {
    /// No pages yet.
    pub fn pages() -> Self {
        Self::new(PAGES, PAGE_BYTES, |name, page| name.len() + page.len())
    }
}

impl Accounts {
    /// No accounts yet.
    pub fn accounts() -> Self {
        Self::new(ACCOUNTS, usize::MAX, |_, _| 0)
    }
}

impl<K: Eq + Hash, V: Clone> AtTip<K, V> {
    fn new(most: usize, most_bytes: usize, size: fn(&K, &V) -> usize) -> Self {
        Self { most, most_bytes, size, kept: Mutex::new(Kept { tip: None, bytes: 0, values: HashMap::new() }) }
    }

    /// What `key` is at `tip`, made by `make` if nobody asked before. `tip` is what was the tip before `make` reads, so
    /// an answer is never older than it says.
    pub fn get<Q, E>(&self, tip: BlockId, key: &Q, make: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(value) = self.kept().of(tip).values.get(key) {
            return Ok(value.clone());
        }
        // Not under the lock: whoever asks for something else meanwhile must not wait.
        let (key, value) = (key.to_owned(), make()?);
        let size = (self.size)(&key, &value);
        let mut kept = self.kept();
        let kept = kept.of(tip);
        if kept.values.len() < self.most && kept.bytes + size <= self.most_bytes {
            kept.bytes += size;
            kept.values.insert(key, value.clone());
        }
        Ok(value)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept<K, V>> {
        // Nothing under the lock panics half way.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Kept<K, V> {
    fn of(&mut self, tip: BlockId) -> &mut Self {
        if self.tip != Some(tip) {
            *self = Self { tip: Some(tip), bytes: 0, values: HashMap::new() };
        }
        self
    }
}

/// The path and query of a request, which name its page.
pub fn name(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or("", |name| name.as_str())
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
        let pages = Pages::pages();
        assert_eq!(ask(&pages, 1, "/blocks", "a"), "a");
        assert_eq!(ask(&pages, 1, "/blocks", "b"), "a");
        assert_eq!(ask(&pages, 1, "/txs", "c"), "c");
        assert_eq!(ask(&pages, 2, "/blocks", "d"), "d");
        assert_eq!(ask(&pages, 1, "/blocks", "e"), "e", "what an older tip left is forgotten");
    }

    #[test]
    fn what_is_kept_does_not_grow() {
        let pages = Pages::pages();
        let page = Bytes::from(vec![0; PAGE_BYTES / 8]);
        for number in 0..2 * PAGES {
            pages.get(BlockId::ZERO, number.to_string().as_str(), || Ok::<_, Infallible>(page.clone())).unwrap();
        }
        let kept = pages.kept.lock().unwrap();
        assert!(kept.bytes <= PAGE_BYTES && kept.values.len() <= 8, "{} pages", kept.values.len());
        drop(kept);
        for number in 0..2 * PAGES {
            ask(&pages, 7, &number.to_string(), "small");
        }
        assert_eq!(pages.kept.lock().unwrap().values.len(), PAGES);
        let accounts = Accounts::accounts();
        for number in 0..2 * ACCOUNTS as u64 {
            let mut address = Address::ZERO;
            address.0[..8].copy_from_slice(&number.to_be_bytes());
            accounts.get(BlockId::ZERO, &address, || Ok::<_, Infallible>(None)).unwrap();
        }
        assert_eq!(accounts.kept.lock().unwrap().values.len(), ACCOUNTS);
    }
}
