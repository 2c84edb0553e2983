//! The generated pages of `docs/reference` match the code. Run with `UPDATE_REFERENCE=1` to rewrite them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use insights::cli::Cli;
use insights::http::response::problem_codes::ProblemCode;

use crate::support::TestApp;

const MAX_COLUMNS: usize = 120;

#[expect(clippy::disallowed_methods, reason = "whether to rewrite is asked for on the command line")]
fn is_rewriting() -> bool {
    std::env::var_os("UPDATE_REFERENCE").is_some()
}

/// Compares a page with the committed one, or rewrites it.
fn assert_committed(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    if is_rewriting() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/reference/{name} is out of date: run the suite with UPDATE_REFERENCE=1 and read the difference");
    let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 140).collect();
    assert!(long.is_empty(), "lines of docs/reference/{name} are too long: {long:#?}");
}

fn page(title: &str, source: &str, introduction: &str) -> String {
    let note = format!("<!-- Generated from {source} by tests/suite/reference.rs: do not edit. UPDATE_REFERENCE=1 rewrites it. -->");
    format!("# {title}\n\n{note}\n\n{}\n", wrap(introduction))
}

/// The text in lines of at most [`MAX_COLUMNS`].
fn wrap(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= MAX_COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// The help of an argument without its default, and the default.
fn help_and_default(argument: &Arg) -> (String, Option<String>) {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<String> = argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    let default = Some(defaults.join(" ")).filter(|default| !default.is_empty() && !is_flag);
    match help.split_once(" [default: ") {
        Some((help, default)) => (help.to_owned(), Some(default.trim_end_matches(']').to_owned())),
        None => (help, default),
    }
}

/// A default as code, unless it is a description.
fn format_default(default: &str) -> String {
    if default.contains(' ') { default.to_owned() } else { format!("`{default}`") }
}

fn possible_values(argument: &Arg) -> Option<String> {
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue | ArgAction::SetFalse);
    let values: Vec<String> = argument.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    (!values.is_empty() && !is_flag).then(|| values.join(", "))
}

fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
}

fn cli() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

#[test]
fn the_configuration_page_matches_the_settings() {
    let introduction = "Every setting of `insights serve`. Each is a flag and an environment variable; the flag has \
                        precedence. Other commands take those settings that say where the data is: see [CLI](cli.md).";
    let mut text = page("Configuration", "src/config.rs", introduction);
    let command = cli();
    let serve = command.find_subcommand("serve").unwrap();
    for argument in arguments(serve) {
        let (help, default) = help_and_default(argument);
        let flag = argument.get_long().unwrap();
        let variable = argument.get_env().unwrap_or_else(|| panic!("--{flag} has no environment variable")).to_string_lossy();
        write!(text, "\n## `{variable}`\n\n{}.\n\n- Flag: `--{flag}`\n", wrap(&help)).unwrap();
        if let Some(default) = default {
            writeln!(text, "- Default: {}", format_default(&default)).unwrap();
        }
        if let Some(values) = possible_values(argument) {
            writeln!(text, "- Values: {values}").unwrap();
        }
    }
    assert_committed("configuration.md", &text);
}

/// One line of an argument, and its help below.
fn describe_argument(argument: &Arg, text: &mut String) {
    let (help, default) = help_and_default(argument);
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let takes_value = argument.get_action().takes_values();
    let name = match (argument.get_long(), value.filter(|_| takes_value)) {
        (Some(long), Some(value)) => format!("--{long} <{value}>"),
        (Some(long), None) => format!("--{long}"),
        (None, value) => format!("<{}>", value.unwrap_or_else(|| argument.get_id().to_string().to_uppercase())),
    };
    let mut facts = Vec::new();
    if argument.is_required_set() {
        facts.push("required".to_owned());
    }
    facts.extend(argument.get_env().map(|variable| format!("`{}`", variable.to_string_lossy())));
    facts.extend(default.map(|default| format!("default {}", format_default(&default))));
    facts.extend(possible_values(argument).map(|values| format!("one of {values}")));
    let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join("; ")) };
    let lines = wrap(&format!("`{name}`{facts}: {help}")).replace('\n', "\n  ");
    writeln!(text, "- {lines}").unwrap();
}

fn describe_command(command: &mut Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let subcommands: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).filter(|name| name != "help").collect();
    if subcommands.is_empty() {
        let usage = command.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        write!(text, "\n## `{name}`\n\n{}.\n\n```text\n{usage}\n```\n", wrap(&about)).unwrap();
        let own: Vec<&Arg> = arguments(command).collect();
        if !own.is_empty() {
            text.push('\n');
        }
        for argument in own {
            describe_argument(argument, text);
        }
    }
    for sub in subcommands {
        describe_command(command.find_subcommand_mut(&sub).unwrap(), text);
    }
}

#[test]
fn the_cli_page_matches_the_commands() {
    let introduction = "Every command of the `insights` binary. A command prints its result on standard output and exits \
                        with 0. A failure is one line on standard error, and exit code 1; wrong arguments are exit code 2.";
    let mut text = page("CLI", "src/cli", introduction);
    describe_command(&mut cli(), &mut text);
    assert_committed("cli.md", &text);
}

#[test]
fn the_problems_page_matches_the_codes() {
    let introduction = "Every problem that the API returns (RFC 9457), by its `code`. Handle errors by `code`: it is stable. \
                        The `type` of a problem is the address of a page with the same explanation.";
    let mut text = page("Problems", "src/http/response/problem_codes.rs", introduction);
    for code in ProblemCode::ALL {
        let (name, status, title, help) = (code.as_str(), code.status(), code.title(), code.help());
        write!(text, "\n## `{name}`\n\n**{status}** {title}.\n\n{}\n", wrap(help)).unwrap();
    }
    assert_committed("problems.md", &text);
}

#[tokio::test]
async fn the_metrics_page_matches_a_scrape() {
    let app = TestApp::start().await;
    app.anonymous().get("/v1/insights").await.expect(200);
    let scrape = app.anonymous().get("/metrics").await.expect(200).text();
    let mut metrics: BTreeMap<String, [String; 3]> = BTreeMap::new();
    for line in scrape.lines() {
        for (index, kind) in ["# TYPE ", "# UNIT ", "# HELP "].into_iter().enumerate() {
            if let Some((name, value)) = line.strip_prefix(kind).and_then(|rest| rest.split_once(' ')) {
                value.clone_into(&mut metrics.entry(name.to_owned()).or_default()[index]);
            }
        }
    }
    let introduction = "Every metric of `GET /metrics`, in the OpenMetrics text format 1.0. `INSIGHTS_METRICS_BIND` moves \
                        them to an address of their own: see [configuration](configuration.md). A scrape sends no statement \
                        to the database.";
    let mut text = page("Metrics", "a scrape of /metrics", introduction);
    for (name, [kind, unit, help]) in metrics {
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let unit = if unit.is_empty() { String::new() } else { format!(", in {unit}") };
        write!(text, "\n## `{name}{suffix}`\n\n{kind}{unit}. {}\n", wrap(&help)).unwrap();
    }
    assert_committed("metrics.md", &text);
}
