//! What is kept together with what the writer has staged on top of it. Only the writer sees that; nothing of it is there
//! after a crash.

use redb::{Key, ReadableTable, TableDefinition, Value, WriteTransaction};

use crate::StoreError;
use crate::moment::{Moment, chain_source};

/// What is kept, with what is staged.
pub struct Staged<'s>(&'s WriteTransaction);

impl<'s> Staged<'s> {
    pub(crate) fn new(tx: &'s WriteTransaction) -> Self {
        Self(tx)
    }
}

impl Moment for Staged<'_> {
    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<impl ReadableTable<K, V>, StoreError> {
        Ok(self.0.open_table(definition)?)
    }
}

chain_source!(Staged<'_>);
