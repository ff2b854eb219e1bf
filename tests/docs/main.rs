//! What the documents say is so: examples run, links lead somewhere, references are whole.
//!
//! Every fenced block says by its second word what becomes of it:
//!
//! | block | becomes |
//! |---|---|
//! | `sh run` | run by bash, all those of one document in order, with a demo server at `$CARDSTOCK` and a token in `$TOKEN` |
//! | `text output` | what the block before it prints; `…` stands for anything |
//! | `sh hand` | only for people: it installs, needs root, or never ends |
//! | `json file=PATH`, `rhai file=PATH` | a file of the document's pack, at that path below the folder the shell blocks run in |
//! | `json fields`, `json card`, `json extension`, `json role`, `json mixin`, `json view`, `json pack` | checked as a definition |
//! | `json filter=CARD`, `json query=CARD` | asked of the demo server |
//! | `text`, `json`, `nginx`, `ini`, `toml`, `rust`, `sql` and nothing else | only looked at |

mod blocks;
mod demo;
mod links;
mod references;
mod run;
