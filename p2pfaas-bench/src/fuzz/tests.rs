//! Every input that fuzzing has kept is still survived.

#[path = "../../../fuzz/corpus.rs"]
mod corpus;

use corpus::replay;

#[test]
fn experiments_and_traces_are_survived() {
    replay("experiment", super::experiment);
    replay("trace", super::trace);
}
