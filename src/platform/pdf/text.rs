//! Lines of text: in the order in which they are seen, shaped, measured, and cut into lines that fit.

use rustybuzz::{Direction, Face, UnicodeBuffer};
use unicode_bidi::{BidiInfo, Level};

/// Characters of one text that are set.
const CHARS_MAX: usize = 2_000;

/// A glyph where it stands, in thousandths of the size of the letters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    /// Which of the fonts of its weight.
    pub(super) font: usize,
    /// Its number in the font.
    pub(super) id: u16,
    /// From the beginning of the line.
    pub(super) x: f32,
    /// Above the line.
    pub(super) y: f32,
    /// What it stands for; empty where an earlier one stands for it, too.
    pub(super) text: String,
}

/// A line as it is seen, from left to right.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    pub(super) glyphs: Vec<Glyph>,
    /// How wide it is, in thousandths of the size of the letters.
    pub(super) width: f32,
}

/// Says where text runs to and is not seen itself.
const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Shapes a line. Its first letter that has a direction says where it runs to; figures run to the right.
pub(super) fn line(text: &str, faces: &[Face<'_>]) -> Line {
    let clean: String = text.chars().take(CHARS_MAX).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut line = Line::default();
    let info = BidiInfo::new(&clean, None);
    for paragraph in &info.paragraphs {
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let goes_left = levels.get(run.start).is_some_and(Level::is_rtl);
            let mut pieces = pieces(clean.get(run.clone()).unwrap_or_default(), faces);
            if goes_left {
                pieces.reverse();
            }
            for (font, piece) in pieces {
                shape(&mut line, &piece, font, faces, goes_left);
            }
        }
    }
    line
}

/// Parts that one font sets each. Spaces and marks of writing stay with what is before them.
fn pieces(run: &str, faces: &[Face<'_>]) -> Vec<(usize, String)> {
    let mut pieces: Vec<(usize, String)> = Vec::new();
    for letter in run.chars().filter(|letter| !is_mark(*letter)) {
        let has = |face: &Face<'_>| face.glyph_index(letter).is_some();
        let stays = pieces.last().map(|(font, _)| *font).filter(|font| faces.get(*font).is_some_and(has));
        let font = stays.or_else(|| faces.iter().position(has)).unwrap_or(0);
        match pieces.last_mut() {
            Some((last, text)) if *last == font => text.push(letter),
            _ => pieces.push((font, letter.to_string())),
        }
    }
    pieces
}

fn shape(line: &mut Line, text: &str, font: usize, faces: &[Face<'_>], goes_left: bool) {
    let Some(face) = faces.get(font) else { return };
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.guess_segment_properties();
    buffer.set_direction(if goes_left { Direction::RightToLeft } else { Direction::LeftToRight });
    let shaped = rustybuzz::shape(face, &[], buffer);
    let scale = 1000.0 / face.units_per_em() as f32;
    let mut ends: Vec<usize> = shaped.glyph_infos().iter().map(|info| info.cluster as usize).collect();
    ends.sort_unstable();
    ends.dedup();
    ends.push(text.len());
    let mut told = None;
    for (info, position) in shaped.glyph_infos().iter().zip(shaped.glyph_positions()) {
        let from = info.cluster as usize;
        let to = ends.iter().copied().find(|end| *end > from).unwrap_or(text.len());
        let stands_for = if told == Some(from) { "" } else { text.get(from..to).unwrap_or_default() };
        told = Some(from);
        line.glyphs.push(Glyph {
            font,
            id: u16::try_from(info.glyph_id).unwrap_or(0),
            x: line.width + position.x_offset as f32 * scale,
            y: position.y_offset as f32 * scale,
            text: stands_for.to_owned(),
        });
        line.width += position.x_advance as f32 * scale;
    }
}

/// Lines that are no wider than `width` (thousandths of the size of the letters), at most so many; what does not fit into
/// them is left out, and an ellipsis says so.
pub(super) fn lines(text: &str, faces: &[Face<'_>], width: f32, most: usize) -> Vec<Line> {
    let whole = line(text, faces);
    if whole.width <= width {
        return vec![whole];
    }
    let mut lines: Vec<Line> = Vec::new();
    let mut rest: String = text.chars().take(CHARS_MAX).collect();
    while !rest.trim().is_empty() {
        let is_last = lines.len() + 1 >= most;
        let at = fitting(&rest, faces, width, is_last);
        let (now, later) = rest.split_at(at);
        let is_cut = is_last && !later.trim().is_empty();
        let shown = if is_cut { format!("{}…", now.trim_end()) } else { now.trim_end().to_owned() };
        lines.push(line(&shown, faces));
        if is_last {
            break;
        }
        rest = later.trim_start().to_owned();
    }
    lines
}

/// How many bytes of a text fit, cut between words where there is a place for it.
fn fitting(text: &str, faces: &[Face<'_>], width: f32, has_ellipsis: bool) -> usize {
    let ends: Vec<usize> = text.char_indices().skip(1).map(|(at, _)| at).chain(std::iter::once(text.len())).collect();
    let fits = |end: usize| {
        let part = text.get(..end).unwrap_or_default().trim_end();
        let shown = if has_ellipsis && end < text.len() { format!("{part}…") } else { part.to_owned() };
        line(&shown, faces).width <= width
    };
    let count = ends.partition_point(|end| fits(*end)).max(1);
    let most = ends.get(count - 1).copied().unwrap_or(text.len());
    if most == text.len() {
        return most;
    }
    let head = text.get(..most).unwrap_or_default();
    let is_between = text.get(most..).is_some_and(|rest| rest.starts_with(' '));
    match head.rfind(' ').filter(|at| *at > most / 3) {
        Some(at) if !is_between => at + 1,
        _ => most,
    }
}
