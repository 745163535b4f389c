//! Which form of a word goes with a number.

/// Picks among `zero | one | two | few | many | other` by the rules of Arabic; fewer forms than six: the last one
/// stands for the missing.
pub(super) fn arabic(count: u64, forms: &'static str) -> &'static str {
    let at = match (count, count % 100) {
        (0, _) => 0,
        (1, _) => 1,
        (2, _) => 2,
        (_, 3..=10) => 3,
        (_, 11..=99) => 4,
        _ => 5,
    };
    let mut last = "";
    for (index, form) in forms.split('|').enumerate() {
        last = form.trim();
        if index == at {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::arabic;

    #[test]
    fn numbers_choose_their_form() {
        let forms = "zero | one | two | few | many | other";
        for (count, form) in [
            (0, "zero"),
            (1, "one"),
            (2, "two"),
            (3, "few"),
            (10, "few"),
            (11, "many"),
            (99, "many"),
            (100, "other"),
            (103, "few"),
            (102, "other"),
        ] {
            assert_eq!(arabic(count, forms), form, "{count}");
        }
        assert_eq!(arabic(5, "only"), "only");
    }
}
