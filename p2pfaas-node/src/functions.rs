//! The functions that a node offers. Only these can be called.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use p2pfaas_core::FunctionId;

use crate::executor::{Executor, Function};
use crate::metrics::FunctionMetrics;

pub(crate) struct RegisteredFunction {
    pub id: FunctionId,
    pub name: Arc<str>,
    pub executor: Arc<dyn Executor>,
    pub deadline: Option<Duration>,
    pub idempotent: bool,
    pub metrics: FunctionMetrics,
}

pub(crate) struct Functions(HashMap<Arc<str>, Arc<RegisteredFunction>>);

impl Functions {
    pub(crate) fn new(functions: Vec<Function>, metrics: impl Fn(&str) -> FunctionMetrics) -> Self {
        let register = |(index, function): (usize, Function)| {
            let name: Arc<str> = function.name.into();
            let registered = RegisteredFunction {
                id: FunctionId(index as u32),
                name: name.clone(),
                metrics: metrics(&name),
                executor: function.executor,
                deadline: function.deadline,
                idempotent: function.idempotent,
            };
            (name, Arc::new(registered))
        };
        Functions(functions.into_iter().enumerate().map(register).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<RegisteredFunction>> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.0.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }
}
