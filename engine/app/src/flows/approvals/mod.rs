//! Approvals: a transition waits until others agree, one step after the other.
//!
//! **Invariants**
//! - The flow is kept with what runs by it: whatever is published meanwhile, an application is finished by the flow it
//!   began under.
//! - The record is held before a decision is looked at: of two who decide one wins, the other is told by whom.
//! - Nobody decides on what they applied for, or own, unless the flow says so; whoever is not active any more is stood in
//!   for by who leads them, or by administrators. Somebody is always asked.
//! - While it runs the record is read only.
//!
//! **Not here:** states (`records::save::states`), whose turn it is (`sql::system_approvals`).

mod decide;
mod kept;
mod late;
mod lists;
mod people;
mod start;
mod way;

pub use decide::{Decision, Outcome, RejectTo, decide, withdraw};
pub use kept::{Approval, Task};
pub use late::{handle_late, look_after};
pub use lists::{Entry, applications, count_waiting, decided, waiting};
pub(crate) use start::{Start, running};
pub use way::{Step, Way, role_name, ways};
