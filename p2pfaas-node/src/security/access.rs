//! Which requests need which role.

use http::Method;
use p2pfaas_learner::service::access::{Role, needed_role};

/// A port with its routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    /// Clients and peers.
    Scheduler,
    /// Other machines.
    Discovery,
    /// The learner's.
    Learner,
}

/// The role that a request needs; `None` for what everybody may who reaches the port. Peers' calls have their
/// signatures instead.
pub(crate) fn needed(interface: Interface, method: &Method, path: &str) -> Option<Role> {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match interface {
        Interface::Scheduler if path.starts_with("/peer/") => None,
        Interface::Scheduler if path.starts_with("/function/") || path.starts_with("/async/") => {
            Some(Role::Call)
        }
        // What they show are addresses of this machine and pages that it fetches.
        Interface::Scheduler if path.starts_with("/dev/") => Some(Role::Configure),
        // It starts a function and waits for it.
        Interface::Scheduler if path.starts_with("/monitoring/scale-delay/") => Some(Role::Configure),
        Interface::Scheduler if reads || path == "/" => None,
        // A GET that forgets what is known.
        Interface::Discovery if path == "/reset" => Some(Role::Configure),
        Interface::Discovery if reads => None,
        Interface::Scheduler | Interface::Discovery => Some(Role::Configure),
        Interface::Learner => needed_role(method, path),
    }
}
