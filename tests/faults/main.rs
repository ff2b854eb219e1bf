//! The real program while things break: its process is killed, its disk is full, its database server goes away.
//!
//! **Invariants**
//! - What was answered is there afterwards; what was not answered is there whole or not at all; what is asked again with
//!   the same key is there once.
//! - Each case says which place of the program it guards: weakened there, the case must fail.

mod cluster;
mod conversion;
mod disk;
mod kill;
mod postgres;
mod server;
mod told;
