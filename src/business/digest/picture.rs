//! Charts as pictures: mail programs show no SVG.

use std::sync::Arc;

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{FontResolver, Options, Tree};

use super::indexed::{self, Colour};

/// Dots a dot of the drawing: letters are read on screens that are finer than they say.
const SCALE: f32 = 2.0;
/// Width and height of a picture at most.
const SIDE_MAX: u32 = 2_000;

/// Fonts that pictures are written with.
#[derive(Debug, Clone)]
pub struct Types(Arc<Database>);

impl Types {
    /// Out of fonts as TrueType; none where none of them can be read.
    pub fn new(fonts: impl IntoIterator<Item = Vec<u8>>) -> Option<Self> {
        let mut known = Database::new();
        for font in fonts {
            known.load_font_source(Source::Binary(Arc::new(font)));
        }
        // What has a font that nobody named is written with the first; letters that it lacks are looked for in the others.
        let first = known.faces().next()?.families.first()?.0.clone();
        known.set_sans_serif_family(first);
        Some(Self(Arc::new(known)))
    }
}

/// A drawing as PNG, on white; none where it is no SVG, or too large.
pub fn png(svg: &str, types: &Types) -> Option<Vec<u8>> {
    let options = Options { fontdb: Arc::clone(&types.0), font_resolver: FontResolver::default(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).ok()?;
    let size = tree.size().to_int_size().scale_by(SCALE)?;
    if size.width() > SIDE_MAX || size.height() > SIDE_MAX {
        return None;
    }
    let mut picture = Pixmap::new(size.width(), size.height())?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut picture.as_mut());
    // Nothing shines through: all of it was white before.
    let dots: Vec<Colour> = picture.pixels().iter().map(|dot| [dot.red(), dot.green(), dot.blue()]).collect();
    indexed::png(size.width() as usize, &dots)
}
