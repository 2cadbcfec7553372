//! Checking a run of headers before anything of it is stored: linked, worked for, and with the targets of rule D.

use ledger::{BlockError, BlockId, ChainSource, Header, Network, ViewError, Work, check};

/// Headers on top of a block that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderRun {
    /// Ids of the blocks that are not stored yet, lowest first.
    pub ids: Vec<BlockId>,
    /// Cumulative work at the end of the run.
    pub work: Work,
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
    /// Starts a run with `headers`; those that are stored already are skipped. None when all are stored.
    pub fn start(
        headers: &[Header],
        network: &Network,
        view: &dyn ChainSource,
    ) -> Result<Result<Option<Self>, HeadersError>, ViewError> {
        let mut parent = None;
        for (i, header) in headers.iter().enumerate() {
            let id = header.id();
            if let Some(stored) = view.header(&id)? {
                parent = Some((id, stored));
                continue;
            }
            let base = match parent {
                Some((id, stored)) if header.previous == id => stored,
                _ => match view.header(&header.previous)? {
                    Some(stored) => stored,
                    None => return Ok(Err(HeadersError::Detached)),
                },
            };
            let before_last = match base.header.height {
                0 => None,
                _ => view.header(&base.header.previous)?.map(|stored| stored.header),
            };
            let mut run = Self { ids: Vec::new(), work: base.work, last: base.header, before_last };
            return Ok(run.extend(&headers[i..], network).map(|()| Some(run)));
        }
        Ok(Ok(None))
    }

    /// Adds headers at the end.
    pub fn extend(&mut self, headers: &[Header], network: &Network) -> Result<(), HeadersError> {
        for header in headers {
            let height = header.height;
            if header.previous != self.last_id() {
                return Err(HeadersError::Hole(self.last.height));
            }
            let id = check::header_alone(header, network)
                .and_then(|id| {
                    check::header_in_context(header, &self.last, self.before_last.as_ref(), network).map(|()| id)
                })
                .map_err(|error| HeadersError::Invalid(height, error))?;
            let work = header.target.work().ok().and_then(|work| self.work.checked_add(work));
            self.work = work.ok_or(HeadersError::Invalid(height, BlockError::Overflow))?;
            self.before_last = Some(std::mem::replace(&mut self.last, header.clone()));
            self.ids.push(id);
        }
        Ok(())
    }

    /// Id of the last header.
    pub fn last_id(&self) -> BlockId {
        self.ids.last().copied().unwrap_or_else(|| self.last.id())
    }

    /// Height of the last header.
    pub fn last_height(&self) -> u64 {
        self.last.height
    }
}
