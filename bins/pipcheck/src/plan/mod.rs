//! Planning an update before anything is built: what would come of it, who is in the way, and what shows both.

mod blockers;
mod change;
mod held_back;
mod known;
mod search;
mod show;
mod tree;
mod what_if;

pub use blockers::{Chains, Limit, Limits, limits};
pub use change::{Change, ChangeError, Changes, Planned, Step};
pub use held_back::{Free, Given, HeldBack, Holder, Survey, held_back};
pub use known::{KnownError, KnownVersions};
pub use search::{Move, Moves};
pub use show::{Extra, ModuleView, Need, show};
pub use tree::{Branch, Direction, Tree, TreeModule, tree};
pub use what_if::{Blocker, Outlook, what_if};
