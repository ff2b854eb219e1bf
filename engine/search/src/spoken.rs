//! How Han characters are read: syllables of Pinyin without tones, all readings of each, from the crate `pinyin`.

use std::{collections::HashSet, sync::LazyLock};

use pinyin::ToPinyinMulti;

/// Most readings of one character that count.
const MAX_READINGS: usize = 2;
/// Most ways to cut a question into syllables.
const MAX_CUTS: usize = 6;

/// The readings of a character, the usual one first. ü is written u, and v as on keyboards.
pub(crate) fn readings(ch: char) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for plain in ch.to_pinyin_multi().into_iter().flatten().map(pinyin::Pinyin::plain) {
        let letters: String = plain.chars().map(|ch| if ch == 'ü' { 'v' } else { ch }).filter(char::is_ascii_lowercase).collect();
        if all.len() < MAX_READINGS && !letters.is_empty() && !all.contains(&letters) {
            all.push(letters);
        }
    }
    let typed: Vec<String> = all.iter().filter(|reading| reading.contains('v')).map(|reading| reading.replace('v', "u")).filter(|other| !all.contains(other)).collect();
    all.extend(typed);
    all
}

/// First letters of the readings.
pub(crate) fn initials(ch: char) -> Vec<char> {
    let mut all: Vec<char> = Vec::new();
    for first in readings(ch).iter().filter_map(|reading| reading.chars().next()) {
        if !all.contains(&first) {
            all.push(first);
        }
    }
    all
}

static SYLLABLES: LazyLock<HashSet<String>> = LazyLock::new(|| ('\u{4e00}'..='\u{9fff}').flat_map(readings).collect());

/// The ways in which letters are syllables, the last one perhaps begun only: `beijingh` is bei, jing, h…
pub(crate) fn syllables(word: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        cut(word, &mut Vec::new(), &mut found);
    }
    found
}

fn cut<'w>(rest: &'w str, before: &mut Vec<&'w str>, found: &mut Vec<Vec<&'w str>>) {
    // The longest syllable of all has six letters. Long ones first: they are meant more often.
    for length in (1..=rest.len().min(6)).rev() {
        if found.len() >= MAX_CUTS {
            return;
        }
        let (syllable, after) = rest.split_at(length);
        let is_last = after.is_empty();
        if SYLLABLES.contains(syllable) || is_last && SYLLABLES.iter().any(|known| known.starts_with(syllable)) {
            before.push(syllable);
            if is_last { found.push(before.clone()) } else { cut(after, before, found) }
            before.pop();
        }
    }
}
