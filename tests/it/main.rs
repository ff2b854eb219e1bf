//! Whole scenarios over HTTP, each on SQLite and on PostgreSQL.
//!
//! **Invariants**
//! - A case is written once and named in [`both`]; what it says holds on both databases.
//! - Cases share nothing: each has a site of its own.

mod account_attacks;
mod accounts;
mod advice;
mod alike;
mod approvals;
mod attacks;
mod bad_input;
mod boards;
mod bookings;
mod browser;
mod batches;
mod broken_packs;
mod builder;
mod bulk;
mod cells;
mod derived;
mod derived_random;
mod derived_trees;
mod derived_world;
mod expenses;
mod explain;
mod exports;
mod favourites;
mod flows;
mod fuzz;
mod given;
mod grants;
mod groups;
mod guards;
mod imports;
mod imports_large;
mod jobs;
mod layers;
mod lists;
mod logs;
mod matrix;
mod merge;
mod notices;
mod office;
mod orders;
mod outbound;
mod outside;
mod organisations;
mod pack_pages;
mod packs;
mod past;
mod pool;
mod portal;
mod provider;
mod publishing;
mod purge;
mod receiver;
mod records;
mod remembered;
mod rights;
mod rolling;
mod route_rows;
mod routes;
mod said;
mod scripts;
mod search;
mod second;
mod sending;
mod settings;
mod sharing;
mod side_channels;
mod site;
mod standing_out;
mod starting;
mod sums;
mod upkeep;
mod views;
mod whole_pages;
mod world;

/// Runs cases on both databases.
#[macro_export]
macro_rules! both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $case() { $crate::site::run($crate::site::Database::Sqlite, super::$case); })*
        }
        mod postgres {
            $(#[test] fn $case() { $crate::site::run($crate::site::Database::Postgres, super::$case); })*
        }
    };
}
