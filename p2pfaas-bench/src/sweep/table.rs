//! `sweep.csv`: a line for each point and policy.

use crate::experiment::Product;
use crate::results::csv::{fields, line, names, quoted};
use crate::summary::Summary;

/// The names of the columns.
pub(super) fn header(product: &Product) -> String {
    let keys = product.0.iter().map(|vary| quoted(&vary.key));
    line(["point".to_string()].into_iter().chain(keys).chain(["seeds".to_string()]).chain(names()))
}

/// The lines of one point.
pub(super) fn rows(product: &Product, point: usize, summary: &Summary) -> String {
    let values: Vec<_> = product.choices(point).iter().map(|choice| quoted(choice.text())).collect();
    let seeds = summary.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    let row = |policy| {
        let before = [point.to_string()].into_iter().chain(values.iter().cloned());
        line(before.chain([seeds.clone()]).chain(fields(policy)))
    };
    summary.policies.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::summary;

    #[test]
    fn a_line_has_the_point_its_values_its_seeds_and_what_the_summary_has() {
        let product =
            Product(vec!["traffic.rate=1,2".parse().unwrap(), "run.seeds=[1,2],3".parse().unwrap()]);
        let (header, rows) = (header(&product), rows(&product, 2, &summary()));
        assert!(header.starts_with("point,traffic.rate,run.seeds,seeds,label,name,offered,"), "{header}");
        assert!(rows.starts_with("2,2,\"[1,2]\",1,a,A(1),10,"), "{rows}");
        assert_eq!(rows.lines().count(), 1);
        assert!(!header.contains("cpu_s"), "{header}");
    }
}
