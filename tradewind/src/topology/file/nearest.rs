//! What somebody may have meant by a name that nobody knows.

/// How many letters may be wrong, missing, too many or swapped.
const MISTAKES: usize = 2;

/// The known name that is closest to `typed`, where one is close.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let measured = known.into_iter().map(|name| (strsim::osa_distance(typed, name), name));
    // of a short name not half may be wrong
    let close =
        measured.filter(|(distance, name)| *distance <= MISTAKES && distance * 2 < name.chars().count());
    close.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// `: did you mean "payments"?`, where there is something to ask.
pub(in crate::topology) fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |name| format!(": did you mean {name:?}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_of_typing_are_seen_through() {
        let known = ["payments", "orders", "own"];
        for (typed, meant) in
            [("paymnets", "payments"), ("order", "orders"), ("onw", "own"), ("payment", "payments")]
        {
            assert_eq!(nearest(typed, known), Some(meant), "{typed}");
        }
    }

    #[test]
    fn what_is_far_off_is_not_guessed() {
        for typed in ["", "identity", "of", "xyz"] {
            assert_eq!(nearest(typed, ["payments", "orders", "own"]), None, "{typed}");
        }
    }

    #[test]
    fn the_question_is_asked_only_where_there_is_an_answer() {
        assert_eq!(did_you_mean("ordres", ["orders"]), ": did you mean \"orders\"?");
        assert_eq!(did_you_mean("identity", ["orders"]), "");
    }
}
