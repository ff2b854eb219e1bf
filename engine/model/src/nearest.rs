//! The nearest known name to a mistyped one.

/// The name among `known` that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= limit || (word.len() > 3 && name.starts_with(word)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
