//! Every input that fuzzing has kept is still survived.

#[path = "../../../fuzz/corpus.rs"]
mod corpus;

use corpus::replay;

#[test]
fn experiences_and_checkpoints_are_survived() {
    replay("experiences", super::experiences);
    replay("checkpoint", super::checkpoint);
}
