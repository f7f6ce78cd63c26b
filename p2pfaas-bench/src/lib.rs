//! Run one experiment file on an embedded cluster.
