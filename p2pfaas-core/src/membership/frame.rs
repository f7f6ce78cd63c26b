//! A datagram: who sends it, its load and what it has heard of others' loads, and then what it is about.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config::{MAX_FRAME, MAX_HEARD};
use super::identity::Identity;
use super::metadata::{MAX_FUNCTIONS, Metadata};
use crate::job::NodeId;
use crate::peers::PeerLoad;

/// First bytes of every datagram: two letters and the version of this form.
const MARK: [u8; 3] = [b'P', b'2', 1];

const SWIM: u8 = 0;
const LOADS: u8 = 1;
const ASK: u8 = 2;
const METADATA: u8 = 3;

/// A datagram that has been read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame<'a> {
    pub from: Identity,
    /// The addressee's life, as the sender knows it; 0 if it does not.
    pub to_life: u64,
    /// The incarnation of the addressee in which the sender suspects it, if it does.
    pub to_suspect: Option<u16>,
    /// Version of the sender's metadata, from 1.
    pub version: u32,
    pub load: PeerLoad,
    pub heard: Vec<Heard>,
    pub body: Body<'a>,
}

/// A load that the sender has heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    pub whose: Identity,
    pub version: u32,
    pub load: PeerLoad,
    pub age_ms: u32,
}

/// What a datagram is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body<'a> {
    /// The failure detector's.
    Swim(&'a [u8]),
    /// Nothing but loads.
    Loads,
    /// What are you?
    Ask,
    /// This is what I am.
    Metadata(Box<Metadata>),
}

/// A datagram that is not one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Foreign;

impl From<postcard::Error> for Foreign {
    fn from(_: postcard::Error) -> Self {
        Foreign
    }
}

impl Frame<'_> {
    /// The bytes to send; `None` if they were too many for a datagram.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(MAX_FRAME);
        bytes.extend(MARK);
        let heard = &self.heard[..self.heard.len().min(MAX_HEARD)];
        put(&mut bytes, &(self.from, self.to_life, self.to_suspect, self.version, self.load))?;
        bytes.push(heard.len() as u8);
        for heard in heard {
            put(&mut bytes, &(heard.whose, heard.version, heard.load, heard.age_ms))?;
        }
        match &self.body {
            Body::Swim(swim) => {
                bytes.push(SWIM);
                bytes.extend_from_slice(swim);
            }
            Body::Loads => bytes.push(LOADS),
            Body::Ask => bytes.push(ASK),
            Body::Metadata(metadata) => {
                bytes.push(METADATA);
                put_metadata(&mut bytes, metadata)?;
            }
        }
        Some(bytes).filter(|bytes| bytes.len() <= MAX_FRAME)
    }
}

impl<'a> Frame<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Foreign> {
        let mut rest = bytes.strip_prefix(&MARK).filter(|_| bytes.len() <= MAX_FRAME).ok_or(Foreign)?;
        let (from, to_life, to_suspect, version, load) =
            take::<(Identity, u64, Option<u16>, u32, PeerLoad)>(&mut rest)?;
        let count = usize::from(byte(&mut rest)?);
        if !from.is_believable() || version == 0 || count > MAX_HEARD {
            return Err(Foreign);
        }
        let mut heard = Vec::with_capacity(count);
        for _ in 0..count {
            let (whose, version, load, age_ms) = take::<(Identity, u32, PeerLoad, u32)>(&mut rest)?;
            heard.push(Heard { whose, version, load, age_ms });
        }
        let body = match byte(&mut rest)? {
            SWIM => {
                return Ok(Frame { from, to_life, to_suspect, version, load, heard, body: Body::Swim(rest) });
            }
            LOADS => Body::Loads,
            ASK => Body::Ask,
            METADATA => Body::Metadata(Box::new(take_metadata(&mut rest)?)),
            _ => return Err(Foreign),
        };
        rest.is_empty()
            .then_some(Frame { from, to_life, to_suspect, version, load, heard, body })
            .ok_or(Foreign)
    }
}

fn put(bytes: &mut Vec<u8>, value: &impl Serialize) -> Option<()> {
    bytes.extend(postcard::to_stdvec(value).ok()?);
    Some(())
}

fn take<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<T, Foreign> {
    let (value, rest) = postcard::take_from_bytes(bytes)?;
    *bytes = rest;
    Ok(value)
}

fn byte(bytes: &mut &[u8]) -> Result<u8, Foreign> {
    let (first, rest) = bytes.split_first().ok_or(Foreign)?;
    *bytes = rest;
    Ok(*first)
}

fn put_metadata(bytes: &mut Vec<u8>, metadata: &Metadata) -> Option<()> {
    let Metadata { machine_id, node, group, scheduler, discovery_port, slots, queue, version, .. } = metadata;
    put(bytes, &(machine_id, node, group, scheduler, discovery_port, slots, queue, version))?;
    put(bytes, &metadata.functions_offered)?;
    bytes.push(metadata.functions.len().min(MAX_FUNCTIONS) as u8);
    metadata.functions.iter().take(MAX_FUNCTIONS).try_for_each(|name| put(bytes, name))
}

fn take_metadata(bytes: &mut &[u8]) -> Result<Metadata, Foreign> {
    let (machine_id, node, group, scheduler) = take::<(String, NodeId, String, String)>(bytes)?;
    let (discovery_port, slots, queue, version) = take(bytes)?;
    let functions_offered = take(bytes)?;
    // One after another, so that a forged number of names makes no room for them.
    let count = byte(bytes)?;
    let functions = (0..count).map(|_| take(bytes)).collect::<Result<Vec<String>, Foreign>>()?;
    let metadata = Metadata {
        machine_id,
        node,
        group,
        scheduler,
        discovery_port,
        slots,
        queue,
        version,
        functions,
        functions_offered,
    };
    metadata.check().map_err(|_| Foreign)?;
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::super::config::MAX_SWIM;
    use super::super::metadata::{MAX_FUNCTION_BYTES, MAX_LABEL, MAX_SCHEDULER};
    use super::*;
    use proptest::prelude::*;

    fn largest_identity() -> Identity {
        Identity {
            address: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535".parse().unwrap(),
            life: 1 << 53,
        }
    }

    fn frame(body: Body<'_>, heard: usize) -> Frame<'_> {
        let load = PeerLoad { running: u32::MAX, queued: u32::MAX, slots: u32::MAX };
        let whose = largest_identity();
        let heard = vec![Heard { whose, version: u32::MAX, load, age_ms: 10_000 }; heard];
        Frame {
            from: whose,
            to_life: whose.life,
            to_suspect: Some(u16::MAX),
            version: u32::MAX,
            load,
            heard,
            body,
        }
    }

    #[test]
    fn the_largest_datagram_of_each_kind_fits_and_comes_back_as_it_was() {
        let mut metadata = Metadata {
            machine_id: "m".repeat(MAX_LABEL),
            node: NodeId(u64::MAX),
            group: "g".repeat(MAX_LABEL),
            scheduler: "s".repeat(MAX_SCHEDULER),
            discovery_port: u16::MAX,
            slots: u32::MAX,
            queue: u32::MAX,
            version: "v".repeat(MAX_LABEL),
            ..Metadata::default()
        };
        let name = "n".repeat(MAX_FUNCTION_BYTES / MAX_FUNCTIONS - 1);
        metadata.offer(vec![name.as_str(); 1_000]);
        assert_eq!(metadata.functions.len(), MAX_FUNCTIONS);
        let swim = [7; MAX_SWIM];
        for (body, heard) in [
            (Body::Swim(&swim), 4),
            (Body::Loads, 8),
            (Body::Ask, 0),
            (Body::Metadata(Box::new(metadata)), 0),
        ] {
            let frame = frame(body, heard);
            let bytes = frame.encode().expect("it fits");
            assert_eq!(Frame::decode(&bytes), Ok(frame));
        }
    }

    #[test]
    fn what_is_too_long_is_not_sent_and_a_datagram_that_is_cut_is_foreign() {
        assert_eq!(frame(Body::Swim(&[0; MAX_FRAME]), 0).encode(), None);
        let bytes = frame(Body::Loads, 3).encode().expect("it fits");
        for end in 0..bytes.len() {
            assert_eq!(Frame::decode(&bytes[..end]), Err(Foreign));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Frame::decode(&longer), Err(Foreign));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), marked: bool) {
            let bytes = if marked { [&MARK[..], &bytes].concat() } else { bytes };
            if let Ok(frame) = Frame::decode(&bytes) {
                prop_assert!(frame.heard.len() <= MAX_HEARD);
            }
        }
    }
}
