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
        // A third of the letters may be wrong; more is another word.
        .filter(|(distance, candidate)| *distance * 3 <= candidate.len().max(word.len()))
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`? " or nothing, then what is legal.
pub(super) fn remedy<'c>(word: &str, candidates: &[&'c str], otherwise: &str) -> String {
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
    fn a_slip_is_recognised_and_another_word_is_not(
        #[case] word: &str,
        #[case] expected: Option<&str>,
    ) {
        let candidates = ["balance", "data", "instruments", "latency"];
        assert_eq!(nearest(word, candidates), expected);
    }
}
