//! Stub.
use p2pfaas_core::policy::{Descriptor, Policy, PolicyError};
/// Stub.
pub struct Board;
/// Stub.
#[derive(Debug)]
pub struct Reference;
/// Stub.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {}
/// Stub.
pub struct ClusterModel;
impl Board {
    /// Stub.
    pub fn new(_: usize) -> Self {
        Board
    }
    /// Stub.
    pub fn note(&self, _: u32, _: u32, _: u32, _: bool) {}
}
impl Reference {
    /// Stub.
    pub fn find(_: &Descriptor) -> Result<Option<Self>, PolicyError> {
        Ok(None)
    }
    /// Stub.
    pub fn policies(&self, _: &ClusterModel, _: &Board) -> Result<Vec<Box<dyn Policy>>, ReferenceError> {
        Ok(vec![])
    }
}
