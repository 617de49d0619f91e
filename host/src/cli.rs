//! What can be typed. Does not know what comes of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tsm2iox_guest::converter::PRODUCTS;

/// Moves the data of an InfluxDB TSM bucket into an InfluxDB v3 (IOx) database
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a configuration to begin with: all keys, with what each is
    Init {
        /// Fill it with what this task moves, a Flux script of InfluxData's migration guide; `-` is
        /// standard input
        #[arg(long, value_name = "FILE")]
        from_task: Option<PathBuf>,
    },
    /// Migrate: what is left of it, if it was begun before
    Run(Run),
    /// Look at both sides before anything is moved: what would arrive, what not, and what it takes
    Check {
        /// The configuration, in TOML
        config: PathBuf,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
        /// Show no progress, only warnings and errors
        #[arg(long)]
        quiet: bool,
        /// Do what this component says, not the one inside this program
        #[arg(long, value_name = "FILE")]
        component: Option<PathBuf>,
    },
    /// Show how far a migration is; works beside one that runs
    Status {
        /// The configuration, in TOML
        config: PathBuf,
        /// Print it as JSON, with the last ten thousand batches
        #[arg(long)]
        json: bool,
    },
    /// Compare both sides, report what is missing, different or extra, and keep the report beside the
    /// configuration
    Verify(Verify),
    /// Convert a response, or line protocol, to line protocol on standard output
    Convert {
        /// What to convert, gzip or not; `-` is standard input
        #[arg(default_value = "-")]
        file: PathBuf,
        /// What it holds
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// What becomes of strings whose line breaks Flux has altered
        #[arg(long, value_enum, default_value_t)]
        line_breaks: LineBreaks,
        /// What the lines are for; without it, a name that products read differently is refused
        #[arg(long, value_parser = PRODUCTS)]
        product: Option<String>,
    },
    /// Write the component inside this program to standard output
    Component {
        /// Write its contract instead, in WIT
        #[arg(long)]
        wit: bool,
        /// Write the core module of the world `text` instead, for runtimes that take only those
        #[arg(long, conflicts_with = "wit")]
        text: bool,
    },
    /// Print a script that completes commands and options in a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How to migrate.
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration, in TOML
    pub config: PathBuf,
    /// Print the ranges of the batches that are left, one a line, and move nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Begin a run so often, such as `5m`; with `stop = "now"`, each goes on to the present
    #[arg(long, value_name = "DURATION", conflicts_with = "dry_run")]
    pub every: Option<String>,
    /// Serve a page that shows it, and `/metrics`: a port of this machine, or an address and a port
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address, conflicts_with = "dry_run")]
    pub listen: Option<SocketAddr>,
    /// Print what happens as JSON, an object a line
    #[arg(long, conflicts_with_all = ["dry_run", "quiet"])]
    pub json: bool,
    /// Show no progress, only warnings and errors
    #[arg(long, conflicts_with = "dry_run")]
    pub quiet: bool,
    /// Do what this component says, not the one inside this program
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
}

/// How to compare.
#[derive(Debug, Args)]
pub struct Verify {
    /// The configuration, in TOML
    pub config: PathBuf,
    /// Compare value by value, also where both sides count the same
    #[arg(long)]
    pub deep: bool,
    /// Move what is missing again, and look whether it has arrived
    #[arg(long)]
    pub repair: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Show no progress, only warnings and errors
    #[arg(long)]
    pub quiet: bool,
    /// Do what this component says, not the one inside this program
    #[arg(long, value_name = "FILE")]
    pub component: Option<PathBuf>,
}

/// An address of this machine alone, if only a port is named.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<u16>() {
        Ok(port) => Ok((Ipv4Addr::LOCALHOST, port).into()),
        Err(_) => text.parse().map_err(|_| {
            "expected a port such as `8090`, or an address with one such as `127.0.0.1:8090`"
                .to_owned()
        }),
    }
}

/// What can be converted.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Format {
    /// Annotated CSV, the response of a Flux query
    #[default]
    Csv,
    /// MessagePack, the chunked response of `/query` with `epoch=ns`
    Influxql,
    /// Line protocol, whose fields are merged
    Lp,
}

/// What becomes of strings whose line breaks Flux has altered.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LineBreaks {
    /// They are an error
    #[default]
    Refuse,
    /// Each break becomes `\n`; a lone `\r` stays lost
    Accept,
}

/// The settings of a conversion: the words are those of the command line.
pub fn conversion_settings(
    format: Format,
    line_breaks: LineBreaks,
    product: Option<String>,
) -> String {
    let mut settings = serde_json::json!({
        "format": word(format),
        "line_breaks": word(line_breaks),
    });
    if let Some(product) = product {
        settings["product"] = product.into();
    }
    settings.to_string()
}

/// How a value is typed.
fn word(value: impl ValueEnum) -> String {
    let value = value.to_possible_value().expect("no value is skipped");
    value.get_name().to_owned()
}

const AFTER_HELP: &str = "\
Examples:
  tsm2iox init > migration.toml
  tsm2iox init --from-task migration.flux > migration.toml
  tsm2iox check migration.toml
  tsm2iox run migration.toml
  tsm2iox run --dry-run migration.toml | wc --lines
  tsm2iox run --every 5m migration.toml
  tsm2iox run --listen 8090 migration.toml
  tsm2iox status migration.toml
  tsm2iox verify migration.toml
  influx query --raw 'from(bucket: \"b\") |> range(start: -1h)' | tsm2iox convert > points.lp
  tsm2iox convert --format lp export.lp.gz > merged.lp
  curl --data-urlencode 'q=select * from m group by *' --header 'accept: application/x-msgpack' \\
    'http://127.0.0.1:8086/query?db=d&epoch=ns&chunked=true' | tsm2iox convert --format influxql
  tsm2iox component > tsm2iox.wasm

Exit status:
  0  complete
  1  stopped; the same command resumes
  2  a person must change something first: options, configuration, token, bucket, data; or another run is
     under way
  3  complete, but points were refused by the destination, or could not be written, and are set aside; or
     `verify` has found that the two sides differ

Standard output is data, standard error is talk.";
