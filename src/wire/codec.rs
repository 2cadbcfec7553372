//! One message on one stream: four bytes of length, the canonical encoding, and the end of the stream.
//!
//! The length is compared with the limit of the message's kind before a byte is allocated for it. A codec lives for one
//! request: it remembers what was asked, so that an answer of another kind, or a longer one, is refused while it is
//! read. It runs in the task of its connection, never in the network task.

use std::io;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::{FRAME_PREFIX_BYTES, READ_DEADLINE};
use crate::message::Message;
use crate::{CodecError, Request, Response, canonical};

/// Reads and writes the messages of the sync protocol.
#[derive(Debug, Clone)]
pub(crate) struct SyncCodec {
    asked: Option<Asked>,
    read_deadline: Duration,
}

impl Default for SyncCodec {
    fn default() -> Self {
        Self { asked: None, read_deadline: READ_DEADLINE }
    }
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    kind: u8,
    items: usize,
}

impl Asked {
    fn fits(self, response: &Response) -> Result<(), CodecError> {
        let (got, items) = (response.kind(), response.items());
        if got != self.kind && got != Response::REFUSED {
            return Err(CodecError::NotAsked { asked: self.kind, got });
        }
        if got == self.kind && items > self.items {
            return Err(CodecError::TooMany { what: "items in an answer", got: items, limit: self.items });
        }
        Ok(())
    }
}

impl request_response::Codec for SyncCodec {
    type Protocol = StreamProtocol;
    /// What cannot be read is handed on as well: the library reports no failure of reading a request.
    type Request = Result<Request, CodecError>;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let read = tokio::time::timeout(self.read_deadline, read::<Request, T>(io));
        faults_apart(read.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let response = read::<Response, T>(io).await?;
        if let Some(asked) = self.asked {
            asked.fits(&response)?;
        }
        Ok(response)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Self::Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let request = request?;
        self.asked = Some(Asked { kind: request.kind(), items: request.answers() });
        write(io, &request).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response).await
    }
}

/// Separates what a peer did wrong from what a line did.
fn faults_apart<M>(result: io::Result<M>) -> io::Result<Result<M, CodecError>> {
    match result {
        Ok(message) => Ok(Ok(message)),
        Err(error) => fault(&error).map(Err).ok_or(error),
    }
}

/// The fault of the sender in an error of a stream, if it is one.
pub(crate) fn fault(error: &io::Error) -> Option<CodecError> {
    error.get_ref()?.downcast_ref::<CodecError>().cloned()
}

async fn read<M, T>(io: &mut T) -> io::Result<M>
where
    M: Message + Serialize + DeserializeOwned,
    T: AsyncRead + Unpin + Send,
{
    // The kind is the first byte of the message, and decides how long it may be.
    let mut head = [0; FRAME_PREFIX_BYTES + 1];
    io.read_exact(&mut head[..FRAME_PREFIX_BYTES]).await?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
    if length == 0 {
        return Err(CodecError::Malformed("it is empty".into()).into());
    }
    io.read_exact(&mut head[FRAME_PREFIX_BYTES..]).await?;
    let kind = head[FRAME_PREFIX_BYTES];
    let limit = M::limit(kind).ok_or(CodecError::UnknownKind(kind))?;
    if length > limit {
        return Err(CodecError::TooLong { length, limit }.into());
    }
    let mut bytes = vec![0; length];
    bytes[0] = kind;
    io.read_exact(&mut bytes[1..]).await?;
    if io.read(&mut [0]).await? != 0 {
        return Err(CodecError::Trailing(1).into());
    }
    let message: M = canonical::decode(&bytes)?;
    message.check()?;
    Ok(message)
}

async fn write<M, T>(io: &mut T, message: &M) -> io::Result<()>
where
    M: Message + Serialize,
    T: AsyncWrite + Unpin + Send,
{
    let bytes = frame(message)?;
    io.write_all(&bytes).await?;
    io.flush().await
}

/// The frame of a message, or why it must not be sent.
pub(crate) fn frame<M: Message + Serialize>(message: &M) -> Result<Vec<u8>, CodecError> {
    message.check()?;
    let mut bytes = vec![0; FRAME_PREFIX_BYTES];
    bytes = postcard::to_extend(message, bytes).map_err(|error| CodecError::Malformed(error.to_string()))?;
    let length = bytes.len() - FRAME_PREFIX_BYTES;
    let limit = M::limit(bytes[FRAME_PREFIX_BYTES]).unwrap_or(0);
    let prefix = u32::try_from(length).ok().filter(|_| length <= limit).ok_or(CodecError::TooLong { length, limit })?;
    bytes[..FRAME_PREFIX_BYTES].copy_from_slice(&prefix.to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
