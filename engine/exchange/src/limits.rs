//! How much one file may be, hold and take.

/// Largest file, in bytes.
pub const FILE: u64 = 200 * 1024 * 1024;
/// Most columns.
pub const COLUMNS: u32 = 500;
/// Most rows.
pub const ROWS: u32 = 2_000_000;
/// Longest text of a cell, and longest line of a text file, in bytes.
pub const CELL: usize = 1_000_000;
/// Longest line of a text file.
pub const LINE: usize = 8_000_000;
/// Most entries of a zip.
pub const ENTRIES: usize = 10_000;
/// Most bytes that a workbook unpacks to.
pub const UNPACKED: u64 = 3 * 1024 * 1024 * 1024;
/// How many times larger than packed an entry may be, once it is larger than [`FREE`].
pub const RATIO: u64 = 250;
/// Up to this size entries may be packed as tightly as they like.
pub const FREE: u64 = 32 * 1024 * 1024;
/// Most merged ranges that are filled.
pub const MERGES: usize = 100_000;
/// Memory of the reading process, in bytes of address space; or [`MORE`] beside what it has reserved as it starts, for
/// an allocator may reserve as much before anything is read.
pub const MEMORY: u64 = 1024 * 1024 * 1024;
/// See [`MEMORY`].
pub const MORE: u64 = 256 * 1024 * 1024;
