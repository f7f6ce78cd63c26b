//! What theory cannot answer.

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TheoryError {
    /// A parameter means nothing.
    #[error("{what} is {value}: it must be {must}")]
    Parameter {
        /// Its name.
        what: &'static str,
        /// What was given.
        value: f64,
        /// What is expected.
        must: &'static str,
    },
    /// An endless queue grows without end.
    #[error("the load is {load} of what the servers can do: an endless queue needs less than 1")]
    Overloaded {
        /// Arrivals over the most that can be served.
        load: f64,
    },
    /// More states than are solved.
    #[error("the chain has {states} states, and no more than {bound} are solved: take fewer nodes or places")]
    TooManyStates {
        /// How many there would be, or the largest number if there would be more.
        states: u64,
        /// How many may be.
        bound: u64,
    },
    /// The iteration did not arrive.
    #[error("no solution after {rounds} rounds: the flows are still out of balance by {residual:e}")]
    NotSettled {
        /// Rounds that were tried.
        rounds: u32,
        /// Share of the flow that is out of balance.
        residual: f64,
    },
}

/// A finite number above 0.
pub(super) fn positive(what: &'static str, value: f64) -> Result<(), TheoryError> {
    require(value > 0.0 && value.is_finite(), what, value, "a finite number above 0")
}

/// A count of at least one.
pub(super) fn at_least_one(what: &'static str, value: u32) -> Result<(), TheoryError> {
    require(value > 0, what, f64::from(value), "at least 1")
}

pub(super) fn require(
    holds: bool,
    what: &'static str,
    value: f64,
    must: &'static str,
) -> Result<(), TheoryError> {
    if holds { Ok(()) } else { Err(TheoryError::Parameter { what, value, must }) }
}
