//! What the pictures have in common: colours, and names beside the ends of lines.

use std::error::Error;
use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(crate) const FONT: &str = "sans-serif";
pub(crate) const INK: RGBColor = RGBColor(40, 40, 40);
pub(crate) const FAINT: RGBColor = RGBColor(110, 110, 110);
pub(crate) const GRID: RGBColor = RGBColor(230, 230, 230);
/// Colours of policies, told apart also by those who do not see all of them: six of Okabe and Ito, then some
/// of Paul Tol's. Grey is for what is not a policy of the file.
pub(crate) const COLOURS: [RGBColor; 11] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(136, 34, 85),
    RGBColor(51, 34, 136),
    RGBColor(153, 153, 51),
    RGBColor(17, 119, 51),
    RGBColor(170, 68, 153),
];
/// Least distance between two names.
const NAME_DISTANCE: i32 = 17;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
pub(crate) type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// What stands beside the end of a line.
pub(crate) struct Name {
    /// The end of the line, in pixels.
    pub end: (i32, i32),
    pub colour: RGBColor,
    pub text: String,
}

/// Writes names between two heights, moved so far that none hides another.
pub(crate) fn write_names(root: &Area<'_>, mut names: Vec<Name>, heights: Range<i32>) -> Drawn {
    names.sort_by_key(|name| name.end.1);
    let mut lowest = heights.start;
    let mut places = Vec::new();
    for name in &names {
        lowest = name.end.1.max(lowest + NAME_DISTANCE);
        places.push(lowest);
    }
    // What has been pushed beyond the panel pushes back.
    let mut highest = heights.end;
    for place in places.iter_mut().rev() {
        highest = (*place).min(highest - NAME_DISTANCE);
        *place = highest;
    }
    for (Name { end: (x, y), colour, text }, place) in names.into_iter().zip(places) {
        let pointer = [(x + 2, y), (x + 14, place)];
        root.draw(&PathElement::new(pointer, colour.stroke_width(1)))?;
        let font = (FONT, 14).into_font().color(&colour).pos(Pos::new(HPos::Left, VPos::Center));
        root.draw(&Text::new(text, (x + 18, place), font))?;
    }
    Ok(())
}

/// From the least to the largest value, to whole steps.
pub(crate) fn range(values: impl Iterator<Item = f64>, step: f64) -> Range<f64> {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let low = (low / step).floor() * step;
    low..((high / step).ceil() * step).max(low + step)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn a_range_has_whole_steps_and_a_width() {
        assert_eq!(range([41.0, 88.0].into_iter(), 10.0), 40.0..90.0);
        assert_eq!(range([50.0].into_iter(), 10.0), 50.0..60.0);
    }
}
