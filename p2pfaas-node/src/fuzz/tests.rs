//! Every input that fuzzing has kept is still survived.

#[path = "../../../fuzz/corpus.rs"]
mod corpus;

use corpus::replay;

#[test]
fn what_others_answer_and_bring_is_survived() {
    replay("answer", super::answer);
    replay("peer_answer", super::peer_answer);
    replay("peer_job", super::peer_job);
    replay("machines", super::machines);
}

#[test]
fn signatures_secrets_and_datagrams_are_survived() {
    replay("signature", super::signature);
    replay("secrets", super::secrets);
    replay("gossip", super::gossip);
}

#[test]
fn configurations_and_event_logs_are_survived() {
    replay("configuration", super::configuration);
    replay("event_log", super::event_log);
}
