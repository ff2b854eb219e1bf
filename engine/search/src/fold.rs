//! Characters as search sees them.

use std::{collections::HashMap, sync::LazyLock};

use unicode_normalization::{UnicodeNormalization, char::{compose, decompose_canonical, is_combining_mark}};

/// What a character is to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Of a script written without spaces, or a picture: each stands for itself.
    Dense,
    Letter,
    Digit,
}

/// A folded character and the bytes of the text that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folded {
    pub ch: char,
    pub class: Class,
    pub start: usize,
    pub end: usize,
    /// Something that separates words stands before it; `Some(true)`: only space, or a dot between names.
    pub apart: Option<bool>,
}

/// Traditional characters with their simplified form, as OpenCC has them.
static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let single = |text: &str| text.chars().next().filter(|_| text.chars().count() == 1);
    hanconv::RawDictionary::TSCharacters.iter().filter_map(|(from, to)| Some((single(from)?, single(to)?))).filter(|(from, to)| from != to).collect()
});

/// A text as folded characters; what separates words is only noted.
pub(crate) fn fold(text: &str) -> Vec<Folded> {
    let mut folded = Vec::with_capacity(text.len());
    let mut apart = Some(true);
    for (ch, start, end) in composed(text) {
        let mut seen = false;
        for ch in letters(ch) {
            let Some(class) = class(ch) else { continue };
            folded.push(Folded { ch, class, start, end, apart: if seen { None } else { apart } });
            (seen, apart) = (true, None);
        }
        if !seen && !is_silent(ch) {
            let gentle = ch.is_whitespace() || matches!(ch, '·' | '‧' | '•' | '・');
            apart = Some(gentle && apart.unwrap_or(true));
        }
    }
    if let Some(first) = folded.first_mut() {
        first.apart = None;
    }
    folded
}

/// Compatibility forms replaced, marks joined to what they stand on, so that both ways of writing é are one.
fn composed(text: &str) -> Vec<(char, usize, usize)> {
    let mut done: Vec<(char, usize, usize)> = Vec::with_capacity(text.len());
    for (start, original) in text.char_indices() {
        let end = start + original.len_utf8();
        if original.is_ascii() {
            done.push((original, start, end));
            continue;
        }
        for ch in std::iter::once(original).nfkc() {
            match done.last_mut() {
                Some(last) if let Some(joined) = compose(last.0, ch) => *last = (joined, last.1, end),
                _ => done.push((ch, start, end)),
            }
        }
    }
    done
}

/// The letters that a character counts as: without case, without marks where the script's readers do without them.
fn letters(ch: char) -> impl Iterator<Item = char> {
    let mut out: Vec<char> = Vec::with_capacity(2);
    if ch.is_ascii() {
        out.push(ch.to_ascii_lowercase());
        return out.into_iter();
    }
    if is_han(ch) {
        out.push(SIMPLIFIED.get(&ch).copied().unwrap_or(ch));
        return out.into_iter();
    }
    let mut bases = Vec::with_capacity(2);
    if is_marked_script(ch) { decompose_canonical(ch, |part| bases.push(part)) } else { bases.push(ch) }
    for base in bases.into_iter().filter(|base| !is_mark_left_out(*base)) {
        match base {
            'ł' | 'Ł' => out.push('l'),
            'đ' | 'Đ' | 'ð' | 'Ð' => out.push('d'),
            'ø' | 'Ø' => out.push('o'),
            'æ' | 'Æ' => out.extend(['a', 'e']),
            'œ' | 'Œ' => out.extend(['o', 'e']),
            'þ' | 'Þ' => out.extend(['t', 'h']),
            // Up and down again: ß becomes ss, and a sigma at the end a sigma like others.
            _ => out.extend(base.to_uppercase().flat_map(char::to_lowercase).filter(|ch| !is_mark_left_out(*ch))),
        }
    }
    out.into_iter()
}

/// Latin, Greek, Cyrillic, Armenian, Hebrew and Arabic: found without their marks.
fn is_marked_script(ch: char) -> bool {
    matches!(u32::from(ch), 0x80..=0x6ff | 0x1e00..=0x1fff | 0xfb1d..=0xfdff | 0xfe70..=0xfefc)
}

fn is_mark_left_out(ch: char) -> bool {
    matches!(u32::from(ch), 0x300..=0x36f | 0x483..=0x487 | 0x591..=0x5c7 | 0x610..=0x61a | 0x640 | 0x64b..=0x65f | 0x670 | 0x6d6..=0x6ed)
}

/// Neither seen nor a separator: joiners, variation selectors, direction marks.
fn is_silent(ch: char) -> bool {
    matches!(u32::from(ch), 0xad | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xfe00..=0xfe0f | 0xfeff | 0x1f3fb..=0x1f3ff) || is_mark_left_out(ch)
}

/// Han characters have a simplified form and a reading.
pub(crate) fn is_han(ch: char) -> bool {
    matches!(u32::from(ch), 0x3005 | 0x3007 | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

fn class(ch: char) -> Option<Class> {
    let code = u32::from(ch);
    let dense = is_han(ch)
        // Kana, Bopomofo, Hangul; Thai, Lao, Myanmar, Khmer.
        || matches!(code, 0x3041..=0x3096 | 0x309d..=0x309f | 0x30a1..=0x30fa | 0x30fc..=0x30ff | 0x3105..=0x312f | 0x31a0..=0x31bf | 0x31f0..=0x31ff | 0x1100..=0x11ff | 0xac00..=0xd7ff)
        || matches!(code, 0xe01..=0xe2e | 0xe30..=0xe3a | 0xe40..=0xe4e | 0xe81..=0xede | 0x1000..=0x109f | 0x1780..=0x17d3)
        // Pictures.
        || matches!(code, 0x2600..=0x27bf | 0x2b50 | 0x2b55 | 0x1f000..=0x1f3fa | 0x1f400..=0x1faff);
    match ch {
        _ if dense && !ch.is_numeric() || is_han(ch) => Some(Class::Dense),
        _ if ch.is_ascii_digit() => Some(Class::Digit),
        _ if ch.is_numeric() => Some(ch.to_digit(10).map_or(Class::Letter, |_| Class::Digit)),
        _ if ch.is_alphabetic() || is_combining_mark(ch) => Some(Class::Letter),
        _ => None,
    }
}
