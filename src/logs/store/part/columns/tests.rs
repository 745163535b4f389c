//! Every text comes back, hostile bytes are refused.

use proptest::prelude::*;

use super::*;

fn round_trip(encoder: &mut Encoder, text: &[u8]) -> Option<(usize, usize)> {
    let (frame, columns) = encoder.encode(text)?;
    let mut out = b"left over".to_vec();
    decode(frame, columns, text.len(), &mut out).expect("valid");
    assert!(out == text, "{} is not {}", String::from_utf8_lossy(&out), String::from_utf8_lossy(text));
    Some((frame.len(), columns.len()))
}

#[test]
fn numbers_of_every_kind_come_back() {
    let mut text = String::new();
    for i in 0..2000u64 {
        let id = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let line = format!(
            "10.0.{}.{} [{:02}] id={id:016x} up={:08X} odd={:07x} mixed={} big={id}{id} pad={:05} z=00{} v1 x86_64 aGVs{}bG8\n",
            i % 256,
            id % 256,
            i / 60 % 60,
            id >> 32,
            id >> 36,
            if i % 2 == 0 { format!("{id:x}") } else { format!("{id:X}") },
            id % 100_000,
            id % 1000,
            id % 10,
        );
        text.push_str(&line);
    }
    let mut encoder = Encoder::new();
    let (frame, columns) = round_trip(&mut encoder, text.as_bytes()).expect("worth while");
    assert!(frame + columns < text.len() * 9 / 10, "{frame} and {columns} of {}", text.len());
    assert_eq!(round_trip(&mut encoder, b"no numbers here, none at all\n"), None);
    assert_eq!(round_trip(&mut encoder, text.replacen('v', "\u{1}", 1).as_bytes()), None);
    // What was used before leaves nothing behind.
    assert!(round_trip(&mut encoder, &text.as_bytes()[..20_000]).is_some());
}

#[test]
fn hostile_bytes_are_refused() {
    let text: String = (0..300).map(|i| format!("a={} b={:08x} c={:03}\n", i * 7, (i as u32).wrapping_mul(0x0123_4567), i)).collect();
    let mut encoder = Encoder::new();
    let (frame, columns) = encoder.encode(text.as_bytes()).expect("worth while");
    let (frame, whole) = (frame.to_vec(), columns.to_vec());
    let mut out = Vec::new();
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut columns = whole.clone();
            columns[at] ^= change;
            if decode(&frame, &columns, text.len(), &mut out).is_ok() {
                assert_eq!(out.len(), text.len());
            }
        }
    }
    assert!(decode(&frame, &[], text.len(), &mut out).is_err());
    assert!(decode(&frame, &whole, text.len() - 1, &mut out).is_err());
    assert!(decode(&frame[1..], &whole, text.len(), &mut out).is_err());
}

proptest! {
    #[test]
    fn any_text_comes_back(pieces in proptest::collection::vec(prop_oneof![
        4 => proptest::sample::select(vec!["a=", " b:", "x", "\n", "id_", "ünï", "-", "0x", "00"]).prop_map(str::to_owned),
        4 => (0..1_000_000u64).prop_map(|n| n.to_string()),
        2 => any::<u64>().prop_map(|n| format!("{n:x}")),
        1 => any::<u64>().prop_map(|n| format!("{n:016X}")),
        1 => any::<u128>().prop_map(|n| format!("{n}{n}{n}{n}")),
    ], 0..400)) {
        round_trip(&mut Encoder::new(), pieces.concat().as_bytes());
    }
}
