//! Where in a JSON text each value stands, by JSON pointer; and keys that stand twice in one object.

use std::collections::HashMap;

/// Line and column, both from 1, of values by JSON pointer.
#[derive(Debug, Default)]
pub struct Spans {
    /// Pointer → (line, column).
    pub places: HashMap<String, (usize, usize)>,
    /// Pointers of keys that stand a second time in their object.
    pub doubles: Vec<String>,
}

/// One open object or array while scanning.
struct Open {
    pointer: String,
    index: usize,
    keys: Option<std::collections::HashSet<String>>,
}

/// Scans a text that is known to be JSON. Works without recursion.
pub fn scan(text: &str) -> Spans {
    let mut spans = Spans::default();
    let mut stack: Vec<Open> = Vec::new();
    let mut pending: Option<String> = None; // the pointer of the value to come
    let (mut line, mut start) = (1, 0);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let place = (line, text[start..at].chars().count() + 1);
        match bytes[at] {
            b'\n' => {
                line += 1;
                start = at + 1;
            }
            b'{' | b'[' => {
                let pointer = next_pointer(&mut pending, &mut stack);
                spans.places.insert(pointer.clone(), place);
                stack.push(Open { pointer, index: 0, keys: (bytes[at] == b'{').then(Default::default) });
            }
            b'}' | b']' => {
                stack.pop();
            }
            b'"' => {
                let end = string_end(bytes, at);
                let wants_key = pending.is_none() && stack.last().is_some_and(|open| open.keys.is_some());
                if wants_key {
                    let key: String = serde_json::from_str(&text[at..=end]).unwrap_or_default();
                    if let Some(open) = stack.last_mut() {
                        let pointer = format!("{}/{}", open.pointer, key.replace('~', "~0").replace('/', "~1"));
                        if !open.keys.get_or_insert_default().insert(key) {
                            spans.doubles.push(pointer.clone());
                        }
                        spans.places.insert(pointer.clone(), place);
                        pending = Some(pointer);
                    }
                } else {
                    let pointer = next_pointer(&mut pending, &mut stack);
                    spans.places.entry(pointer).or_insert(place);
                }
                at = end;
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let pointer = next_pointer(&mut pending, &mut stack);
                spans.places.entry(pointer).or_insert(place);
                while at + 1 < bytes.len() && !matches!(bytes[at + 1], b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                    at += 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    spans
}

fn next_pointer(pending: &mut Option<String>, stack: &mut [Open]) -> String {
    if let Some(pointer) = pending.take() {
        return pointer;
    }
    stack.last_mut().map_or_else(String::new, |open| {
        open.index += 1;
        format!("{}/{}", open.pointer, open.index - 1)
    })
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::scan;

    #[test]
    fn places_and_doubles_are_found() {
        let spans = scan("{\n  \"a\": [1, {\"b\": \"x\"}],\n  \"a\": true\n}");
        assert_eq!(spans.places["/a/1/b"], (2, 13));
        assert_eq!(spans.doubles, ["/a"]);
    }
}
