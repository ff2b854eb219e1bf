//! Demo data: records from a generator, written by the one save path.
