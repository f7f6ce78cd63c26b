//! The simulator agrees with theory, over 20 seeds and at a family-wise level of 99 %: if it is right, all
//! comparisons of a test hold together in 99 of 100 choices of the seeds.

mod alone;
mod bounds;
mod many_nodes;
mod power_of_n;
mod support;
