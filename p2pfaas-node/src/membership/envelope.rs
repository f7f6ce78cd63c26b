//! What goes around a datagram on the wire: with a cluster's key it is sealed, so that nobody else can read or make one.

use crate::security::{ClusterKey, SecuritySettings};

/// Bound to each seal, so that nothing that is sealed for another purpose can be taken for a datagram.
const PURPOSE: &[u8] = b"gossip";

/// Seals and opens datagrams. A seal adds at most [`MAX_SEAL`](p2pfaas_core::membership::MAX_SEAL) bytes.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    key: Option<ClusterKey>,
    takes_clear: bool,
}

impl Envelope {
    pub(crate) fn new(security: &SecuritySettings) -> Self {
        Envelope { key: security.key.clone(), takes_clear: security.takes_unsigned() }
    }

    /// The bytes that go over the wire.
    pub(crate) fn seal(&self, datagram: &[u8]) -> Vec<u8> {
        match &self.key {
            Some(key) => key.seal(datagram, PURPOSE),
            None => datagram.to_vec(),
        }
    }

    /// The datagram, if it is one of this cluster.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let opened = self.key.as_ref().and_then(|key| key.open(sealed, PURPOSE));
        opened.or_else(|| self.takes_clear.then(|| sealed.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use p2pfaas_core::membership::MAX_SEAL;

    use super::*;

    fn envelope(key: Option<u8>, allow_unsigned_peers: bool) -> Envelope {
        let key = key.map(|byte| format!("{byte:02x}").repeat(32).parse().unwrap());
        Envelope::new(&SecuritySettings { key, allow_unsigned_peers, ..SecuritySettings::default() })
    }

    #[test]
    fn only_those_with_the_key_read_a_datagram_and_a_clear_one_is_taken_where_that_is_wanted() {
        let [clear, one, other] = [None, Some(1), Some(2)].map(|key| envelope(key, false));
        let sealed = one.seal(b"news");
        assert!(sealed.len() <= b"news".len() + MAX_SEAL && !sealed.windows(4).any(|part| part == b"news"));
        assert_eq!(one.open(&sealed).as_deref(), Some(&b"news"[..]));
        assert_eq!(other.open(&sealed), None);
        assert_eq!(one.open(&clear.seal(b"news")), None);
        assert_eq!(envelope(Some(1), true).open(&clear.seal(b"news")).as_deref(), Some(&b"news"[..]));
    }
}
