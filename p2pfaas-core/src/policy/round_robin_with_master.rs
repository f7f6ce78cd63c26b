//! One master passes all jobs around (fact sheet 2.4).

use super::*;

/// The master takes jobs from the other nodes and sends them to the nodes in turn; the others send
/// their clients' jobs to the master and run what it sends. A job makes two hops.
///
/// Unlike the reference, the master leaves out the node from which the job came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRobinWithMasterScheduler {
    /// Whether this node is the master.
    pub master: bool,
    /// Where the master is: `host` or `host:port` of its scheduler.
    pub master_address: String,
    /// Accepted and echoed; it has no effect, as in the reference.
    pub loss: bool,
    next: usize,
}

impl Policy for RoundRobinWithMasterScheduler {
    fn descriptor(&self) -> Descriptor {
        let parameters = [&self.master.to_string(), &self.master_address, &self.loss.to_string()];
        Descriptor::new(Self::NAME, parameters.map(String::as_str))
    }

    fn arrived(&mut self, situation: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        match (self.master, situation.job.from_client) {
            (true, true) => Decision::Drop,
            (true, false) => match self.next_peer(situation) {
                Some(peer) => Decision::Forward(peer),
                None => Decision::Drop,
            },
            (false, true) => match self.find_master(situation) {
                Some(master) => Decision::Forward(master),
                None => Decision::Fail(Failure::Forward),
            },
            (false, false) => Decision::Local,
        }
    }

    fn passes_on_foreign_jobs(&self) -> bool {
        self.master
    }
}

impl RoundRobinWithMasterScheduler {
    fn next_peer(&mut self, situation: &Situation<'_>) -> Option<PeerId> {
        let count = situation.peers.iter().count();
        let index = if self.next < count { self.next } else { 0 };
        self.next = index + 1;
        situation.peers.iter().nth(index)
    }

    fn find_master(&self, situation: &Situation<'_>) -> Option<PeerId> {
        let with_port = || situation.peers.by_name(&format!("{}:{}", self.master_address, crate::wire::PORT));
        situation.peers.by_name(&self.master_address).or_else(with_port)
    }
}

impl PolicyKind for RoundRobinWithMasterScheduler {
    const NAME: &str = "RoundRobinWithMasterScheduler";
    const PARAMETERS: &[Parameter] = &[
        Parameter { name: "master", default: "false", meaning: "whether this node is the master" },
        Parameter { name: "master_address", default: "", meaning: "host or host:port of the master" },
        Parameter { name: "loss", default: "true", meaning: "accepted, no effect (as in the reference)" },
    ];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(RoundRobinWithMasterScheduler {
            master: values.bool("master")?,
            master_address: values.text("master_address"),
            loss: values.bool("loss")?,
            next: 0,
        })
    }
}
