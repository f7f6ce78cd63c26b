//! The table of members.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::identity::Identity;
use super::metadata::Metadata;
use crate::Time;
use crate::peers::PeerLoad;

/// Whether a member is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberState {
    /// It answers.
    Alive,
    /// Somebody got no answer from it; it may still defend itself.
    Suspected,
    /// It has not defended itself in time, or has left.
    Dead,
}

/// What has become of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// It is there: new, or back. What it is may not be known yet.
    Up,
    /// It is suspected of being dead.
    Suspected,
    /// It was suspected, and has defended itself.
    Trusted,
    /// It is dead, or has left.
    Down,
    /// It has told what it is, for the first time or anew.
    Metadata,
}

/// Another member.
#[derive(Debug, Clone)]
pub struct Member {
    /// Where it is, and in which of its lives.
    pub identity: Identity,
    /// How often it has defended itself in this life.
    pub incarnation: u16,
    /// Whether it is there.
    pub state: MemberState,
    /// What it is, once it has told.
    pub metadata: Option<Arc<Metadata>>,
    /// Its load, and when that was so.
    pub load: Option<(PeerLoad, Time)>,
    /// Life and version of the metadata that is known, and of what there is.
    told: (u64, u32),
    newest: (u64, u32),
    asked: Option<Time>,
    /// Its place among the active ones.
    place: Option<usize>,
}

impl Member {
    fn is_active(&self) -> bool {
        self.state != MemberState::Dead
    }

    /// The newest version of its metadata that is heard of, in its present life.
    pub(super) fn known_version(&self) -> u32 {
        if self.newest.0 == self.identity.life { self.newest.1 } else { 1 }
    }
}

/// All members but this one. Those that are not dead can be drawn at random.
#[derive(Debug, Default)]
pub(super) struct Members {
    by_address: BTreeMap<SocketAddr, Member>,
    active: Vec<SocketAddr>,
    /// Who has to be asked what it is. Nobody is in it twice.
    wanting: VecDeque<SocketAddr>,
}

impl Members {
    /// Takes up news from the failure detector; tells what of it is new here.
    pub(super) fn apply(&mut self, news: &foca::Member<Identity>) -> Option<Change> {
        let state = match news.state() {
            foca::State::Alive => MemberState::Alive,
            foca::State::Suspect => MemberState::Suspected,
            foca::State::Down => MemberState::Dead,
        };
        let identity = *news.id();
        let member = self.by_address.entry(identity.address).or_insert_with(|| Member {
            identity,
            incarnation: 0,
            state: MemberState::Dead,
            metadata: None,
            load: None,
            told: (0, 0),
            newest: (0, 0),
            asked: None,
            place: None,
        });
        let before = member.state;
        if member.identity.life != identity.life {
            member.load = None;
            member.asked = None;
        }
        member.identity = identity;
        member.incarnation = news.incarnation();
        member.state = state;
        match (member.place, member.is_active()) {
            (None, true) => {
                member.place = Some(self.active.len());
                self.active.push(identity.address);
            }
            (Some(place), false) => {
                member.place = None;
                self.active.swap_remove(place);
                if let Some(moved) = self.active.get(place).and_then(|moved| self.by_address.get_mut(moved)) {
                    moved.place = Some(place);
                }
            }
            _ => {}
        }
        self.want(&identity, 1);
        match (before, state) {
            (MemberState::Dead, MemberState::Alive | MemberState::Suspected) => Some(Change::Up),
            (_, MemberState::Dead) if before != MemberState::Dead => Some(Change::Down),
            (MemberState::Alive, MemberState::Suspected) => Some(Change::Suspected),
            (MemberState::Suspected, MemberState::Alive) => Some(Change::Trusted),
            _ => None,
        }
    }

    pub(super) fn get(&self, address: SocketAddr) -> Option<&Member> {
        self.by_address.get(&address)
    }

    /// Whether it is suspected in this life and incarnation.
    pub(super) fn is_suspected(&self, identity: &Identity, incarnation: u16) -> bool {
        self.get(identity.address).is_some_and(|member| {
            let same = member.identity == *identity && member.incarnation == incarnation;
            same && member.state == MemberState::Suspected
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_address.values()
    }

    /// Addresses of those who are not dead, in no order that means anything.
    pub(super) fn active(&self) -> &[SocketAddr] {
        &self.active
    }

    /// The member in this very life, if it is not dead.
    pub(super) fn in_this_life(&mut self, identity: &Identity) -> Option<&mut Member> {
        let member = self.by_address.get_mut(&identity.address)?;
        (member.identity == *identity && member.is_active()).then_some(member)
    }

    pub(super) fn forget(&mut self, identity: &Identity) -> bool {
        let dead = self.get(identity.address).is_some_and(|m| m.identity == *identity && !m.is_active());
        if dead {
            self.by_address.remove(&identity.address);
        }
        dead
    }

    /// Somebody says that a member's metadata has this version.
    pub(super) fn want(&mut self, identity: &Identity, version: u32) {
        let Some(member) = self.in_this_life(identity) else { return };
        let told = (identity.life, version);
        if told > member.newest {
            let was_up_to_date = member.told == member.newest;
            member.newest = told;
            member.asked = None;
            if was_up_to_date {
                self.wanting.push_back(identity.address);
            }
        }
    }

    /// A member has told what it is. Whether it is news.
    pub(super) fn learn(&mut self, identity: &Identity, version: u32, metadata: Metadata) -> bool {
        let Some(member) = self.in_this_life(identity) else { return false };
        let told = (identity.life, version);
        // It knows best how new it is, whatever others say.
        member.newest = told;
        let news = told != member.told;
        if news {
            member.told = told;
            member.metadata = Some(Arc::new(metadata));
        }
        news
    }

    /// Whom to ask now what it is; at most so many. Who has been asked lately is left in peace.
    pub(super) fn whom_to_ask(&mut self, now: Time, most: usize, again: Duration) -> Vec<Identity> {
        let mut ask = Vec::new();
        for _ in 0..self.wanting.len() {
            if ask.len() == most {
                break;
            }
            let Some(address) = self.wanting.pop_front() else { break };
            let Some(member) = self.by_address.get_mut(&address) else { continue };
            if member.told == member.newest {
                continue;
            }
            if !member.is_active() {
                // Should it come back, it is in another life, and is asked then.
                member.newest = member.told;
                continue;
            }
            if member.asked.is_none_or(|asked| now.since(asked) >= again) {
                member.asked = Some(now);
                ask.push(member.identity);
            }
            self.wanting.push_back(address);
        }
        ask
    }
}
