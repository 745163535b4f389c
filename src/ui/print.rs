//! The fonts that print: those of the pages, for letters of Latin and Arabic.

use std::sync::LazyLock;

use super::assets;
use crate::platform::pdf::font::{Font, Fonts};

static FONTS: LazyLock<Option<Fonts>> = LazyLock::new(|| {
    let of = |weight: &str| {
        let read = |script: &&str| Font::of_woff(&assets::print_font(script, weight)?);
        ["latin", "latin-ext", "arabic"].iter().map(read).collect::<Option<Vec<Font>>>()
    };
    Some(Fonts { regular: of("400")?, bold: of("600")? })
});

/// The fonts; none in a build without the web interface.
pub fn fonts() -> Option<&'static Fonts> {
    FONTS.as_ref()
}
