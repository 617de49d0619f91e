//! The corpus through the component: in its cage, by each function of the interface `converter`,
//! and by the command `convert`. What comes is what `tests/conversion.rs` gets without it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use tsm2iox::component::{Component, Conversion};
use tsm2iox_guest::converter::Converted;
use tsm2iox_guest::error::Error;
use wasmtime::component::{Linker, ResourceAny};
use wasmtime::{Cache, CacheConfig, Config, Engine, Store};

use super::folder;
use super::inputs::{gzip, pipe};

mod bindings {
    wasmtime::component::bindgen!({ path: "wit", world: "migration" });
}
use bindings::Migration;
use bindings::exports::tsm2iox::migration::converter;
use bindings::exports::tsm2iox::migration::types::Fault;

/// Responses up to this are cut into pieces of 7 bytes, which fall within all that belongs
/// together; longer ones repeat themselves.
const SHORT_BYTES_MAX: usize = 8000;

/// The lines of a response, and what a person gets of the error that ends it.
type Ending = (String, Option<String>);

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(case("")).expect("the corpus is in the repository");
    let cases: BTreeSet<_> =
        entries.map(|entry| entry.expect("the corpus can be listed").path()).collect();
    assert!(cases.len() > 30, "the corpus is not where it should be");
    cases.into_iter().collect()
}

/// The case of this name.
fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus").join(name)
}

/// The response of a case, and the name of its format.
fn response_file(case: &Path) -> (PathBuf, &'static str) {
    let formats = [("csv", "csv"), ("msgpack", "influxql"), ("lp", "lp")];
    let file = |(extension, format)| (case.join("response").with_extension(extension), format);
    let found = formats.map(file).into_iter().find(|(path, _)| path.exists());
    found.expect("each case has a response")
}

fn response(case: &Path) -> Vec<u8> {
    fs::read(response_file(case).0).expect("it can be read")
}

/// The settings of the conversion of a case.
fn settings(case: &Path) -> String {
    let (_, format) = response_file(case);
    let settings = fs::read_to_string(case.join("settings.json")).ok();
    let settings = settings.map(|text| serde_json::from_str(&text).expect("the settings are JSON"));
    let mut settings = settings.unwrap_or(json!({}));
    settings["format"] = format.into();
    settings.to_string()
}

/// What the corpus holds of a case.
fn expected(case: &Path) -> Ending {
    let lines = fs::read_to_string(case.join("lines.lp")).expect("each case has lines");
    let error = fs::read_to_string(case.join("error.txt")).ok();
    (lines, error.map(|error| error.trim_end_matches('\n').to_owned()))
}

/// An error as a person gets it: what happened, and what to do about it.
fn said(message: &str, hint: Option<String>) -> String {
    hint.map_or(message.to_owned(), |hint| format!("{message}\n\nhint: {hint}"))
}

/// Pieces of a response, cut within characters and line ends.
fn pieces(response: &[u8]) -> impl Iterator<Item = &[u8]> {
    response.chunks(if response.len() <= SHORT_BYTES_MAX { 7 } else { 4093 })
}

/// The lines of a response that comes in these pieces, through the cage.
fn caged<'a>(
    component: &Component,
    settings: &str,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Ending {
    let no_crash = "the component does not crash";
    let opened = Conversion::open(component, settings).expect(no_crash);
    let mut conversion = opened.expect("the settings are fit");
    let mut lines = String::new();
    let mut take = |converted: Result<Converted, Error>| {
        converted
            .map(|converted| lines += &converted.lines)
            .map_err(|error| said(&error.message, error.hint))
    };
    for piece in pieces {
        if let Err(error) = take(conversion.push(piece).expect(no_crash)) {
            return (lines, Some(error));
        }
    }
    let end = take(conversion.finish().expect(no_crash));
    (lines, end.err())
}

#[test]
fn the_component_gives_what_the_corpus_holds_however_a_response_is_cut() {
    let component = Component::embedded().expect("the component is fit");
    for case in cases() {
        let (response, settings, expected) = (response(&case), settings(&case), expected(&case));
        let whole = caged(&component, &settings, [response.as_slice()].into_iter());
        assert_eq!(whole, expected, "{}", case.display());
        let pieces = caged(&component, &settings, pieces(&response));
        assert_eq!(pieces, expected, "{}: in pieces", case.display());
    }
}

/// The interface as any other host sees it: without a cage, by names and types of the contract.
struct Interface {
    store: Store<()>,
    exports: Migration,
}

impl Interface {
    fn new() -> Self {
        static COMPILED: LazyLock<wasmtime::component::Component> = LazyLock::new(|| {
            let mut config = Config::new();
            // As the host has it, so that the component is compiled once for both.
            config.epoch_interruption(true);
            config.cache(Cache::new(CacheConfig::new()).ok());
            let engine = Engine::new(&config).expect("this machine can run components");
            wasmtime::component::Component::new(&engine, tsm2iox_guest::COMPONENT)
                .expect("it is a component")
        });
        let engine = COMPILED.engine();
        let mut store = Store::new(engine, ());
        // Nobody counts epochs here.
        store.set_epoch_deadline(1);
        let exports = Migration::instantiate(&mut store, &COMPILED, &Linker::new(engine));
        Self { store, exports: exports.expect("it keeps to the contract") }
    }

    fn convert(
        &mut self,
        response: &str,
        settings: &str,
    ) -> Result<converter::Converted, converter::Error> {
        let converter = self.exports.tsm2iox_migration_converter();
        converter.call_convert(&mut self.store, response, settings).expect("it does not trap")
    }

    fn open(&mut self, settings: &str) -> ResourceAny {
        let conversion = self.exports.tsm2iox_migration_converter().conversion();
        let opened = conversion.call_open(&mut self.store, settings).expect("it does not trap");
        opened.expect("the settings are fit")
    }

    fn push_latin1(
        &mut self,
        conversion: ResourceAny,
        text: &str,
    ) -> Result<converter::Converted, converter::Error> {
        let converter = self.exports.tsm2iox_migration_converter().conversion();
        let pushed = converter.call_push_latin1(&mut self.store, conversion, text);
        pushed.expect("it does not trap")
    }

    fn finish(
        &mut self,
        conversion: ResourceAny,
    ) -> Result<converter::Converted, converter::Error> {
        let converter = self.exports.tsm2iox_migration_converter().conversion();
        converter.call_finish(&mut self.store, conversion).expect("it does not trap")
    }

    /// The lines of a response whose bytes come as characters, in pieces.
    fn latin1(&mut self, case: &Path) -> Ending {
        let conversion = self.open(&settings(case));
        let mut lines = String::new();
        for piece in pieces(&response(case)) {
            let text: String = piece.iter().map(|byte| char::from(*byte)).collect();
            match self.push_latin1(conversion, &text) {
                Ok(converted) => lines += &converted.lines,
                Err(error) => return (lines, Some(said(&error.message, error.hint))),
            }
        }
        match self.finish(conversion) {
            Ok(converted) => (lines + &converted.lines, None),
            Err(error) => (lines, Some(said(&error.message, error.hint))),
        }
    }
}

#[test]
fn bytes_as_characters_give_the_same() {
    for name in [
        "tricky",
        "line_ends",
        "error_not_utf8",
        "error_cut_in_a_row",
        "empty",
        "influxql_tricky",
        "lp_export_of_1",
    ] {
        let case = case(name);
        assert_eq!(Interface::new().latin1(&case), expected(&case), "{name}");
    }
}

#[test]
fn a_character_that_is_no_byte_is_an_error() {
    let mut interface = Interface::new();
    let conversion = interface.open("{}");
    let error = interface.push_latin1(conversion, "#datatype,Ā").expect_err("U+0100 is no byte");
    let message = "the host passed U+0100 as a byte of the response";
    assert_eq!((error.fault, error.message.as_str()), (Fault::Malformed, message));
    // After an error only the same error follows.
    for again in [interface.push_latin1(conversion, "\n"), interface.finish(conversion)] {
        assert_eq!(again.expect_err("it has failed").message, message);
    }
}

#[test]
fn a_whole_response_converts_in_one_call() {
    for name in [
        "tricky",
        "line_ends",
        "error_cut_in_a_row",
        "error_infinity",
        "empty",
        "lp_fields_that_alternate",
    ] {
        let (lines, error) = expected(&case(name));
        let response = response(&case(name));
        let response = str::from_utf8(&response).expect("these are text");
        match Interface::new().convert(response, &settings(&case(name))) {
            Ok(converted) => assert_eq!((converted.lines, None), (lines, error), "{name}"),
            Err(found) => {
                assert_eq!(Some(said(&found.message, found.hint)), error, "{name}");
            }
        }
    }
}

/// What `tsm2iox convert` makes of a case.
fn command(case: &Path) -> Output {
    let (path, format) = response_file(case);
    let settings: Value = serde_json::from_str(&settings(case)).expect("the settings are JSON");
    let line_breaks = settings["line_breaks"].as_str().unwrap_or("refuse");
    let path = path.to_str().expect("its name is text");
    let mut arguments = vec!["--format", format, "--line-breaks", line_breaks, path];
    if let Some(product) = settings["product"].as_str() {
        arguments.extend(["--product", product]);
    }
    convert(&arguments, Stdio::null())
}

/// The command with these arguments, and this at its standard input.
fn convert(arguments: &[&str], input: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tsm2iox"));
    command.arg("convert").args(arguments).stdin(input).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[track_caller]
fn check_command(name: &str, status: i32, talk: &str) {
    let output = command(&case(name));
    let (lines, _) = expected(&case(name));
    assert_eq!((text(&output.stdout), text(&output.stderr)), (lines.into(), talk.into()));
    assert_eq!(output.status.code(), Some(status));
}

#[test]
fn the_command_says_what_cannot_arrive_and_what_was_altered() {
    check_command("one_minute", 0, "");
    check_command(
        "line_ends",
        0,
        "warning: 3 strings whose line breaks Flux has altered: `\\r\\n` and `\\n` arrive as `\\n`, \
         and a lone `\\r` not at all\n",
    );
    check_command(
        "error_line_breaks",
        1,
        "error: line 5: a string `s` of `m,tag=a` has a line break, of which Flux does not tell \
         whether it was `\\n`, `\\r\\n`, or had a lone `\\r` beside it (1 more like it, in line 8); \
         line 7: Flux has dropped a carriage return from `lonecr` in column `_value`, as its quotes \
         show\n\n\
         hint: InfluxQL keeps them (`source.language`); in strings, not in names and tags, what is \
         left can be taken: `schema.line_breaks = \"accept\"`, `convert --line-breaks accept`\n",
    );
    check_command(
        "error_in_the_middle",
        1,
        "error: line 496: the query failed: runtime error @3:135-3:228: map: failed to evaluate map \
         function: boom\n",
    );
}

#[test]
fn the_command_decompresses_gzip() {
    let case = case("one_minute");
    let (response, (lines, _)) = (response(&case), expected(&case));
    let stored = gzip(&response);
    let path = folder("convert_gzip").join("response.csv");
    fs::write(&path, &stored).unwrap();
    let path = path.to_str().expect("its name is text");
    for (arguments, input) in [
        (vec![path], Stdio::null()),
        (vec!["--format", "csv", path], Stdio::null()),
        (vec![], pipe(stored.clone()).into()),
        (vec!["-"], pipe(response).into()),
    ] {
        let output = convert(&arguments, input);
        assert_eq!(
            (text(&output.stdout), text(&output.stderr)),
            (lines.as_str().into(), "".into())
        );
        assert!(output.status.success(), "{arguments:?}");
    }
    // The lines end before those of a gzip stream that is whole.
    let output = convert(&[], pipe(stored[..stored.len() - 1].to_vec()));
    let talk = "error: the input cannot be read: the gzip stream stops before its end\n";
    assert_eq!((text(&output.stderr), output.status.code()), (talk.into(), Some(1)));
    assert!(lines.starts_with(&*text(&output.stdout)), "{}", text(&output.stdout));
}

#[test]
fn the_command_takes_other_formats() {
    check_command("influxql_line_ends", 0, "");
    check_command("lp_fields_that_alternate", 0, "");
    let output = convert(&["--format", "json"], Stdio::null());
    assert_eq!(output.status.code(), Some(2), "no such format");
}

#[test]
fn the_command_writes_for_the_product_that_it_is_told() {
    check_command("names_with_backslashes_for_core", 0, "");
    check_command("names_with_backslashes_for_oss", 0, "");
    let output = convert(&["--product", "v3"], Stdio::null());
    assert_eq!(output.status.code(), Some(2), "no such product");
    assert!(text(&output.stderr).contains("core, enterprise, serverless"), "{output:?}");
}
