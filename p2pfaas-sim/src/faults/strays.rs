//! Events that nobody waits for: what comes twice, too late, or for somebody else.

use p2pfaas_core::agent::Choice;
use p2pfaas_core::{Event, ForwardAnswer, JobKey, PeerId, PeerLoad};
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::happening::Hub;
use super::life::Life;

/// One of them for this node; `last` is what happened to it just now.
pub(super) fn draw(hub: &mut Hub, life: &Life, last: &Event) -> Option<Event> {
    let rng = &mut hub.chance;
    let living = life.tasks.len();
    let job = match rng.random_range(0..4) {
        0 if living > 0 => *life.tasks.keys().nth(rng.random_range(0..living))?,
        1 | 2 if !life.dead.is_empty() => life.dead[rng.random_range(0..life.dead.len())],
        _ => JobKey::NOBODY,
    };
    let event = match rng.random_range(0..8) {
        0..=2 => last.clone(),
        3 => {
            let load = PeerLoad { running: u32::MAX, queued: u32::MAX, slots: 0 };
            let peer = PeerId(if rng.random() { u32::MAX } else { rng.random_range(0..10) });
            Event::Probed { job, peer, load: rng.random::<bool>().then_some(load), offer: None, node: None }
        }
        4 => Event::Acted {
            job,
            choice: Some(Choice { action: u32::MAX, epsilon: f64::NAN, probability: None }),
        },
        5 => Event::Executed { job, success: rng.random() },
        6 => Event::Forwarded {
            job,
            answer: *[ForwardAnswer::NotTaken, ForwardAnswer::NoAnswer, ForwardAnswer::NotReached]
                .choose(rng)
                .unwrap_or(&ForwardAnswer::NoAnswer),
        },
        _ => Event::Cancel { job },
    };
    // Of what somebody waits for, there is enough.
    (!life.expects(&event)).then_some(event)
}
