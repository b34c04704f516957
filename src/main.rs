fn main() -> std::process::ExitCode {
    daphnia::cli::run()
}
