//! Pages: where each line and table stands, and the file around them.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use rustybuzz::Face;

use super::font::{Font, Fonts};
use super::text::{Line, line, lines};
use super::{CELLS_MAX, Column, Sheet, Table};

/// A4, in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 42.0;
/// Where the foot begins.
const FOOT: f32 = 30.0;
/// Between the text of two columns.
const GAP: f32 = 8.0;
const ROW_LINES_MAX: usize = 3;
const SMALL: f32 = 8.0;
const TEXT: f32 = 9.0;

/// A colour as red, green and blue.
type Ink = (f32, f32, f32);
const BLACK: Ink = (0.09, 0.10, 0.12);
const GREY: Ink = (0.38, 0.41, 0.46);
const LINE: Ink = (0.85, 0.86, 0.88);

/// Light or heavy letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Regular,
    Bold,
}

/// Pages as they are filled.
pub(super) struct Pages<'s> {
    sheet: &'s Sheet,
    fonts: &'s Fonts,
    regular: Vec<Face<'s>>,
    bold: Vec<Face<'s>>,
    done: Vec<Content>,
    now: Content,
    /// The distance of what comes next from the bottom.
    at: f32,
    /// Glyphs in use by font, with what they stand for.
    used: Vec<BTreeMap<u16, String>>,
}

fn faces(fonts: &[Font]) -> Vec<Face<'_>> {
    fonts.iter().filter_map(|font| Face::from_slice(&font.bytes, 0)).collect()
}

impl<'s> Pages<'s> {
    pub(super) fn new(sheet: &'s Sheet, fonts: &'s Fonts) -> Self {
        let (regular, bold) = (faces(&fonts.regular), faces(&fonts.bold));
        let used = vec![BTreeMap::new(); regular.len() + bold.len()];
        Self { sheet, fonts, regular, bold, done: Vec::new(), now: Content::new(), at: HEIGHT - MARGIN, used }
    }

    fn faces(&self, weight: Weight) -> &[Face<'s>] {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    fn line(&self, text: &str, weight: Weight) -> Line {
        line(text, self.faces(weight))
    }

    fn lines(&self, text: &str, weight: Weight, size: f32, width: f32, most: usize) -> Vec<Line> {
        lines(text, self.faces(weight), width * 1000.0 / size, most)
    }

    /// Sets a line whose left end stands at `x`, `y`.
    fn set(&mut self, line: &Line, weight: Weight, size: f32, (x, y): (f32, f32), ink: Ink) {
        let first = if weight == Weight::Bold { self.regular.len() } else { 0 };
        self.now.set_fill_rgb(ink.0, ink.1, ink.2);
        self.now.begin_text();
        let mut font = None;
        for glyph in &line.glyphs {
            let number = first + glyph.font;
            if font != Some(number) {
                self.now.set_font(Name(format!("F{number}").as_bytes()), size);
                font = Some(number);
            }
            let (left, up) = (x + glyph.x * size / 1000.0, y + glyph.y * size / 1000.0);
            self.now.set_text_matrix([1.0, 0.0, 0.0, 1.0, left, up]);
            self.now.show(Str(&glyph.id.to_be_bytes()));
            if let Some(used) = self.used.get_mut(number) {
                let known = used.entry(glyph.id).or_default();
                if known.is_empty() {
                    known.clone_from(&glyph.text);
                }
            }
        }
        self.now.end_text();
    }

    /// Sets a line at the beginning (or the end) of what lies between two places; right to left from the right.
    fn set_within(&mut self, line: &Line, (weight, size, ink): (Weight, f32, Ink), (from, to): (f32, f32), y: f32, at_end: bool) {
        let width = line.width * size / 1000.0;
        let x = if at_end == self.sheet.is_rtl { from } else { to - width };
        self.set(line, weight, size, (x, y), ink);
    }

    fn paragraph(&mut self, text: &str, style: (Weight, f32, Ink), most: usize) {
        let (weight, size, _) = style;
        for line in self.lines(text, weight, size, WIDTH - 2.0 * MARGIN, most) {
            self.room(size * 1.45);
            self.at -= size * 1.45;
            let y = self.at + size * 0.4;
            self.set_within(&line, style, (MARGIN, WIDTH - MARGIN), y, false);
        }
    }

    fn rule(&mut self, ink: Ink, thick: f32) {
        self.now.set_stroke_rgb(ink.0, ink.1, ink.2).set_line_width(thick);
        self.now.move_to(MARGIN, self.at).line_to(WIDTH - MARGIN, self.at).stroke();
    }

    /// Goes on on another page where so much does not fit; says whether it did.
    fn room(&mut self, height: f32) -> bool {
        let is_full = self.at - height < MARGIN + FOOT - 10.0;
        if is_full {
            self.done.push(std::mem::replace(&mut self.now, Content::new()));
            self.at = HEIGHT - MARGIN;
        }
        is_full
    }

    /// Title, lines below it, figures in large.
    pub(super) fn head(&mut self) {
        let sheet = self.sheet;
        self.paragraph(&sheet.title, (Weight::Bold, 19.0, BLACK), 2);
        for text in &sheet.lines {
            self.paragraph(text, (Weight::Regular, 10.0, GREY), 3);
        }
        self.at -= 8.0;
        for row in sheet.figures.chunks(4) {
            self.room(46.0);
            self.at -= 40.0;
            let width = (WIDTH - 2.0 * MARGIN) / 4.0;
            for (place, (name, value)) in row.iter().enumerate() {
                let (from, to) = self.column(width * place as f32, width);
                let name = self.lines(name, Weight::Regular, SMALL, width - GAP, 1);
                let value = self.lines(value, Weight::Bold, 15.0, width - GAP, 1);
                let y = self.at;
                for line in &name {
                    self.set_within(line, (Weight::Regular, SMALL, GREY), (from, to), y + 26.0, false);
                }
                for line in &value {
                    self.set_within(line, (Weight::Bold, 15.0, BLACK), (from, to), y + 8.0, false);
                }
            }
        }
        self.at -= 6.0;
    }

    /// From where to where something lies that begins so far from the beginning of lines.
    fn column(&self, begin: f32, width: f32) -> (f32, f32) {
        if self.sheet.is_rtl { (WIDTH - MARGIN - begin - width, WIDTH - MARGIN - begin) } else { (MARGIN + begin, MARGIN + begin + width) }
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.room(70.0);
        self.at -= 12.0;
        self.paragraph(&table.title, (Weight::Bold, 12.0, BLACK), 2);
        if !table.rows.is_empty() {
            self.column_titles(table);
        }
        let rows = CELLS_MAX / table.columns.len().max(1);
        for row in table.rows.iter().take(rows) {
            self.row(table, row);
        }
        if !table.note.is_empty() {
            self.at -= 3.0;
            self.paragraph(&table.note, (Weight::Regular, TEXT, GREY), 4);
        }
    }

    fn column_titles(&mut self, table: &Table) {
        let titles: Vec<String> = table.columns.iter().map(|column| column.title.clone()).collect();
        self.cells(&table.columns, &titles, (Weight::Bold, SMALL, GREY));
    }

    fn row(&mut self, table: &Table, row: &[String]) {
        if self.room(SMALL * 1.35 * ROW_LINES_MAX as f32 + 8.0) {
            self.column_titles(table);
        }
        self.cells(&table.columns, row, (Weight::Regular, SMALL, BLACK));
    }

    fn cells(&mut self, columns: &[Column], row: &[String], style: (Weight, f32, Ink)) {
        let (weight, size, _) = style;
        let shares: f32 = columns.iter().map(|column| column.share).sum::<f32>().max(f32::MIN_POSITIVE);
        let whole = WIDTH - 2.0 * MARGIN;
        let set: Vec<Vec<Line>> = columns
            .iter()
            .zip(row)
            .map(|(column, text)| self.lines(text, weight, size, whole * column.share / shares - GAP, ROW_LINES_MAX))
            .collect();
        let height = set.iter().map(Vec::len).max().unwrap_or(1).max(1) as f32 * size * 1.35 + 5.0;
        let top = self.at;
        let mut begin = 0.0;
        for (column, lines) in columns.iter().zip(&set) {
            let width = whole * column.share / shares;
            let (from, to) = self.column(begin, width - GAP);
            for (place, line) in lines.iter().enumerate() {
                let y = top - (place + 1) as f32 * size * 1.35 - 1.0;
                self.set_within(line, style, (from, to), y, column.is_number);
            }
            begin += width;
        }
        self.at -= height;
        self.rule(LINE, 0.5);
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.done.push(std::mem::replace(&mut self.now, Content::new()));
        let mut contents = std::mem::take(&mut self.done);
        let count = contents.len();
        for (place, content) in contents.iter_mut().enumerate() {
            std::mem::swap(&mut self.now, content);
            let (number, foot) =
                (self.line(&format!("{} / {count}", place + 1), Weight::Regular), self.line(&self.sheet.foot, Weight::Regular));
            let style = (Weight::Regular, SMALL, GREY);
            self.set_within(&foot, style, (MARGIN, WIDTH - MARGIN), FOOT, false);
            self.set_within(&number, style, (MARGIN, WIDTH - MARGIN), FOOT, true);
            std::mem::swap(&mut self.now, content);
        }
        self.file(contents)
    }

    fn file(&self, contents: Vec<Content>) -> Vec<u8> {
        let mut next = 0;
        let mut fresh = || {
            next += 1;
            Ref::new(next)
        };
        let (catalog, tree, info) = (fresh(), fresh(), fresh());
        let fonts: Vec<Ref> = self.used.iter().map(|_| fresh()).collect();
        let pages: Vec<(Ref, Ref)> = contents.iter().map(|_| (fresh(), fresh())).collect();
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree).lang(TextStr(self.sheet.lang));
        pdf.document_info(info).title(TextStr(&self.sheet.title)).producer(TextStr("pharos"));
        pdf.pages(tree).kids(pages.iter().map(|(page, _)| *page)).count(i32::try_from(pages.len()).unwrap_or(i32::MAX));
        for ((page, content), written) in pages.iter().zip(contents) {
            let mut page = pdf.page(*page);
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(*content);
            let mut resources = page.resources();
            let mut named = resources.fonts();
            for (number, font) in fonts.iter().enumerate().filter(|(number, _)| !self.used[*number].is_empty()) {
                named.pair(Name(format!("F{number}").as_bytes()), *font);
            }
            named.finish();
            resources.finish();
            page.finish();
            let packed = packed(&written.finish());
            pdf.stream(*content, &packed).filter(pdf_writer::Filter::FlateDecode);
        }
        let all = self.regular.iter().zip(&self.fonts.regular).chain(self.bold.iter().zip(&self.fonts.bold));
        for (number, (face, font)) in all.enumerate().filter(|(number, _)| !self.used[*number].is_empty()) {
            let refs = [fonts[number], fresh(), fresh(), fresh(), fresh()];
            embed(&mut pdf, refs, (face, font), &self.used[number], number);
        }
        pdf.finish()
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Into memory nothing fails; should it, what is empty shows nothing.
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A font with what its glyphs stand for, so that text can be searched and copied.
fn embed(
    pdf: &mut Pdf,
    [font, cid, descriptor, file, map]: [Ref; 5],
    (face, of): (&Face<'_>, &Font),
    used: &BTreeMap<u16, String>,
    number: usize,
) {
    let name = format!("PHAROS+Plex{number}");
    let name = Name(name.as_bytes());
    let system = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
    pdf.type0_font(font).base_font(name).encoding_predefined(Name(b"Identity-H")).descendant_font(cid).to_unicode(map);
    let scale = 1000.0 / face.units_per_em() as f32;
    let mut written = pdf.cid_font(cid);
    written.subtype(CidFontType::Type2).base_font(name).system_info(system).font_descriptor(descriptor).default_width(0.0);
    written.cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = written.widths();
    for id in used.keys() {
        let advance = face.glyph_hor_advance(rustybuzz::ttf_parser::GlyphId(*id)).unwrap_or(0);
        widths.consecutive(*id, [f32::from(advance) * scale]);
    }
    widths.finish();
    written.finish();
    let bounds = face.global_bounding_box();
    let rect = [bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|value| f32::from(value) * scale);
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(rect[0], rect[1], rect[2], rect[3]))
        .italic_angle(0.0)
        .ascent(f32::from(face.ascender()) * scale)
        .descent(f32::from(face.descender()) * scale)
        .cap_height(f32::from(face.capital_height().unwrap_or(face.ascender())) * scale)
        .stem_v(90.0)
        .font_file2(file);
    let small = packed(&of.bytes);
    let length = i32::try_from(of.bytes.len()).unwrap_or(i32::MAX);
    pdf.stream(file, &small).filter(pdf_writer::Filter::FlateDecode).pair(Name(b"Length1"), length);
    let mut cmap = UnicodeCmap::new(Name(b"Custom"), system);
    for (id, text) in used.iter().filter(|(_, text)| !text.is_empty()) {
        cmap.pair_with_multiple(*id, text.chars());
    }
    pdf.cmap(map, &cmap.finish());
}
