//! Checking a run of headers before anything of it is stored: linked, worked for, and with the targets of rule D.
//!
//! Of each header only the id is kept, 32 bytes, and nothing once the run is dropped.

use ledger::{BlockError, BlockId, ChainSource, Header, Network, ViewError, Work, check};

use crate::bounded::BoundedSet;

/// What headers are checked against.
pub(super) struct Rules<'a> {
    pub network: &'a Network,
    /// This node's clock, unix milliseconds.
    pub unix: u64,
    /// Blocks that were refused for ever.
    pub invalid: &'a BoundedSet<BlockId>,
    pub view: &'a dyn ChainSource,
}

/// Headers on top of a block that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderRun {
    /// Ids of the blocks that are not stored yet, lowest first.
    pub ids: Vec<BlockId>,
    /// Cumulative work at the end of the run.
    pub work: Work,
    /// The headers that were looked at, those that are stored included.
    pub seen: usize,
    /// The next header is so far ahead of this node's clock that it must wait (B2): the run ends before it.
    pub early: bool,
    /// The block below the run.
    base: BlockId,
    last_id: BlockId,
    last: Header,
    before_last: Option<Header>,
}

/// Why headers are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeadersError {
    /// The first does not follow any block that is stored here.
    #[error("its headers do not follow any block that it was asked about")]
    Detached,
    /// One does not follow the one before it.
    #[error("its headers have a hole after height {0}")]
    Hole(u64),
    /// One breaks a rule.
    #[error("its header at height {0}: {1}")]
    Invalid(u64, BlockError),
}

impl HeaderRun {
    /// An empty run on the stored block that `headers` follow.
    pub fn start(headers: &[Header], view: &dyn ChainSource) -> Result<Result<Self, HeadersError>, ViewError> {
        let Some(first) = headers.first() else { return Ok(Err(HeadersError::Detached)) };
        let Some(base) = view.header(&first.previous)? else { return Ok(Err(HeadersError::Detached)) };
        let before_last = match base.header.height {
            0 => None,
            _ => view.header(&base.header.previous)?.map(|stored| stored.header),
        };
        Ok(Ok(Self {
            ids: Vec::new(),
            work: base.work,
            seen: 0,
            early: false,
            base: first.previous,
            last_id: first.previous,
            last: base.header,
            before_last,
        }))
    }

    /// Adds headers at the end; those at its beginning that are stored already are only passed by.
    pub fn extend(&mut self, headers: &[Header], rules: &Rules) -> Result<Result<(), HeadersError>, ViewError> {
        for header in headers {
            if header.previous != self.last_id {
                return Ok(Err(HeadersError::Hole(self.last.height)));
            }
            let id = match self.check(header, rules) {
                Ok(id) => id,
                Err(BlockError::FromTheFuture { .. }) => {
                    self.early = true;
                    return Ok(Ok(()));
                }
                Err(error) => return Ok(Err(HeadersError::Invalid(header.height, error))),
            };
            let stored = if self.ids.is_empty() { rules.view.header(&id)? } else { None };
            let work = header.target.work().ok().and_then(|work| self.work.checked_add(work));
            let Some(work) = work else {
                return Ok(Err(HeadersError::Invalid(header.height, BlockError::Overflow)));
            };
            if stored.is_none() {
                self.ids.push(id);
            }
            self.work = work;
            self.seen += 1;
            self.last_id = id;
            self.before_last = Some(std::mem::replace(&mut self.last, header.clone()));
        }
        Ok(Ok(()))
    }

    /// What `headers`, asked for after any of these `ends`, add to this run, if they lead to its end: the answer to an
    /// older question overlaps it.
    pub fn rest_of<'a>(&self, headers: &'a [Header], ends: &[BlockId]) -> Option<&'a [Header]> {
        let none = &headers[..0];
        match headers.last() {
            None => ends.contains(&self.last_id).then_some(none),
            Some(last) => match headers.iter().position(|header| header.previous == self.last_id) {
                Some(at) => Some(&headers[at..]),
                None => (last.id() == self.last_id).then_some(none),
            },
        }
    }

    /// A run without headers at the end of this one.
    pub fn end(&self) -> Self {
        Self { ids: Vec::new(), seen: 0, early: false, base: self.last_id, ..self.clone() }
    }

    /// Whether the block below the run is stored.
    pub fn has_base(&self, view: &dyn ChainSource) -> Result<bool, ViewError> {
        Ok(view.header(&self.base)?.is_some())
    }

    /// Leaves out what was stored meanwhile.
    pub fn forget_stored(&mut self, view: &dyn ChainSource) -> Result<(), ViewError> {
        // A block is stored after its parent.
        let (mut stored, mut open) = (0, self.ids.len());
        while stored < open {
            let middle = (stored + open) / 2;
            if view.header(&self.ids[middle])?.is_some() {
                stored = middle + 1;
            } else {
                open = middle;
            }
        }
        self.ids.drain(..stored);
        Ok(())
    }

    /// Id of the last header.
    pub fn last_id(&self) -> BlockId {
        self.last_id
    }

    /// Height of the last header.
    pub fn last_height(&self) -> u64 {
        self.last.height
    }

    /// The work first: it is what costs a stranger something.
    fn check(&self, header: &Header, rules: &Rules) -> Result<BlockId, BlockError> {
        let id = check::header_alone(header, rules.network)?;
        if rules.invalid.contains(&id) {
            return Err(BlockError::InvalidAncestor(id));
        }
        check::header_in_context(header, &self.last, self.before_last.as_ref(), rules.network)?;
        check::not_from_the_future(header, rules.unix, rules.network)?;
        Ok(id)
    }
}
