//! What a chart is drawn on. All lengths are pixels of the screen; below them, coordinates are whole numbers, so
//! that they are drawn finer than that.

use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::results::drawing::{Area, Drawn, FONT, INK};

/// Parts of a pixel.
const FINE: f64 = 4.0;
/// The backend makes letters smaller than it was told by this.
const LETTERS: f64 = 1.24;
/// Width of a letter, in heights of a line, on average.
const LETTER: f64 = 0.52;
const DASH: f64 = 9.0;
const GAP: f64 = 5.0;

/// The two widths in which every chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For a page and for paper.
    Wide,
    /// For a telephone.
    Narrow,
}

impl Form {
    pub fn width(self) -> f64 {
        if self == Form::Wide { 900.0 } else { 360.0 }
    }

    /// Height of letters.
    pub fn text(self) -> f64 {
        if self == Form::Wide { 14.0 } else { 12.5 }
    }

    /// Either of two.
    pub fn either<T>(self, wide: T, narrow: T) -> T {
        if self == Form::Wide { wide } else { narrow }
    }
}

/// A chart while it is drawn.
pub(super) struct Sheet<'a> {
    pub form: Form,
    pub width: f64,
    pub height: f64,
    area: Area<'a>,
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    pub colour: RGBColor,
    pub width: f64,
    pub dashed: bool,
}

impl Pen {
    pub fn solid(colour: RGBColor, width: f64) -> Pen {
        Pen { colour, width, dashed: false }
    }
}

/// Draws a sheet of this height; the text of an SVG file.
pub(super) fn draw(form: Form, height: f64, on: impl FnOnce(&Sheet<'_>) -> Drawn) -> Drawn<String> {
    let (mut text, width) = (String::new(), form.width());
    let size = (fine(width) as u32, fine(height) as u32);
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    area.fill(&WHITE)?;
    let sheet = Sheet { form, width, height, area };
    on(&sheet)?;
    sheet.area.present()?;
    drop(sheet);
    // As large on the screen as it was meant.
    let drawn = format!("width=\"{}\" height=\"{}\"", size.0, size.1);
    Ok(text.replacen(&drawn, &format!("width=\"{width}\" height=\"{height}\""), 1))
}

fn fine(length: f64) -> i32 {
    (FINE * length).round() as i32
}

fn at((x, y): (f64, f64)) -> (i32, i32) {
    (fine(x), fine(y))
}

/// How wide a text is, about.
pub(super) fn text_width(text: &str, height: f64) -> f64 {
    LETTER * height * text.chars().count() as f64
}

/// What fits into a width.
pub(super) fn shortened(text: &str, width: f64, height: f64) -> String {
    let letters = (width / (LETTER * height)).floor().max(2.0) as usize;
    if text.chars().count() <= letters {
        return text.into();
    }
    let start: String = text.chars().take(letters - 1).collect();
    format!("{}…", start.trim_end())
}

/// Where a text stands to its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Left,
    Right,
    Middle,
    /// Its upper edge in the middle.
    Below,
    /// Its lower edge in the middle.
    Above,
    /// Turned, reads upwards.
    Upwards,
}

impl Sheet<'_> {
    /// Height of letters.
    pub fn text_height(&self) -> f64 {
        self.form.text()
    }

    pub fn line(&self, points: &[(f64, f64)], pen: Pen) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(at).collect();
        let style = pen.colour.stroke_width(fine(pen.width) as u32);
        if points.len() < 2 {
            return Ok(());
        }
        if pen.dashed {
            self.area.draw(&DashedPathElement::new(points, fine(DASH), fine(GAP), style))?;
        } else {
            self.area.draw(&PathElement::new(points, style))?;
        }
        Ok(())
    }

    /// A surface without a border; `strength` from 0 to 1.
    pub fn surface(&self, points: &[(f64, f64)], colour: RGBColor, strength: f64) -> Drawn {
        let points: Vec<_> = points.iter().copied().map(at).collect();
        Ok(self.area.draw(&Polygon::new(points, colour.mix(strength).filled()))?)
    }

    pub fn rectangle(&self, from: (f64, f64), to: (f64, f64), colour: RGBColor) -> Drawn {
        Ok(self.area.draw(&Rectangle::new([at(from), at(to)], colour.filled()))?)
    }

    pub fn dot(&self, middle: (f64, f64), radius: f64, colour: RGBColor) -> Drawn {
        Ok(self.area.draw(&Circle::new(at(middle), fine(radius), colour.filled()))?)
    }

    /// A dot that is white inside.
    pub fn ring(&self, middle: (f64, f64), radius: f64, colour: RGBColor) -> Drawn {
        self.dot(middle, radius, WHITE)?;
        Ok(self.area.draw(&Circle::new(at(middle), fine(radius), colour.stroke_width(fine(1.6) as u32)))?)
    }

    pub fn write(&self, text: &str, place: (f64, f64), anchor: Anchor) -> Drawn {
        self.write_in(text, place, anchor, self.text_height(), INK)
    }

    pub fn write_in(
        &self,
        text: &str,
        place: (f64, f64),
        anchor: Anchor,
        height: f64,
        colour: RGBColor,
    ) -> Drawn {
        let (h, v) = match anchor {
            Anchor::Left => (HPos::Left, VPos::Center),
            Anchor::Right => (HPos::Right, VPos::Center),
            Anchor::Middle | Anchor::Upwards => (HPos::Center, VPos::Center),
            Anchor::Below => (HPos::Center, VPos::Top),
            Anchor::Above => (HPos::Center, VPos::Bottom),
        };
        let font = (FONT, LETTERS * FINE * height).into_font();
        let font = match anchor {
            Anchor::Upwards => font.transform(FontTransform::Rotate270),
            _ => font,
        };
        let style = font.color(&colour).pos(Pos::new(h, v));
        Ok(self.area.draw(&Text::new(text, at(place), style))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_as_large_as_it_was_meant_and_drawn_finer() {
        let text = draw(Form::Narrow, 300.0, |sheet| sheet.dot((10.0, 20.0), 2.0, INK)).unwrap();
        assert!(text.starts_with("<svg width=\"360\" height=\"300\" viewBox=\"0 0 1440 1200\""), "{text}");
        assert!(text.contains("cx=\"40\" cy=\"80\" r=\"8\""), "{text}");
    }

    #[test]
    fn a_text_that_does_not_fit_is_shortened() {
        assert_eq!(shortened("none", 100.0, 10.0), "none");
        assert_eq!(shortened("power of many", 54.0, 10.0), "power of…");
    }
}
