//! Axes, and what lies between them.

use std::ops::Range;

use super::sheet::{Anchor, Pen, Sheet};
use crate::results::drawing::{Drawn, FAINT, GRID, INK};

/// How values become places on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scale {
    Even(Range<f64>),
    /// Each power of ten has the same room; for values above 0.
    Log(Range<f64>),
}

impl Scale {
    /// From 0 to 1.
    fn place(&self, value: f64) -> f64 {
        match self {
            Scale::Even(range) => (value - range.start) / (range.end - range.start),
            Scale::Log(range) => (value / range.start).ln() / (range.end / range.start).ln(),
        }
    }
}

/// What is written of a power of ten, from many numbers to few.
const LOG_STEPS: [&[f64]; 4] =
    [&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]];

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ruler {
    pub scale: Scale,
    /// What stands beside which value.
    pub ticks: Vec<(f64, String)>,
    /// What it shows, with its unit.
    pub name: String,
}

impl Ruler {
    /// Of numbers; about so many of them are written.
    pub fn even(range: Range<f64>, about: usize, name: &str) -> Ruler {
        let step = step((range.end - range.start) / about.max(1) as f64);
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        let first = (range.start / step - 1e-9).ceil() as i64;
        let last = (range.end / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|number| number as f64 * step);
        let ticks = ticks.map(|value| (value, format!("{value:.decimals$}"))).collect();
        Ruler { scale: Scale::Even(range), ticks, name: name.into() }
    }

    /// Of numbers above 0, to powers of ten or parts of them; at most so many are written, if that can be.
    pub fn log(range: Range<f64>, most: usize, name: &str) -> Ruler {
        let powers = range.start.log10().floor() as i32..=range.end.log10().ceil() as i32;
        let inside = |value: &f64| *value >= range.start * 0.999 && *value <= range.end * 1.001;
        let values = |steps: &[f64]| -> Vec<f64> {
            let all =
                powers.clone().flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)));
            all.filter(inside).collect()
        };
        let dense = LOG_STEPS.iter().map(|steps| values(steps)).find(|values| values.len() <= most);
        let values = dense.unwrap_or_else(|| values(&[1.0]));
        let ticks = values.into_iter().map(|value| (value, short(value))).collect();
        Ruler { scale: Scale::Log(range), ticks, name: name.into() }
    }

    /// Of a time, in the unit that suits its length; `about` so many instants are written.
    pub fn time(seconds: Range<f64>, about: usize) -> Ruler {
        let (unit_s, unit) = match seconds.end - seconds.start {
            length if length <= 600.0 => (1.0, "s"),
            length if length <= 4.0 * 3_600.0 => (60.0, "min"),
            length if length <= 4.0 * 86_400.0 => (3_600.0, "h"),
            _ => (86_400.0, "days"),
        };
        let name = format!("time since the start of the run, {unit}");
        let units = Ruler::even(seconds.start / unit_s..seconds.end / unit_s, about, &name);
        let ticks = units.ticks.into_iter().map(|(value, text)| (value * unit_s, text)).collect();
        Ruler { scale: Scale::Even(seconds), ticks, name }
    }
}

/// Without the zeros that say nothing.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// 1, 2 or 5 times a power of ten, not less than this.
fn step(least: f64) -> f64 {
    if least.is_nan() || least <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powi(least.log10().floor() as i32);
    [1.0, 2.0, 5.0].into_iter().map(|step| step * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// A range around values with some room, to whole steps, within bounds; `None` of nothing.
pub(super) fn around(values: impl Iterator<Item = f64>, bounds: Range<f64>) -> Option<Range<f64>> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return None;
    }
    let step = step((high - low).max(1e-3 * high.abs()).max(1e-6) / 8.0);
    let range = (low / step - 0.25).floor() * step..(high / step + 0.25).ceil() * step;
    Some(range.start.max(bounds.start)..range.end.min(bounds.end))
}

/// Two axes and the room between them.
pub(super) struct Plot {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    pub x: Ruler,
    pub y: Ruler,
}

impl Plot {
    /// Where values are on the sheet.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x_at(x), self.y_at(y))
    }

    pub fn x_at(&self, x: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.scale.place(x)
    }

    pub fn y_at(&self, y: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.scale.place(y)
    }

    /// The axes with their numbers and names, and a grid.
    pub fn axes(&self, sheet: &Sheet<'_>) -> Drawn {
        let (small, grid) = (sheet.text_height() - 1.0, Pen::solid(GRID, 1.0));
        for (value, text) in &self.y.ticks {
            let y = self.y_at(*value);
            sheet.line(&[(self.left, y), (self.right, y)], grid)?;
            sheet.write_in(text, (self.left - 7.0, y), Anchor::Right, small, INK)?;
        }
        for (value, text) in &self.x.ticks {
            let x = self.x_at(*value);
            sheet.line(&[(x, self.top), (x, self.bottom)], grid)?;
            sheet.line(&[(x, self.bottom), (x, self.bottom + 4.0)], Pen::solid(FAINT, 1.0))?;
            sheet.write_in(text, (x, self.bottom + 7.0), Anchor::Below, small, INK)?;
        }
        let corner = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)];
        sheet.line(&corner, Pen::solid(FAINT, 1.0))?;
        let middle = (self.left + self.right) / 2.0;
        let below = self.bottom + 10.0 + 1.4 * sheet.text_height();
        sheet.write_in(&self.x.name, (middle, below), Anchor::Below, small, INK)?;
        if self.y.name.is_empty() {
            return Ok(());
        }
        let x = self.left - self.number_room(small) - 20.0;
        sheet.write_in(&self.y.name, (x, (self.top + self.bottom) / 2.0), Anchor::Upwards, small, INK)
    }

    fn number_room(&self, height: f64) -> f64 {
        let widths = self.y.ticks.iter().map(|(_, text)| super::sheet::text_width(text, height));
        widths.fold(0.0, f64::max)
    }

    /// A line through values.
    pub fn curve(&self, sheet: &Sheet<'_>, points: &[(f64, f64)], pen: Pen) -> Drawn {
        sheet.line(&points.iter().map(|point| self.at(*point)).collect::<Vec<_>>(), pen)
    }

    /// A line across at a value of x, with words beside it at this height.
    pub fn mark_x(&self, sheet: &Sheet<'_>, x: f64, words: &str, y: f64) -> Drawn {
        let x = self.x_at(x);
        sheet.line(&[(x, self.top), (x, self.bottom)], Pen::solid(FAINT, 1.0))?;
        let height = sheet.text_height() - 2.0;
        let (place, anchor) = match x + 5.0 + super::sheet::text_width(words, height) < self.right {
            true => (x + 5.0, Anchor::Left),
            false => (x - 5.0, Anchor::Right),
        };
        sheet.write_in(words, (place, y), anchor, height, INK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ruler: &Ruler) -> Vec<&str> {
        ruler.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn rulers_have_round_numbers() {
        assert_eq!(texts(&Ruler::even(0.0..1.0, 5, "")), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&Ruler::even(62.0..95.0, 4, "")), ["70", "80", "90"]);
        assert_eq!(texts(&Ruler::log(20.0..500.0, 6, "")), ["20", "50", "100", "200", "500"]);
        assert_eq!(texts(&Ruler::log(0.1..10_000.0, 6, "")), ["0.1", "1", "10", "100", "1000", "10000"]);
    }

    #[test]
    fn times_are_in_the_unit_that_suits_their_length() {
        let ruler = Ruler::time(0.0..7_200.0, 4);
        assert_eq!(texts(&ruler), ["0", "50", "100"]);
        assert_eq!(
            (ruler.name.as_str(), ruler.ticks[1].0),
            ("time since the start of the run, min", 3_000.0)
        );
        assert!(Ruler::time(-25.0..5.0, 4).name.ends_with(", s"));
        assert!(Ruler::time(0.0..86_400.0, 4).name.ends_with(", h"));
    }

    #[test]
    fn values_have_their_places_on_either_scale() {
        let ruler = |scale| Ruler { scale, ticks: Vec::new(), name: String::new() };
        let plot = Plot {
            left: 100.0,
            top: 10.0,
            right: 300.0,
            bottom: 110.0,
            x: ruler(Scale::Log(1.0..100.0)),
            y: ruler(Scale::Even(0.0..50.0)),
        };
        let (x, y) = plot.at((10.0, 10.0));
        assert!((x - 200.0).abs() < 1e-9 && (y - 90.0).abs() < 1e-9, "{x} {y}");
    }

    #[test]
    fn a_range_has_room_around_its_values_and_keeps_its_bounds() {
        assert_eq!(around([41.0, 88.0].into_iter(), 0.0..100.0), Some(30.0..100.0));
        assert_eq!(around([0.0, 0.0].into_iter(), 0.0..100.0).map(|range| range.start), Some(0.0));
        assert_eq!(around([f64::NAN].into_iter(), 0.0..1.0), None);
    }
}
