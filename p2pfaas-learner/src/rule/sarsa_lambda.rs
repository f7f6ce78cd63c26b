//! SARSA(λ) (Sutton & Barto, 12.7), with replacing traces where features are there or not.

use serde::{Deserialize, Serialize};

use super::traces::Traces;
use super::{Context, Step, TdRule, ahead};
use crate::value::Values;

/// δ = R + γ Q(S', A') − Q(S, A) changes all weights that lately had a part, each by its trace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SarsaLambda {
    traces: Traces,
    #[serde(skip)]
    active: Vec<(u32, f64)>,
}

impl TdRule for SarsaLambda {
    fn train(&mut self, step: &Step<'_>, values: &mut Values, context: &mut Context<'_>) -> Option<f64> {
        let config = context.config;
        let target = step.reward + config.gamma * ahead(&values.first, step);
        let function = values.first.linear()?;
        if function.active(step.state, &mut self.active) {
            self.active.iter().for_each(|(feature, _)| self.traces.forget(*feature));
        }
        let error = target - function.value(step.state, step.action);
        let decay = config.gamma * config.lambda;
        self.traces.step(decay, &mut self.active, step.action as u32, function.is_binary());
        for trace in self.traces.iter() {
            function.add(trace.feature, trace.action as usize, config.alpha * error * trace.size);
        }
        if step.next.is_none() {
            self.traces.clear();
        }
        Some(error)
    }

    fn cut(&mut self, _: &mut Values, _: &mut Context<'_>) {
        self.traces.clear();
    }
}
