//! The requirements as a graph of projects.

use super::{Model, ProjectId};

/// The rows that require each project: the reverse of [`Model::rows`].
#[derive(Debug)]
pub struct Reverse {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Reverse {
    /// Of all rows whose target is installed, also those that do not count.
    #[must_use]
    pub fn of(model: &Model<'_>) -> Self {
        let mut starts = vec![0u32; model.projects.len() + 1];
        for row in &model.rows {
            if let Some(target) = row.target {
                starts[target as usize + 1] += 1;
            }
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut next = starts.clone();
        let mut rows = vec![0u32; starts.last().map_or(0, |end| *end as usize)];
        for (number, row) in (0..).zip(&model.rows) {
            if let Some(target) = row.target {
                let place = &mut next[target as usize];
                rows[*place as usize] = number;
                *place += 1;
            }
        }
        Self { starts, rows }
    }

    /// The numbers of the rows that require a project.
    #[must_use]
    pub fn rows(&self, project: ProjectId) -> &[u32] {
        let project = project as usize;
        &self.rows[self.starts[project] as usize..self.starts[project + 1] as usize]
    }
}

impl Model<'_> {
    /// The installed projects that a project requires, as far as it counts, without repetition.
    #[must_use]
    pub fn requires(&self, project: ProjectId) -> Vec<ProjectId> {
        let mut targets: Vec<ProjectId> = Vec::new();
        for copy in &self.projects[project as usize].copies {
            let rows = self.rows_of(&self.modules[*copy as usize]);
            targets.extend(rows.filter(|(_, row)| row.counts()).filter_map(|(_, row)| row.target));
        }
        targets.sort_unstable();
        targets.dedup();
        targets
    }

    /// The sets of two or more projects of which each requires, by way of others, all: strongly connected components,
    /// by Tarjan's algorithm, without recursion.
    #[must_use]
    pub fn cycles(&self) -> Vec<Vec<ProjectId>> {
        let mut walk = Walk::new(self.projects.len());
        for project in (0..).take(self.projects.len()) {
            if walk.order[project as usize] == UNSEEN {
                walk.from(self, project);
            }
        }
        let by_name = |project: &ProjectId| self.counted(*project).name.as_str().to_owned();
        for cycle in &mut walk.cycles {
            cycle.sort_by_cached_key(by_name);
        }
        walk.cycles.sort_by_cached_key(|cycle| cycle.first().map(by_name));
        walk.cycles
    }
}

const UNSEEN: u32 = u32::MAX;

struct Walk {
    order: Vec<u32>,
    lowest: Vec<u32>,
    waiting: Vec<ProjectId>,
    is_waiting: Vec<bool>,
    count: u32,
    cycles: Vec<Vec<ProjectId>>,
}

impl Walk {
    fn new(size: usize) -> Self {
        Self {
            order: vec![UNSEEN; size],
            lowest: vec![0; size],
            waiting: Vec::new(),
            is_waiting: vec![false; size],
            count: 0,
            cycles: Vec::new(),
        }
    }

    fn enter(&mut self, project: ProjectId) {
        self.order[project as usize] = self.count;
        self.lowest[project as usize] = self.count;
        self.count += 1;
        self.waiting.push(project);
        self.is_waiting[project as usize] = true;
    }

    fn from(&mut self, model: &Model<'_>, start: ProjectId) {
        self.enter(start);
        let mut path = vec![(start, model.requires(start).into_iter())];
        while let Some((project, targets)) = path.last_mut() {
            let project = *project;
            if let Some(target) = targets.next() {
                if self.order[target as usize] == UNSEEN {
                    self.enter(target);
                    path.push((target, model.requires(target).into_iter()));
                } else if self.is_waiting[target as usize] {
                    self.lower(project, self.order[target as usize]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                self.lower(*parent, self.lowest[project as usize]);
            }
            if self.lowest[project as usize] == self.order[project as usize] {
                self.leave(project);
            }
        }
    }

    fn lower(&mut self, project: ProjectId, order: u32) {
        let lowest = &mut self.lowest[project as usize];
        *lowest = (*lowest).min(order);
    }

    fn leave(&mut self, project: ProjectId) {
        let mut cycle = Vec::new();
        while let Some(member) = self.waiting.pop() {
            self.is_waiting[member as usize] = false;
            cycle.push(member);
            if member == project {
                break;
            }
        }
        if cycle.len() > 1 {
            self.cycles.push(cycle);
        }
    }
}
