//! Words of the DNS in `blackbox.yml`.

use hickory_proto::rr::{DNSClass, RecordType};

/// Types that the library has no word for.
const TYPES: [(&str, u16); 16] = [
    ("MD", 3),
    ("MF", 4),
    ("MB", 7),
    ("MG", 8),
    ("MR", 9),
    ("MINFO", 14),
    ("RP", 17),
    ("AFSDB", 18),
    ("LOC", 29),
    ("KX", 36),
    ("DHCID", 49),
    ("HIP", 55),
    ("SPF", 99),
    ("EUI48", 108),
    ("EUI64", 109),
    ("URI", 256),
];

/// The type of a word; ANY for none.
pub fn record_type(word: &str) -> Option<RecordType> {
    if word.is_empty() {
        return Some(RecordType::ANY);
    }
    let known = word.parse().ok().filter(|_| word != "*" && word != "ANAME");
    known.or_else(|| TYPES.iter().find(|(known, _)| *known == word).map(|(_, number)| RecordType::from(*number)))
}

/// The class of a word; IN for none.
pub fn class(word: &str) -> Option<DNSClass> {
    match word {
        "" | "IN" => Some(DNSClass::IN),
        "CS" => Some(DNSClass::Unknown(2)),
        "CH" => Some(DNSClass::CH),
        "HS" => Some(DNSClass::HS),
        "NONE" => Some(DNSClass::NONE),
        "ANY" => Some(DNSClass::ANY),
        _ => None,
    }
}
