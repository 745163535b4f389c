//! JSON, one object a line, as many loggers write it: `POST /api/v1/logs`.

use super::document::{Documents, Mapping};
use super::gather::{Gather, TooMuch};
use super::receive::Receiver;
use super::refusal::Reason;

/// Fields that hold the text unless the request names one.
pub const MESSAGE_FIELDS: &str = "_msg,message,msg,log,line,body";
/// Fields that hold the time unless the request names one.
pub const TIME_FIELDS: &str = "_time,@timestamp,timestamp,time,ts";
/// Fields that become labels unless the request names some.
pub const STREAM_FIELDS: &str = "service,service_name,app,job,host,hostname,env,environment,namespace,container";

/// Reads objects, one a line; a list of objects is taken too.
pub fn decode(body: &[u8], mapping: &Mapping, receiver: &Receiver, gather: &mut Gather) -> Result<(), TooMuch> {
    let mut documents = Documents::default();
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return match serde_json::from_slice::<Vec<&serde_json::value::RawValue>>(body) {
            Ok(list) => list.iter().try_for_each(|raw| documents.put(raw.get(), mapping, None, receiver, gather)),
            Err(error) => {
                gather.refuse(Reason::Malformed, 1, || format!("the list of objects cannot be read as JSON: {error}"));
                Ok(())
            }
        };
    }
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match std::str::from_utf8(line) {
            Ok(text) => documents.put(text, mapping, None, receiver, gather)?,
            Err(_) => gather.refuse(Reason::Malformed, 1, || "a line is not UTF-8, so it is no JSON".to_owned()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::ingest::limits::LineLimits;
    use crate::logs::ingest::receive::Door;
    use crate::logs::ingest::receive::tests::receiver;

    #[test]
    fn good_lines_are_stored_and_bad_ones_told() {
        let list = |names: &str| names.split(',').map(str::to_owned).collect();
        let mapping = Mapping {
            message: list(MESSAGE_FIELDS),
            time: list(TIME_FIELDS),
            stream: list(STREAM_FIELDS),
            fixed: vec![("team".to_owned(), "x".to_owned())],
        };
        for (body, stored) in [
            (&b"{\"msg\":\"one\",\"app\":\"a\"}\r\n\n{\"message\":\"two\"}\n"[..], 2),
            (b"[{\"msg\":\"one\"}, {\"msg\":\"two\"}]", 2),
            (b"{\"msg\":\"one\"}\nnonsense\n\xff\n", 1),
            (b"[{\"msg\":\"one\"}", 0),
            (b"", 0),
        ] {
            let (receiver, kept, _clock) = receiver(LineLimits::default());
            let mut gather = receiver.gather();
            decode(body, &mapping, &receiver, &mut gather).unwrap();
            let taken = receiver.take(Door::JsonLines, gather).unwrap();
            assert_eq!(taken.lines, stored, "{}", String::from_utf8_lossy(body));
            let lines = kept.lines.lock();
            assert!(lines.iter().all(|(stream, ..)| stream.contains("team=\"x\"")));
            assert!(lines.windows(2).all(|two| two[0].1 < two[1].1), "lines without a time keep their order");
        }
    }
}
