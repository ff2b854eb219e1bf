//! The words of letters to people about their accounts, in their language.
//!
//! **Not here:** where they go and when (`app::outgoing`).

use app::outgoing::Letter;
use form::format;

use crate::templates;

/// Subject and text of a letter.
pub fn words(kind: &str, letter: &Letter, url: &str, site: &str) -> (String, String) {
    let lang = templates::language(letter.language.as_deref().unwrap_or_default());
    let until = format::instant(letter.until, &format::Locale::of(lang, chrono_tz::Tz::UTC));
    let told = [("name", letter.name.as_str()), ("login", letter.login.as_str()), ("site", site), ("url", url), ("until", until.as_str())];
    let kind = if kind == "invite" { "invite" } else { "reset" };
    (templates::text(lang, &format!("letter.{kind}.subject"), &told), templates::text(lang, &format!("letter.{kind}.text"), &told))
}
