//! What the colours mean, above a chart: in it, it would hide some.

use plotters::prelude::RGBColor;

use super::sheet::{Anchor, Form, Pen, Sheet, shortened, text_width};
use crate::results::drawing::Drawn;

const SAMPLE: f64 = 20.0;
const BETWEEN: f64 = 18.0;
const TOP: f64 = 6.0;

/// A colour and its meaning.
pub(super) struct Entry {
    pub text: String,
    pub sample: Sample,
}

/// What is shown beside the text.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    Line(Pen),
    Square(RGBColor),
}

/// Entries in rows.
pub(super) struct Legend {
    /// With their places.
    entries: Vec<(f64, f64, Entry)>,
    /// Room that it takes.
    pub height: f64,
}

impl Legend {
    /// As many rows as it takes.
    pub fn new(form: Form, left: f64, entries: impl IntoIterator<Item = Entry>) -> Legend {
        let (text, right) = (form.text(), form.width() - 8.0);
        let (mut x, mut y) = (left, TOP + text / 2.0);
        let mut placed = Vec::new();
        for mut entry in entries {
            entry.text = shortened(&entry.text, right - left - SAMPLE - 6.0, text);
            let width = SAMPLE + 6.0 + text_width(&entry.text, text);
            if x > left && x + width > right {
                (x, y) = (left, y + 1.45 * text);
            }
            placed.push((x, y, entry));
            x += width + BETWEEN;
        }
        let height = if placed.is_empty() { TOP } else { y + text + 2.0 };
        Legend { entries: placed, height }
    }

    pub fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        for (x, y, entry) in &self.entries {
            match entry.sample {
                Sample::Line(pen) => sheet.line(&[(*x, *y), (x + SAMPLE, *y)], pen)?,
                Sample::Square(colour) => sheet.rectangle((x + 4.0, y - 6.0), (x + 16.0, y + 6.0), colour)?,
            }
            sheet.write(&entry.text, (x + SAMPLE + 6.0, *y), Anchor::Left)?;
        }
        Ok(())
    }
}
