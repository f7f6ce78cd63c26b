//! How the failure detector's part of a datagram is written, and what can be seen while it is.
//!
//! foca tells when a member comes or goes, but not when it is suspected. All that it accepts as news it passes on,
//! and to pass it on it is written here: so here every change is seen, without a search.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BufMut};
use foca::{Header, Message, State};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::config::MAX_MEMBERS;
use super::identity::Identity;

type Member = foca::Member<Identity>;

/// What has been seen since it was looked at last.
#[derive(Debug)]
pub(super) struct Seen {
    /// This member.
    own: Identity,
    /// The latest life of this member that somebody speaks of.
    pub own_life: u64,
    /// News, in their order.
    pub changes: Vec<Member>,
    /// Addresses of all members that foca has, the dead ones too.
    known: HashSet<SocketAddr>,
    /// News of members beyond the bound.
    pub passed_over: u64,
}

/// One for foca, one for whoever looks.
#[derive(Debug, Clone)]
pub(super) struct Witness(Arc<Mutex<Seen>>);

impl Witness {
    pub(super) fn new(own: Identity) -> Self {
        Witness(Arc::new(Mutex::new(Seen {
            own,
            own_life: own.life,
            changes: Vec::new(),
            known: HashSet::new(),
            passed_over: 0,
        })))
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    pub(super) fn begin_life(&mut self, own: Identity) {
        self.own = own;
        self.own_life = self.own_life.max(own.life);
    }

    pub(super) fn forget(&mut self, address: SocketAddr) {
        self.known.remove(&address);
    }

    /// Whether there is room for all whom one datagram may bring: they are counted before they are known.
    pub(super) fn has_room(&self) -> bool {
        const A_DATAGRAM: usize = 128;
        self.known.len() + A_DATAGRAM < MAX_MEMBERS
    }

    fn is_new(&self, identity: &Identity) -> bool {
        identity.address != self.own.address && !self.known.contains(&identity.address)
    }

    pub(super) fn hear_own_life(&mut self, life: u64) {
        self.own_life = self.own_life.max(life);
    }

    fn look_at(&mut self, identity: &Identity) {
        if identity.address == self.own.address {
            self.hear_own_life(identity.life);
        }
    }

    fn written(&mut self, member: &Member) {
        if member.id().address != self.own.address {
            self.known.insert(member.id().address);
            self.changes.push(member.clone());
        }
    }

    /// What foca gets in place of news that cannot be taken up: that this member is alive, which it knows.
    fn nothing_new(&self) -> Member {
        Member::new(self.own, 0, State::Alive)
    }
}

/// What cannot be written, or is not of this protocol.
#[derive(Debug, thiserror::Error)]
pub(super) enum CodecError {
    #[error(transparent)]
    Form(#[from] postcard::Error),
    #[error("no room")]
    NoRoom,
    #[error("nobody can be who this says to be")]
    Unbelievable,
    #[error("there are as many members as can be known")]
    TooMany,
}

impl foca::Codec<Identity> for Witness {
    type Error = CodecError;

    fn encode_header(&mut self, header: &Header<Identity>, buf: impl BufMut) -> Result<(), CodecError> {
        put(header, buf)
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Identity>, CodecError> {
        let header: Header<Identity> = take(&mut buf)?;
        let named = [Some(&header.src), Some(&header.dst), spoken_of(&header.message)];
        if !named.into_iter().flatten().all(Identity::is_believable) {
            return Err(CodecError::Unbelievable);
        }
        let mut seen = self.seen();
        seen.look_at(&header.dst);
        if seen.is_new(&header.src) && seen.known.len() >= MAX_MEMBERS {
            seen.passed_over += 1;
            return Err(CodecError::TooMany);
        }
        Ok(header)
    }

    fn encode_member(&mut self, member: &Member, buf: impl BufMut) -> Result<(), CodecError> {
        put(member, buf)?;
        self.seen().written(member);
        Ok(())
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member, CodecError> {
        let member: Member = take(&mut buf)?;
        if !member.id().is_believable() {
            return Err(CodecError::Unbelievable);
        }
        let mut seen = self.seen();
        seen.look_at(member.id());
        if seen.is_new(member.id()) && !seen.has_room() {
            seen.passed_over += 1;
            return Ok(seen.nothing_new());
        }
        Ok(member)
    }
}

/// The third member that a message is about: whom to ask in somebody's place, or in whose place somebody asks.
fn spoken_of(message: &Message<Identity>) -> Option<&Identity> {
    match message {
        Message::PingReq { target, .. } | Message::IndirectAck { target, .. } => Some(target),
        Message::IndirectPing { origin, .. } | Message::ForwardedAck { origin, .. } => Some(origin),
        Message::Ping(_)
        | Message::Ack(_)
        | Message::Announce
        | Message::Feed
        | Message::Gossip
        | Message::Broadcast
        | Message::TurnUndead => None,
    }
}

fn put(value: &impl Serialize, mut buf: impl BufMut) -> Result<(), CodecError> {
    let bytes = postcard::to_stdvec(value)?;
    if buf.remaining_mut() < bytes.len() {
        return Err(CodecError::NoRoom);
    }
    buf.put_slice(&bytes);
    Ok(())
}

/// foca's buffers are in one piece.
fn take<T: DeserializeOwned>(buf: &mut impl Buf) -> Result<T, CodecError> {
    let (value, rest) = postcard::take_from_bytes(buf.chunk())?;
    let read = buf.remaining() - rest.len();
    buf.advance(read);
    Ok(value)
}
