//! The whole sequence: from a request to zones that run, all or none.

use crate::journal::{Journal, Recovered, StateDir, Subject};
use crate::net::Names;
use crate::store::Directory;

use super::plan::{Plan, Planning};
use super::request::{One, Request};
use super::step::{Doing, Step};
use super::{Problems, ZoneError};

/// Where things are remembered, and who is told what.
pub struct Surroundings<'s> {
    /// Journals, locks and records.
    pub state: &'s StateDir,
    /// When it fails, everything stays as it is.
    pub keep: bool,
    /// Is told what is being done, and what commands say.
    pub tell: &'s dyn Fn(&str),
    /// Is told what a killed operation had left.
    pub recovered: &'s dyn Fn(&Recovered),
}

impl Request {
    /// What would be done; nothing is changed.
    ///
    /// # Errors
    /// [`ZoneError::Problems`]: what [`Request::create`] would refuse.
    pub fn plan(&self, state: &StateDir) -> Result<Plan, ZoneError> {
        let mut problems = Problems::with(&self.unread);
        let zones = self.zones(&mut problems);
        let plan = self.against_host(&zones, state, &mut problems);
        problems.end(plan.unwrap_or_default())
    }

    /// The plan, as far as there can be one.
    fn against_host(&self, zones: &[One], state: &StateDir, problems: &mut Problems) -> Option<Plan> {
        problems.heed(super::check::only_global())?;
        let found = self.look(zones, state, problems);
        let store = Directory::new(state);
        Planning { request: self, found: &found, state, store: &store, operation: None }.plan(zones, problems)
    }

    /// Makes the zones: all of them, or nothing is left of any.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub fn create(&self, around: &Surroundings<'_>) -> Result<Plan, ZoneError> {
        let mut problems = Problems::with(&self.unread);
        let zones = self.zones(&mut problems);
        if !problems.is_empty() {
            let plan = self.against_host(&zones, around.state, &mut problems);
            return problems.end(plan.unwrap_or_default());
        }
        super::check::only_global()?;
        let mut journals = Vec::new();
        for one in &zones {
            let subject = Subject::Whole(one.name.clone());
            let (journal, recovered) = Journal::begin(around.state, &subject, "create-zone", around.keep)?;
            recovered.iter().for_each(|recovered| (around.recovered)(recovered));
            journals.push(journal);
        }
        // One journal for all, so that all go when one cannot be made. The others only hold their zones' locks.
        let Some(mut journal) = (!journals.is_empty()).then(|| journals.remove(0)) else {
            return Err(ZoneError::Refused("there is no zone to make".to_owned()));
        };
        let done = self.make(&zones, &mut journal, around);
        if !journal.has_begun() {
            return done;
        }
        Ok(journal.end(done).map(|(plan, _)| plan)?)
    }

    fn make(&self, zones: &[One], journal: &mut Journal, around: &Surroundings<'_>) -> Result<Plan, ZoneError> {
        let mut problems = Problems::default();
        let found = self.look(zones, around.state, &mut problems);
        let store = Directory::new(around.state);
        let operation = journal.mark().to_owned();
        // What is free now is taken before anybody else looks.
        let names = if problems.is_empty() { Some(Names::hold(&store)?) } else { None };
        let planning =
            Planning { request: self, found: &found, state: around.state, store: &store, operation: Some(&operation) };
        let plan = planning.plan(zones, &mut problems).unwrap_or_default();
        let plan = problems.end(plan)?;
        let mut doing = Doing { journal, state: around.state, store: &store, tell: around.tell };
        let mut perform = |step: &Step| {
            (around.tell)(&step.show().what);
            step.perform(&mut doing)
        };
        plan.zones.iter().flat_map(|zone| &zone.ground).try_for_each(&mut perform)?;
        drop(names);
        plan.zones.iter().flat_map(|zone| &zone.steps).try_for_each(&mut perform)?;
        Ok(plan)
    }
}
