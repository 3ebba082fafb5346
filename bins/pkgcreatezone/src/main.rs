//! The install hook of a brand.

use std::process::ExitCode;

use pkgcreatezone::report::{self, PlanJson, PlannedImage};
use pkgcreatezone::{Cli, progress::Progress};
use zonelib::brand::install::{Install, InstallError, Report, Watch};
use zonelib::brand::{Status, called_by_zoneadm};
use zonelib::host;
use zonelib::populate::Counters;
use zonelib::program::{self, NoArguments};

const PROGRAM: &str = "pkgcreatezone";

fn main() -> ExitCode {
    let cli: Cli = match program::arguments(PROGRAM) {
        Ok(cli) => cli,
        // zoneadm would take success for an installed zone.
        Err(NoArguments::Shown) if called_by_zoneadm() => return Status::Usage.into(),
        Err(NoArguments::Shown) => return ExitCode::SUCCESS,
        Err(NoArguments::Wrong) => return Status::Usage.into(),
    };
    let install = match cli.install() {
        Ok(install) => install,
        Err(wrong) => {
            program::complain(PROGRAM, &wrong.to_string());
            return Status::Usage.into();
        }
    };
    let done = if cli.dry_run { show_plan(&cli, &install) } else { run(&cli, &install) };
    match done {
        Ok(status) => status.into(),
        Err(error) => {
            program::complain(PROGRAM, &error.to_string());
            error.status().into()
        }
    }
}

fn show_plan(cli: &Cli, install: &Install) -> Result<Status, InstallError> {
    let printed = install.plan_only(|plan, golden| -> Result<_, InstallError> {
        let golden = golden.map(PlannedImage::of).transpose()?;
        let printed = if cli.json {
            program::deliver_json(&PlanJson::new(install, plan, golden))
        } else {
            program::deliver(&report::plan_text(install, plan, golden.as_ref(), cli.verbose))
        };
        printed.map_err(InstallError::Output)
    })?;
    printed?;
    // Nothing was installed: zoneadm has to go back to where it was.
    Ok(if called_by_zoneadm() { Status::NotComplete } else { Status::Complete })
}

fn run(cli: &Cli, install: &Install) -> Result<Status, InstallError> {
    host::usual_umask();
    if let Err(error) = host::watch_signals() {
        return Err(InstallError::Strict(format!("signals cannot be caught: {error}")));
    }
    let counters = Counters::default();
    let progress = Progress::new(&counters);
    let report: Report = std::thread::scope(|scope| {
        let bar = scope.spawn(|| progress.follow());
        let done = install.run(&Watch { phase: &|phase| progress.phase(phase), counters: &counters });
        progress.end();
        bar.thread().unpark();
        done
    })?;
    let text = if cli.json {
        format!("{}\n", report::done_json(install, &report))
    } else {
        report::done_text(install, &report, cli.verbose)
    };
    // The zone is there; that its report is not is no reason to take it away.
    if let Err(error) = program::deliver(&text) {
        program::complain(PROGRAM, &format!("the zone is installed, but its report could not be written: {error}"));
    }
    Ok(Status::Complete)
}
