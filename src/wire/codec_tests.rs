//! The codec under what a hostile or newer peer sends: every cut, every length, every integer with padding.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::io::Cursor;
use ledger::{
    Address, Amount, BarreleyeTransfer, Block, BlockId, CompactTarget, Digest, Header, PublicKey, Signature, Tip,
    Transaction, Transfer, Work,
};
use libp2p::request_response::Codec;
use proptest::prelude::*;

use super::*;
use crate::limits::*;
use crate::{BlockAnnounce, Gossip, RawBlock, Status};

fn name() -> StreamProtocol {
    StreamProtocol::new("/test")
}

async fn read_request(bytes: &[u8]) -> io::Result<Result<Request, CodecError>> {
    SyncCodec::default().read_request(&name(), &mut Cursor::new(bytes)).await
}

async fn read_response(bytes: &[u8]) -> Result<Response, Option<CodecError>> {
    read_answer(&mut SyncCodec::default(), bytes).await
}

async fn read_answer(codec: &mut SyncCodec, bytes: &[u8]) -> Result<Response, Option<CodecError>> {
    codec.read_response(&name(), &mut Cursor::new(bytes)).await.map_err(|error| fault(&error))
}

fn header(value: u64) -> Header {
    Header {
        version: value as u32,
        height: value,
        previous: BlockId([1; 32]),
        root: Digest([2; 32]),
        time: value,
        target: CompactTarget(value as u32),
        miner: PublicKey([3; 33]),
        nonce: value,
    }
}

fn transfer(value: u64, data: usize) -> Transaction {
    Transaction::Transfer(Transfer {
        from: PublicKey([2; 33]),
        to: Address([3; 20]),
        amount: Amount::drops(value),
        fee: Amount::drops(value),
        nonce: value,
        data: vec![7; data],
        signature: Signature([5; 64]),
    })
}

fn barreleye(value: u64) -> Transaction {
    Transaction::Barreleye(BarreleyeTransfer {
        nonce: value,
        from: Address([1; 20]),
        to: Address([2; 20]),
        value,
        data: 0xab,
        signer: PublicKey([2; 33]),
        signature: Signature([9; 64]),
    })
}

fn status(value: u64, agent: usize) -> Status {
    Status {
        version: value as u32,
        chain: BlockId([4; 32]),
        tip: Tip { id: BlockId([5; 32]), height: value, work: Work::default(), time: value },
        agent: "a".repeat(agent),
        syncing: true,
    }
}

fn requests(value: u64, full: bool) -> Vec<Request> {
    let count = |limit: usize| if full { limit } else { 2 };
    vec![
        Request::Status(status(value, count(MAX_AGENT_BYTES))),
        Request::Headers { locator: vec![BlockId([6; 32]); count(MAX_LOCATOR_IDS)], limit: count(MAX_HEADERS) as u16 },
        Request::Blocks { ids: vec![BlockId([6; 32]); count(MAX_BLOCK_IDS)] },
        Request::BlockTransactions { block: BlockId([6; 32]), indexes: last_indexes(count(MAX_MISSING_TRANSACTIONS)) },
        Request::Addresses,
    ]
}

/// The largest indexes that a request may name.
fn last_indexes(count: usize) -> Vec<u16> {
    (MAX_BLOCK_TRANSACTIONS - count..MAX_BLOCK_TRANSACTIONS).map(|index| index as u16).collect()
}

fn responses(value: u64) -> Vec<Response> {
    let block = Block { header: header(value), signature: Signature([1; 64]), transactions: vec![barreleye(value)] };
    vec![
        Response::Status(status(value, 20)),
        Response::Headers(vec![header(value); 2]),
        Response::Blocks(vec![RawBlock(canonical::encode(&block).unwrap()), RawBlock(vec![])]),
        Response::Transactions(vec![transfer(value, 3), barreleye(value)]),
        Response::Addresses(vec!["/ip4/8.8.8.8/tcp/1".into()]),
        Response::Refused("busy".into()),
    ]
}

/// The frame of bytes that are not a message that this node would send.
fn raw_frame(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_le_bytes(), payload].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[tokio::test]
async fn every_message_is_read_as_it_was_written() {
    for value in [0, 1, 127, 128, u64::from(u32::MAX), u64::MAX] {
        for full in [false, true] {
            for request in requests(value, full) {
                let bytes = frame(&request).unwrap();
                assert_eq!(read_request(&bytes).await.unwrap(), Ok(request));
            }
        }
        for response in responses(value) {
            let bytes = frame(&response).unwrap();
            assert_eq!(read_response(&bytes).await, Ok(response));
        }
    }
}

/// Fails when more is read than a length and the kind of a message.
struct FiveBytes {
    bytes: Vec<u8>,
    at: usize,
}

impl AsyncRead for FiveBytes {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(self.at + into.len() <= 5, "something was allocated for the message");
        let end = self.at + into.len();
        into.copy_from_slice(&self.bytes[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(into.len()))
    }
}

#[tokio::test]
async fn w03_a_length_beyond_the_limit_of_its_kind_is_refused_before_anything_is_allocated() {
    for kind in 0..5 {
        let limit = Request::limit(kind).unwrap();
        for length in [limit + 1, u32::MAX as usize] {
            let bytes = [&(length as u32).to_le_bytes()[..], &[kind]].concat();
            let read = SyncCodec::default().read_request(&name(), &mut FiveBytes { bytes, at: 0 }).await;
            assert_eq!(read.unwrap(), Err(CodecError::TooLong { length, limit }));
        }
    }
    for kind in 0..6 {
        let limit = Response::limit(kind).unwrap();
        for length in [limit + 1, u32::MAX as usize] {
            let bytes = [&(length as u32).to_le_bytes()[..], &[kind]].concat();
            let read = SyncCodec::default().read_response(&name(), &mut FiveBytes { bytes, at: 0 }).await;
            assert_eq!(fault(&read.unwrap_err()), Some(CodecError::TooLong { length, limit }));
        }
    }
    let error = CodecError::TooLong { length: 4_000_001, limit: 4_000_000 };
    assert_eq!(error.to_string(), "a message of 4000001 bytes where at most 4000000 are allowed");
}

/// Gives its bytes in two portions.
struct Cut {
    parts: [Vec<u8>; 2],
    pause: bool,
}

impl AsyncRead for Cut {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.parts[0].is_empty() && !self.pause {
            self.pause = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let part = if self.parts[0].is_empty() { 1 } else { 0 };
        let count = into.len().min(self.parts[part].len());
        into[..count].copy_from_slice(&self.parts[part][..count]);
        self.parts[part].drain(..count);
        Poll::Ready(Ok(count))
    }
}

#[tokio::test]
async fn w04_a_message_cut_at_any_byte_is_read_the_same() {
    for request in requests(300, false) {
        let bytes = frame(&request).unwrap();
        for at in 0..=bytes.len() {
            let mut io = Cut { parts: [bytes[..at].to_vec(), bytes[at..].to_vec()], pause: false };
            assert_eq!(SyncCodec::default().read_request(&name(), &mut io).await.unwrap(), Ok(request.clone()), "{at}");
        }
    }
    for response in responses(300) {
        let bytes = frame(&response).unwrap();
        for at in 0..=bytes.len() {
            let mut io = Cut { parts: [bytes[..at].to_vec(), bytes[at..].to_vec()], pause: false };
            let read = SyncCodec::default().read_response(&name(), &mut io).await;
            assert_eq!(read.unwrap(), response, "{at}");
        }
    }
}

#[tokio::test]
async fn a_message_that_ends_too_early_is_nobodys_fault() {
    for request in requests(300, false) {
        let bytes = frame(&request).unwrap();
        for at in 0..bytes.len() {
            let error = read_request(&bytes[..at]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{at}");
        }
    }
}

#[tokio::test]
async fn w05_a_request_that_comes_byte_by_byte_is_given_up_at_its_deadline() {
    /// A byte of a long request now and then.
    struct Drip(tokio::time::Interval);
    impl AsyncRead for Drip {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
            self.0.poll_tick(cx).map(|_| {
                to[0] = 2;
                Ok(1)
            })
        }
    }
    assert_eq!(SyncCodec::default().read_deadline, Duration::from_secs(10));
    let mut codec = SyncCodec { asked: None, read_deadline: Duration::from_millis(50) };
    let mut drip = Drip(tokio::time::interval(Duration::from_millis(20)));
    let start = std::time::Instant::now();
    let error = codec.read_request(&name(), &mut drip).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn w06_bytes_after_a_message_are_refused_within_its_length_and_after_it() {
    for request in requests(1, false) {
        let bytes = frame(&request).unwrap();
        let after = [&bytes[..], &[0]].concat();
        assert_eq!(read_request(&after).await.unwrap(), Err(CodecError::Trailing(1)));
        let within = raw_frame(&[&bytes[4..], &[0, 0]].concat());
        // Where no message of the kind can be that long, the length alone is wrong.
        let read = read_request(&within).await.unwrap().unwrap_err();
        assert!(matches!(read, CodecError::Trailing(2) | CodecError::TooLong { .. }), "{read}");
    }
    let bytes = frame(&Response::Addresses(vec![])).unwrap();
    assert_eq!(read_response(&[&bytes[..], &[9]].concat()).await, Err(Some(CodecError::Trailing(1))));
}

/// Every way to write one varint of `bytes` one byte longer. Some positions are not integers: those give another
/// message or none.
fn padded(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let ends = (0..bytes.len()).filter(|&i| bytes[i] < 0x80);
    ends.map(|i| [&bytes[..i], &[bytes[i] | 0x80, 0], &bytes[i + 1..]].concat())
}

fn pads_that_postcard_takes<T>(message: &T) -> usize
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    let bytes = canonical::encode(message).unwrap();
    let mut taken = 0;
    for wrong in padded(&bytes) {
        if postcard::from_bytes::<T>(&wrong).is_ok_and(|read| read == *message) {
            taken += 1;
            assert_eq!(canonical::decode::<T>(&wrong).err(), Some(CodecError::NotCanonical));
        }
        assert!(canonical::decode::<T>(&wrong).ok().as_ref() != Some(message));
    }
    assert!(canonical::decode::<T>(&bytes).unwrap() == *message, "the canonical one is accepted afterwards");
    taken
}

#[test]
fn w07_an_integer_with_padding_is_refused_in_every_field() {
    // Kind, version, height, time, length of the agent: the numbers below are the integer fields of each message.
    let taken: Vec<usize> = requests(5, false).iter().map(pads_that_postcard_takes).collect();
    assert_eq!(taken, [5, 3, 2, 4, 1]);
    assert_eq!(pads_that_postcard_takes(&header(5)), 5);
    assert_eq!(pads_that_postcard_takes(&transfer(5, 3)), 5);
    assert_eq!(pads_that_postcard_takes(&barreleye(5)), 3);
    assert_eq!(pads_that_postcard_takes(&Response::Refused("no".into())), 2);
    let announce = BlockAnnounce { header: header(5), signature: Signature([1; 64]), transactions: vec![[9; 8]; 3] };
    assert_eq!(pads_that_postcard_takes(&announce), 6);
}

#[tokio::test]
async fn w08_a_list_of_2_to_the_60_items_is_an_error_and_allocates_nothing() {
    let huge = varint(1 << 60);
    for kind in [1, 2, 3] {
        let read = read_request(&raw_frame(&[&[kind], &huge[..]].concat())).await.unwrap();
        assert!(matches!(read, Err(CodecError::Malformed(_))), "{read:?}");
    }
    for kind in [1, 2, 3, 4, 5] {
        let read = read_response(&raw_frame(&[&[kind], &huge[..]].concat())).await;
        assert!(matches!(read, Err(Some(CodecError::Malformed(_)))), "{read:?}");
    }
    let one_block_of_that_size = raw_frame(&[&[2, 1], &huge[..]].concat());
    assert!(matches!(read_response(&one_block_of_that_size).await, Err(Some(CodecError::Malformed(_)))));
    assert!(matches!(Gossip::decode_transactions(&huge), Err(CodecError::Malformed(_))));
}

#[tokio::test]
async fn w09_an_unknown_kind_is_a_typed_error_and_no_fault() {
    for kind in [5, 6, 100, 127, 128, 255] {
        let error = read_request(&raw_frame(&[kind, 1, 2, 3])).await.unwrap().unwrap_err();
        assert_eq!(error, CodecError::UnknownKind(kind));
        assert!(error.may_be_newer());
        assert_eq!(error.to_string(), format!("a message of the unknown kind {kind}; the sender may be newer"));
    }
    assert_eq!(read_response(&raw_frame(&[6])).await, Err(Some(CodecError::UnknownKind(6))));
    let unknown_transaction = read_response(&raw_frame(&[3, 1, 9])).await;
    assert!(matches!(unknown_transaction, Err(Some(CodecError::Malformed(_)))));
    assert_eq!(read_request(&raw_frame(&[])).await.unwrap(), Err(CodecError::Malformed("it is empty".into())));
}

#[test]
fn w10_every_list_and_text_is_taken_at_its_limit_and_refused_beyond_it() {
    let max = u64::MAX;
    for request in requests(max, true) {
        let length = frame(&request).unwrap().len() - FRAME_PREFIX_BYTES;
        assert_eq!(Some(length), Request::limit(request.kind()), "the limit of kind {} is exact", request.kind());
    }
    let address = "a".repeat(MAX_ADDRESS_BYTES);
    let full = [
        Response::Status(status(max, MAX_AGENT_BYTES)),
        Response::Headers(vec![header(max); MAX_HEADERS]),
        Response::Transactions(vec![transfer(max, ledger::MAX_DATA_BYTES); MAX_MISSING_TRANSACTIONS]),
        Response::Addresses(vec![address; MAX_ADDRESSES]),
        Response::Refused("a".repeat(MAX_REFUSAL_BYTES)),
    ];
    for response in &full {
        let length = frame(response).unwrap().len() - FRAME_PREFIX_BYTES;
        assert_eq!(Some(length), Response::limit(response.kind()), "the limit of kind {} is exact", response.kind());
    }
    let id = BlockId([0; 32]);
    let beyond = [
        Request::Status(status(0, MAX_AGENT_BYTES + 1)),
        Request::Headers { locator: vec![id; MAX_LOCATOR_IDS + 1], limit: 1 },
        Request::Headers { locator: vec![id], limit: MAX_HEADERS as u16 + 1 },
        Request::Blocks { ids: vec![id; MAX_BLOCK_IDS + 1] },
        Request::BlockTransactions { block: id, indexes: last_indexes(MAX_MISSING_TRANSACTIONS + 1) },
    ];
    for request in &beyond {
        assert!(matches!(frame(request), Err(CodecError::TooMany { .. })), "{request:?}");
    }
    let beyond = [
        Response::Status(status(0, MAX_AGENT_BYTES + 1)),
        Response::Headers(vec![header(0); MAX_HEADERS + 1]),
        Response::Blocks(vec![RawBlock(vec![]); MAX_BLOCK_IDS + 1]),
        Response::Blocks(vec![RawBlock(vec![0; MAX_RAW_BLOCK_BYTES + 1])]),
        Response::Transactions(vec![barreleye(0); MAX_MISSING_TRANSACTIONS + 1]),
        Response::Addresses(vec![String::new(); MAX_ADDRESSES + 1]),
        Response::Addresses(vec!["a".repeat(MAX_ADDRESS_BYTES + 1)]),
        Response::Refused("a".repeat(MAX_REFUSAL_BYTES + 1)),
    ];
    for response in &beyond {
        assert!(matches!(frame(response), Err(CodecError::TooMany { .. })), "{:?}", response.kind());
    }
    for indexes in [vec![1, 1], vec![2, 1], vec![MAX_BLOCK_TRANSACTIONS as u16]] {
        let request = Request::BlockTransactions { block: id, indexes };
        assert_eq!(frame(&request), Err(CodecError::Indexes), "{request:?}");
    }
    let error = frame(&Request::Blocks { ids: vec![id; 257] }).unwrap_err();
    assert_eq!(error.to_string(), "257 blocks asked for where at most 256 are allowed");
}

#[tokio::test]
async fn blocks_fill_8_mib_with_their_prefix_and_not_a_byte_more() {
    // Kind and count take a byte each, the length of each block three.
    let rest = MAX_BLOCKS_RESPONSE_BYTES - FRAME_PREFIX_BYTES - 2 - 4 * (3 + 2_000_000) - 3;
    let mut blocks = vec![RawBlock(vec![1; 2_000_000]); 4];
    blocks.push(RawBlock(vec![1; rest]));
    let full = Response::Blocks(blocks.clone());
    let bytes = frame(&full).unwrap();
    assert_eq!(bytes.len(), MAX_BLOCKS_RESPONSE_BYTES);
    assert_eq!(read_response(&bytes).await, Ok(full));
    blocks[4].0.push(1);
    let limit = MAX_BLOCKS_RESPONSE_BYTES - FRAME_PREFIX_BYTES;
    assert_eq!(frame(&Response::Blocks(blocks)), Err(CodecError::TooLong { length: limit + 1, limit }));
}

#[test]
fn the_largest_block_fits_its_limit_as_it_travels() {
    let transactions = vec![transfer(u64::MAX, 0); MAX_BLOCK_TRANSACTIONS];
    let block = Block { header: header(u64::MAX), signature: Signature([1; 64]), transactions };
    assert_eq!(transfer(0, 0).encode().len(), MIN_TRANSACTION_BYTES);
    let raw = RawBlock(canonical::encode(&block).unwrap());
    assert!(raw.0.len() <= MAX_RAW_BLOCK_BYTES, "{} of {MAX_RAW_BLOCK_BYTES}", raw.0.len());
    assert_eq!(raw.decode().unwrap(), block);
    let mut longer = raw.clone();
    longer.0.push(0);
    assert_eq!(longer.decode(), Err(CodecError::Trailing(1)));
    longer.0.resize(MAX_RAW_BLOCK_BYTES + 1, 0);
    assert!(matches!(longer.decode(), Err(CodecError::TooMany { .. })));
}

#[test]
fn gossip_is_taken_at_its_limit_and_refused_beyond_it() {
    let announce = |count| {
        let transactions = vec![[7; 8]; count];
        Gossip::Block(BlockAnnounce { header: header(u64::MAX), signature: Signature([1; 64]), transactions })
    };
    let bytes = announce(MAX_BLOCK_TRANSACTIONS).encode().unwrap();
    assert!(bytes.len() <= MAX_ANNOUNCE_BYTES && bytes.len() >= MAX_ANNOUNCE_BYTES - 1);
    assert_eq!(Gossip::decode_block(&bytes), Ok(announce(MAX_BLOCK_TRANSACTIONS)));
    assert!(matches!(announce(MAX_BLOCK_TRANSACTIONS + 1).encode(), Err(CodecError::TooLong { .. })));
    let one = canonical::encode(&transfer(1, 0)).unwrap().len();
    let fitting = (MAX_GOSSIP_TRANSACTIONS_BYTES - 2) / one;
    let batch = |count| Gossip::Transactions(vec![transfer(1, 0); count]);
    let bytes = batch(fitting).encode().unwrap();
    assert_eq!(Gossip::decode_transactions(&bytes), Ok(batch(fitting)));
    assert!(matches!(batch(fitting + 1).encode(), Err(CodecError::TooLong { .. })));
    let long = vec![0; MAX_GOSSIP_TRANSACTIONS_BYTES + 1];
    assert!(matches!(Gossip::decode_transactions(&long), Err(CodecError::TooLong { .. })));
}

#[tokio::test]
async fn w19_an_answer_of_another_kind_or_with_more_than_was_asked_is_refused() {
    let mut codec = SyncCodec::default();
    let ask = Request::Blocks { ids: vec![BlockId([1; 32]); 2] };
    codec.write_request(&name(), &mut Cursor::new(Vec::new()), Ok(ask)).await.unwrap();
    let blocks = |count| frame(&Response::Blocks(vec![RawBlock(vec![1]); count])).unwrap();
    assert!(read_answer(&mut codec, &blocks(2)).await.is_ok());
    let longer = read_answer(&mut codec, &blocks(3)).await.unwrap_err().unwrap();
    assert_eq!(longer.to_string(), "3 items in an answer where at most 2 are allowed");
    let other = frame(&Response::Addresses(vec![])).unwrap();
    assert_eq!(read_answer(&mut codec, &other).await, Err(Some(CodecError::NotAsked { asked: 2, got: 4 })));
    let refused = frame(&Response::Refused("busy".into())).unwrap();
    assert!(read_answer(&mut codec, &refused).await.is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn w10_any_bytes_are_a_canonical_message_or_a_typed_error(kind in 0_u8..8, rest in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [&[kind], &rest[..]].concat();
        if let Ok(message) = canonical::decode::<Request>(&bytes) {
            prop_assert_eq!(canonical::encode(&message).unwrap(), bytes.clone());
        }
        if let Ok(message) = canonical::decode::<Response>(&bytes) {
            prop_assert_eq!(canonical::encode(&message).unwrap(), bytes.clone());
        }
        if let Ok(message) = canonical::decode::<BlockAnnounce>(&rest) {
            prop_assert_eq!(canonical::encode(&message).unwrap(), rest.clone());
        }
        let read = read_response(&raw_frame(&bytes)).now_or_never().unwrap();
        prop_assert!(!matches!(read, Err(None)), "every failure names the fault: {read:?}");
    }

    #[test]
    fn w10_a_message_with_one_changed_byte_is_never_read_as_the_original(value in any::<u64>(), at in any::<prop::sample::Index>(), flip in 1_u8..) {
        for message in responses(value) {
            let mut bytes = canonical::encode(&message).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert!(canonical::decode::<Response>(&bytes).ok() != Some(message));
        }
    }

    #[test]
    fn w10_fields_of_any_value_survive_the_journey(value in any::<u64>(), data in 0_usize..1_024, agent in 0..=MAX_AGENT_BYTES) {
        let sent = [
            Response::Status(status(value, agent)),
            Response::Headers(vec![header(value); 3]),
            Response::Transactions(vec![transfer(value, data), barreleye(value)]),
        ];
        for response in sent {
            let read = read_response(&frame(&response).unwrap()).now_or_never().unwrap();
            prop_assert_eq!(read, Ok(response));
        }
    }
}
