//! PNG with a table of colours: charts have few, and a letter brings many pictures along.

use std::collections::HashMap;

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

/// A colour: red, green, blue.
pub(super) type Colour = [u8; 3];

/// Colours of a table at most: a dot is one byte.
const COLOURS_MAX: usize = 256;
/// Bits of each channel that are given up at most. What is left are 64 colours.
const COARSEST: u32 = 6;

/// A picture of so many dots in a row. Where it has more colours than a table, those that are alike become one.
pub(super) fn png(width: usize, dots: &[Colour]) -> Option<Vec<u8>> {
    let height = dots.len().checked_div(width)?;
    let (table, places) = (0..=COARSEST).find_map(|bits| indexed(dots, bits))?;
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(table.as_flattened());
    encoder.set_compression(Compression::High);
    // Bars stand on the same places of one row after another.
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&places).ok()?;
    writer.finish().ok()?;
    Some(out)
}

/// A table, and each dot's place in it; none where there are too many colours. White stays white with fewer bits.
fn indexed(dots: &[Colour], bits_less: u32) -> Option<(Vec<Colour>, Vec<u8>)> {
    let low = (1_u8 << bits_less) - 1;
    let (mut table, mut place_of) = (Vec::new(), HashMap::new());
    let mut place = |dot: &Colour| {
        let colour = dot.map(|channel| channel | low);
        if let Some(place) = place_of.get(&colour) {
            return Some(*place);
        }
        let place = u8::try_from(table.len()).ok().filter(|_| table.len() < COLOURS_MAX)?;
        table.push(colour);
        place_of.insert(colour, place);
        Some(place)
    };
    let places = dots.iter().map(&mut place).collect::<Option<Vec<u8>>>()?;
    Some((table, places))
}
