//! Legends of what stands still: names with their colours and values.

use std::fmt::Write;

use super::colour::css;
use super::markup::escape;
use crate::boards::data::Options;

/// So many entries are not scrolled.
const FEW: usize = 5;

/// An entry: name, colour, values.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) colour: String,
    pub(super) values: Vec<String>,
}

/// Where a legend stands, none where the panel wants none.
pub(super) fn place(options: Options<'_>) -> Option<&'static str> {
    let legend = options.child("legend");
    let is_shown = legend.flag_or("showLegend", true) && legend.word("displayMode") != "hidden";
    is_shown.then(|| if legend.word("placement") == "right" { "right" } else { "bottom" })
}

/// A list, or a table with a head where there are values.
pub(super) fn legend(html: &mut String, entries: &[Entry], heads: &[String], is_table: bool) {
    // What may have to be scrolled can be reached by keyboard.
    let focus = if entries.len() > FEW { " tabindex=\"0\"" } else { "" };
    if is_table {
        let _infallible = write!(html, "<div class=\"p-legend{}\"{focus}>", if focus.is_empty() { " p-few" } else { "" });
        html.push_str("<table><thead><tr><td></td>");
        for head in heads {
            let _infallible = write!(html, "<th scope=\"col\">{}</th>", escape(head));
        }
        html.push_str("</tr></thead><tbody>");
        for entry in entries {
            let _infallible = write!(
                html,
                "<tr><th scope=\"row\" title=\"{0}\"><i style=\"--c:{1}\"></i>{0}</th>",
                escape(&entry.name),
                css(&entry.colour)
            );
            for value in &entry.values {
                let _infallible = write!(html, "<td>{}</td>", escape(value));
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        return;
    }
    let _infallible = write!(html, "<ul class=\"p-legend{}\"{focus}>", if focus.is_empty() { " p-few" } else { "" });
    for entry in entries {
        let _infallible = write!(html, "<li title=\"{0}\"><i style=\"--c:{1}\"></i>{0}", escape(&entry.name), css(&entry.colour));
        for value in &entry.values {
            let _infallible = write!(html, " <b>{}</b>", escape(value));
        }
        html.push_str("</li>");
    }
    html.push_str("</ul>");
}
