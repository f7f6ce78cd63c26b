//! What happens to a node: the events that a driver feeds to it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::Choice;
use crate::job::{Arrival, JobKey, NodeId};
use crate::offers::Offer;
use crate::peers::{PeerId, PeerLoad};
use crate::slots::Capacity;

/// Something that happened. Each effect that asks for an answer is matched by one event, unless the
/// job has been abandoned; late, repeated and unknown events are counted and otherwise ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A job is at the door.
    Arrive(Arrival),
    /// A probed peer told its load, or failed to (`None`).
    Probed {
        /// The job it was probed for.
        job: JobKey,
        /// The peer.
        peer: PeerId,
        /// Its load; `None` when it did not answer as it should.
        load: Option<PeerLoad>,
        /// What it offers, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<Offer>,
        /// Its identity, if it is one of our nodes.
        node: Option<NodeId>,
    },
    /// The learner chose an action, or could not (`None`).
    Acted {
        /// The job it was asked about.
        job: JobKey,
        /// Its choice.
        choice: Option<Choice>,
    },
    /// The function has answered.
    Executed {
        /// The job.
        job: JobKey,
        /// Whether it answered with success.
        success: bool,
    },
    /// The peer to which the job was forwarded has answered.
    Forwarded {
        /// The job.
        job: JobKey,
        /// How it went there.
        answer: ForwardAnswer,
    },
    /// The client has gone away.
    Cancel {
        /// Its job.
        job: JobKey,
    },
    /// The moment of an [`Effects::wake_at`](crate::Effects::wake_at) has come.
    Wake,
    /// Slots or queue have been changed.
    SetCapacity(Capacity),
    /// The peers that are there now; those left out are gone.
    SetPeers(Vec<(String, Option<NodeId>)>),
    /// Its fellows suspect a peer of being dead, so that no job goes there; or they trust it again.
    Suspected {
        /// The peer.
        peer: PeerId,
        /// Whether it is suspected.
        suspected: bool,
    },
    /// Loads that peers told without being probed, each with its age.
    Told(Vec<(PeerId, PeerLoad, Duration)>),
}

/// How a forwarded job went at the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForwardAnswer {
    /// The function answered with success.
    Served,
    /// The peer had no room.
    Dropped,
    /// The peer's policy said no.
    Rejected,
    /// The function failed there.
    FunctionFailed,
    /// The function answered there that the request is wrong (4xx), which says nothing against the peer.
    FunctionRefused,
    /// The peer has not taken the job: it does not offer the function, or is about to end.
    NotTaken,
    /// The peer closed, hung, or answered something that is not an answer.
    NoAnswer,
    /// Nothing of the job has been sent: there was no connection to the peer.
    NotReached,
}
