//! "Did you mean …?"

/// The candidate that `word` most likely is a slip of.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let lowered = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lowered, &candidate.to_lowercase());
            (distance, candidate)
        })
        // One slip, or one in four letters; more is another word, and of two letters one is half.
        .filter(|(distance, candidate)| {
            let length = candidate.len().max(word.len());
            *distance == 0 || (*distance == 1 && length > 2) || *distance * 4 <= length
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean x?", or what else to do.
pub(super) fn remedy(word: &str, candidates: &[&str], otherwise: &str) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(candidate) => format!("did you mean {candidate}?"),
        None => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("intruments", Some("instruments"))]
    #[case("Balance", Some("balance"))]
    #[case("blaance", Some("balance"))]
    #[case("currency", None)]
    #[case("x", None)]
    #[case("dtaa", Some("data"))]
    fn a_slip_is_recognised_and_another_word_is_not(
        #[case] word: &str,
        #[case] expected: Option<&str>,
    ) {
        let candidates = ["balance", "data", "instruments", "latency"];
        assert_eq!(nearest(word, candidates), expected);
    }
}
