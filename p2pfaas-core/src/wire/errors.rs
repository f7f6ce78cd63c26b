//! Error codes (fact sheet 1.3).

use serde::{Deserialize, Serialize};

/// An error's code. Clients of the reference go by it; the message is free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Something else.
    Generic,
    /// The data on disk.
    Database,
    /// No such thing.
    NotFound,
    /// The request cannot be read.
    MalformedInput,
    /// The functions' backend cannot be reached.
    BackendUnreachable,
    /// An answer cannot be encoded.
    CannotMarshal,
    /// The function's name cannot be one.
    InvalidServiceName,
    /// A function could not be deployed.
    DeployFailed,
    /// OpenFaaS did not answer as it should.
    OpenFaasFailed,
    /// No room: the job is dropped.
    NoRoom,
    /// The policy said no.
    Rejected,
    /// The learner gave no action.
    NoAction,
    /// The peer did not answer as it should.
    ForwardFailed,
    /// The peer's answer is empty.
    EmptyPeerAnswer,
    /// The peer that an action names is not there.
    NoSuchPeer,
    /// The same key twice.
    DuplicateKey,
    /// The body is larger than this node takes. Not in the reference, which has no bound.
    BodyTooLarge,
    /// The node is about to end. Not in the reference, which breaks off.
    ShuttingDown,
    /// The discovery has no address yet (fact sheet 1.8).
    NotConfigured,
    /// The caller does not say who it is, or not so that it can be believed. Not in the reference, which asks nobody.
    Unauthenticated,
    /// The caller may not do this. Not in the reference.
    Forbidden,
    /// The caller calls more often than it may. Not in the reference.
    TooManyCalls,
    /// The same job has been brought before. Not in the reference, which runs it again.
    Repeated,
}

impl ErrorCode {
    /// The number in the body.
    pub const fn code(self) -> u32 {
        match self {
            ErrorCode::Generic
            | ErrorCode::ShuttingDown
            | ErrorCode::Unauthenticated
            | ErrorCode::Forbidden
            | ErrorCode::TooManyCalls
            | ErrorCode::Repeated => 1,
            ErrorCode::Database => 2,
            ErrorCode::NotFound => 3,
            ErrorCode::MalformedInput | ErrorCode::BodyTooLarge => 4,
            ErrorCode::BackendUnreachable => 5,
            ErrorCode::CannotMarshal => 6,
            ErrorCode::InvalidServiceName | ErrorCode::NotConfigured => 100,
            ErrorCode::DeployFailed => 200,
            ErrorCode::OpenFaasFailed => 300,
            ErrorCode::NoRoom => 400,
            ErrorCode::Rejected => 401,
            ErrorCode::NoAction => 402,
            ErrorCode::ForwardFailed => 403,
            ErrorCode::EmptyPeerAnswer => 404,
            ErrorCode::NoSuchPeer => 405,
            ErrorCode::DuplicateKey => 11000,
        }
    }

    /// The HTTP status that goes with it.
    pub const fn http_status(self) -> u16 {
        match self {
            ErrorCode::NotFound => 404,
            ErrorCode::MalformedInput | ErrorCode::InvalidServiceName | ErrorCode::DuplicateKey => 400,
            ErrorCode::Rejected | ErrorCode::ShuttingDown => 503,
            ErrorCode::BodyTooLarge => 413,
            ErrorCode::Unauthenticated => 401,
            ErrorCode::Forbidden => 403,
            ErrorCode::TooManyCalls => 429,
            ErrorCode::Repeated => 409,
            _ => 500,
        }
    }
}

/// The body of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// See [`ErrorCode`].
    pub code: u32,
    /// For people.
    pub message: String,
}
