//! What a member tells about itself.

use crate::job::NodeId;

/// Bytes of a machine id, a group, a version.
pub const MAX_LABEL: usize = 128;
/// Bytes of a scheduler's address: a host name and a port.
pub const MAX_SCHEDULER: usize = 261;
/// Function names that are told.
pub const MAX_FUNCTIONS: usize = 64;
/// Bytes of all function names that are told.
pub const MAX_FUNCTION_BYTES: usize = 512;

/// What a member is. It changes seldom; its load is told apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Its machine id.
    pub machine_id: String,
    /// Its identity as a node.
    pub node: NodeId,
    /// Its group of machines.
    pub group: String,
    /// `host:port` of its scheduler.
    pub scheduler: String,
    /// Port of its discovery; 0 when it has none.
    pub discovery_port: u16,
    /// Jobs that it runs at once.
    pub slots: u32,
    /// Jobs that may wait there.
    pub queue: u32,
    /// Its version.
    pub version: String,
    /// Functions that it offers; where they are too many, the first of them.
    pub functions: Vec<String>,
    /// How many functions it offers.
    pub functions_offered: u32,
}

/// Metadata that is too long to be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} has {bytes} bytes, at most {bound} can be told to other members: shorten it")]
pub struct TooLong {
    /// Which part.
    pub what: &'static str,
    /// Its bytes.
    pub bytes: usize,
    /// What is allowed.
    pub bound: usize,
}

impl Metadata {
    /// Tells these functions, as many as there is room for.
    pub fn offer<'a>(&mut self, functions: impl IntoIterator<Item = &'a str>) {
        self.functions.clear();
        self.functions_offered = 0;
        let mut bytes = 0;
        for name in functions {
            self.functions_offered = self.functions_offered.saturating_add(1);
            // What has been left out is no prefix when a short name follows; the count says that some are missing.
            if self.functions.len() < MAX_FUNCTIONS && bytes + name.len() < MAX_FUNCTION_BYTES {
                bytes += name.len() + 1;
                self.functions.push(name.to_string());
            }
        }
    }

    /// # Errors
    /// The first part that is too long.
    pub fn check(&self) -> Result<(), TooLong> {
        let bytes = self.functions.iter().map(|name| name.len() + 1).sum();
        let parts = [
            ("the machine id", self.machine_id.len(), MAX_LABEL),
            ("the group", self.group.len(), MAX_LABEL),
            ("the version", self.version.len(), MAX_LABEL),
            ("the scheduler's address", self.scheduler.len(), MAX_SCHEDULER),
            ("the number of functions", self.functions.len(), MAX_FUNCTIONS),
            ("the list of functions", bytes, MAX_FUNCTION_BYTES),
        ];
        match parts.into_iter().find(|(_, bytes, bound)| bytes > bound) {
            Some((what, bytes, bound)) => Err(TooLong { what, bytes, bound }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_functions_are_told_as_there_is_room_for() {
        let names: Vec<_> = (0..200).map(|number| format!("function-{number}")).collect();
        let mut metadata = Metadata::default();
        metadata.offer(names.iter().map(String::as_str));
        assert_eq!(metadata.functions_offered, 200);
        assert!((30..=MAX_FUNCTIONS).contains(&metadata.functions.len()));
        assert_eq!(metadata.check(), Ok(()));
        metadata.machine_id = "m".repeat(MAX_LABEL + 1);
        let told = metadata.check().expect_err("too long").to_string();
        assert_eq!(
            told,
            "the machine id has 129 bytes, at most 128 can be told to other members: shorten it"
        );
    }
}
