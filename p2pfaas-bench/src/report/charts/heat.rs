//! Cells whose colour is a number, and several of such pictures on a sheet.

use plotters::prelude::{ColorMap, RGBColor, ViridisRGB};

use super::sheet::{Anchor, Form, Sheet, shortened};
use crate::results::drawing::Drawn;

/// Colours that are told apart.
const LEVELS: usize = 32;
const OVERLAP: f64 = 0.5;
/// What the colours mean, above the pictures.
pub(super) const BAR: f64 = 30.0;
/// The label of a picture.
pub(super) const LABEL: f64 = 22.0;

/// The colour of a level.
fn colour(level: usize) -> RGBColor {
    ViridisRGB.get_color(level as f32 / (LEVELS - 1) as f32)
}

fn level(share: f64) -> usize {
    (share.clamp(0.0, 1.0) * (LEVELS - 1) as f64).round() as usize
}

/// From black to white: what can be read on a colour.
pub(super) fn ink_on(share: f64) -> RGBColor {
    if share < 0.6 { RGBColor(255, 255, 255) } else { RGBColor(0, 0, 0) }
}

/// Rows of cells with values from 0 to 1, the first row on top; without a value there is no cell.
pub(super) fn cells(
    sheet: &Sheet<'_>,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
    rows: &[Vec<Option<f64>>],
) -> Drawn {
    let across = |place: usize, count: usize, length: f64| length * place as f64 / count.max(1) as f64;
    for (index, row) in rows.iter().enumerate() {
        let y = |index| top + across(index, rows.len(), height);
        let x = |column| left + across(column, row.len(), width);
        let levels: Vec<_> = row.iter().map(|share| share.map(level)).collect();
        let mut column = 0;
        // Neighbours of one colour are one rectangle.
        for same in levels.chunk_by(|one, next| one == next) {
            if let Some(level) = same[0] {
                // Each reaches a little under the next one: no seam shows.
                let under = |end: f64, last: bool| if last { end } else { end + OVERLAP };
                let (right, below) = (column + same.len(), index + 1);
                let corner = (under(x(right), right == row.len()), under(y(below), below == rows.len()));
                sheet.rectangle((x(column), y(index)), corner, colour(level))?;
            }
            column += same.len();
        }
    }
    Ok(())
}

/// What the colours mean: from 0 to the largest number.
pub(super) fn bar(sheet: &Sheet<'_>, left: f64, most: &str, name: &str) -> Drawn {
    let (y, width) = (14.0, sheet.form.either(150.0, 90.0));
    sheet.write("0", (left - 6.0, y), Anchor::Right)?;
    let levels = (0..LEVELS).map(|level| Some(level as f64 / (LEVELS - 1) as f64)).collect();
    cells(sheet, (left, y - 6.0), (width, 12.0), &[levels])?;
    let room = sheet.width - left - width - 8.0;
    let text = shortened(&format!("{most} {name}"), room, sheet.text_height());
    sheet.write(&text, (left + width + 6.0, y), Anchor::Left)
}

/// Places of pictures on a sheet: their upper left corners and widths.
pub(super) fn places(form: Form, columns: usize, height: f64, count: usize) -> Vec<(f64, f64, f64)> {
    let width = form.width() / columns as f64;
    let place =
        |index: usize| ((index % columns) as f64 * width, BAR + (index / columns) as f64 * height, width);
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::sheet::draw;

    #[test]
    fn neighbours_of_one_colour_are_one_cell_and_what_is_not_known_is_none() {
        let rows = [vec![Some(0.0), Some(0.0), Some(1.0), None], vec![None, None, None, None]];
        let text = draw(Form::Narrow, 100.0, |sheet| cells(sheet, (0.0, 0.0), (40.0, 20.0), &rows)).unwrap();
        // And the sheet itself.
        assert_eq!(text.matches("<rect").count(), 1 + 2, "{text}");
        assert!(text.contains("#440154") && text.contains("#FEE825"), "{text}");
    }
}
