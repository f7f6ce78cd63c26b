//! Charts as PNG, with letters that come with the program: the same on every machine, also without fonts.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Pixels of the picture for one of the drawing.
const SCALE: f32 = 2.0;

/// A chart that cannot be painted.
#[derive(Debug, thiserror::Error)]
pub(super) enum PngError {
    #[error("the drawing cannot be read: {0}")]
    Drawing(#[from] resvg::usvg::Error),
    #[error("the drawing has no size")]
    Size,
    #[error("the picture cannot be encoded: {0}")]
    Encoding(String),
}

/// Makes pictures of drawings.
pub(super) struct Painter {
    options: Options<'static>,
}

impl Painter {
    pub fn new() -> Painter {
        let mut options = Options::default();
        let fonts = options.fontdb_mut();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        let family = fonts.faces().next().and_then(|face| Some(face.families.first()?.0.clone()));
        if let Some(family) = family {
            fonts.set_sans_serif_family(family);
        }
        Painter { options }
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// It is no drawing.
    pub fn paint(&self, svg: &str) -> Result<Vec<u8>, PngError> {
        let tree = Tree::from_str(svg, &self.options)?;
        let size = tree.size().to_int_size().scale_by(SCALE).ok_or(PngError::Size)?;
        let mut picture = Pixmap::new(size.width(), size.height()).ok_or(PngError::Size)?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut picture.as_mut());
        picture.encode_png().map_err(|error| PngError::Encoding(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels that are not white.
    fn ink(text: &str) -> usize {
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"40\" viewBox=\"0 0 100 40\">\
             <rect width=\"100\" height=\"40\" fill=\"#FFFFFF\"/>\
             <text x=\"5\" y=\"25\" font-family=\"sans-serif\" font-size=\"14\">{text}</text></svg>"
        );
        let png = Painter::new().paint(&svg).unwrap();
        let picture = Pixmap::decode_png(&png).unwrap();
        assert_eq!((picture.width(), picture.height()), (200, 80));
        picture.pixels().iter().filter(|pixel| pixel.red() < 255).count()
    }

    #[test]
    fn letters_are_painted_without_a_font_of_the_machine() {
        assert_eq!(ink(""), 0);
        assert!(ink("in time, % ε") > 100);
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        assert!(matches!(Painter::new().paint("<p>"), Err(PngError::Drawing(_))));
    }
}
