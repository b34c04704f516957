//! `daphnia completions`: scripts with which shells complete commands and options.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Session, Status};

/// Print a script with which a shell completes commands and options
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  daphnia completions bash > ~/.local/share/bash-completion/completions/daphnia\n  daphnia completions zsh > ~/.zfunc/_daphnia\n  daphnia completions fish > ~/.config/fish/completions/daphnia.fish"
)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> Status {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "daphnia", &mut script);
    Session::default().report.product(&String::from_utf8_lossy(&script));
    Status::DONE
}
