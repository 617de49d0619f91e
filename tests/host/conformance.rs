//! What each host must get: the lines or the error of each response of the corpus, and each dialogue as it was.
//! Here by wasmtime, with the component.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};
use wasmtime::component::{Component, Linker, bindgen};
use wasmtime::{Cache, Config, Engine, Store};

bindgen!({ world: "text", path: "wit" });

/// An instance for each case: a plan is asked in one alone.
struct Host {
    engine: Engine,
    component: Component,
}

impl Host {
    /// The component is compiled once, which takes a debug build a while.
    fn get() -> &'static Self {
        static HOST: OnceLock<Host> = OnceLock::new();
        HOST.get_or_init(|| {
            let mut config = Config::new();
            config.cache(Cache::from_file(None).ok());
            let engine = Engine::new(&config).expect("this machine can compile");
            let component = Component::new(&engine, tsm2iox_guest::COMPONENT).expect("it is one");
            Self { engine, component }
        })
    }

    fn instance(&self) -> (Store<()>, Text) {
        let mut store = Store::new(&self.engine, ());
        let linker = Linker::new(&self.engine);
        let text = Text::instantiate(&mut store, &self.component, &linker);
        (store, text.expect("it imports nothing"))
    }
}

fn list(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(folder);
    let entries = fs::read_dir(folder).expect("it is in the repository");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    paths
}

#[test]
fn each_response_gives_its_lines_or_its_error() {
    let (host, mut checked) = (Host::get(), 0);
    for folder in list("corpus") {
        let found = ["csv", "lp"].into_iter().find_map(|format| {
            let path = folder.join("response").with_extension(format);
            Some((format, fs::read_to_string(path).ok()?))
        });
        let Some((format, response)) = found else { continue };
        let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let settings = read("settings.json").map(|text| serde_json::from_str(&text));
        let mut settings: Value = settings.transpose().expect("it is JSON").unwrap_or(json!({}));
        settings["format"] = json!(format);
        let (mut store, text) = host.instance();
        let converted = text.call_convert(&mut store, &response, &settings.to_string());
        let said = converted.expect("it does not crash").map_err(|error| error + "\n");
        let expected =
            read("error.txt").map_or_else(|| Ok(read("lines.lp").unwrap_or_default()), Err);
        assert_eq!(said, expected, "{}", folder.display());
        checked += 1;
    }
    assert!(checked > 80, "{checked}");
}

#[test]
fn each_dialogue_is_what_it_was() {
    let (host, dialogues) = (Host::get(), list("dialogues"));
    assert!(dialogues.len() >= 12);
    for path in dialogues {
        let (mut store, text) = host.instance();
        let mut said = String::new();
        for line in fs::read_to_string(&path).expect("it is text").lines() {
            match line.split_at(2) {
                ("> ", call) => {
                    let answer = text.call_plan(&mut store, call).expect("it does not crash");
                    said = answer.expect("it is a call");
                }
                (_, expected) => assert_eq!(said, expected, "{}", path.display()),
            }
        }
    }
}
