//! Components that keep to the contract as far as types go, and do what a test wants.
//!
//! A core module in the text format, in which a test gives the bodies of some functions, and the
//! steps of a plan as the bytes that the canonical ABI wants.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

/// What the functions of a plan do, in the text format of WebAssembly.
#[derive(Clone, Copy)]
pub(super) struct Stub<'a> {
    /// Before a plan of purpose `$purpose` is given out.
    pub(super) open: &'a str,
    /// Leaves the place of a step; `$purpose` and `$answered` tell plans and times apart.
    pub(super) next: &'a str,
    /// What is in the memory from `STEPS` on.
    pub(super) steps: &'a [Step],
    /// Pages of 64 KiB.
    pub(super) memory: u32,
}

/// A step as bytes: 112 are the longest, an outcome.
pub(super) type Step = [u8; STEP_BYTES];

const STEP_BYTES: usize = 120;
const STEPS: usize = 8192;

impl Default for Stub<'_> {
    fn default() -> Self {
        Self { open: "", next: "(i32.const 8192)", steps: &[COMPLETE], memory: 1 }
    }
}

/// `done` with the ending `complete`.
pub(super) const COMPLETE: Step = step(7, []);
/// `done` with the ending `different`.
pub(super) const DIFFERENT: Step = step(7, [1]);
/// `wait` until 1970.
pub(super) const WAIT: Step = step(6, [0]);
/// `read` on in the body of the request 7.
pub(super) const READ: Step = step(1, [7]);
/// `recall` of the body of the request 7.
pub(super) const RECALL: Step = step(2, [7]);
/// `report` of nothing.
pub(super) const REPORT: Step = step(5, []);
/// `batch` 7, of the first nanosecond of 1970, with an empty order.
pub(super) const BATCH: Step = step(3, [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
/// The same, of no time at all.
pub(super) const EMPTY_BATCH: Step = step(3, [7]);

/// Where the step of this number is.
pub(super) fn place(number: usize) -> String {
    format!("(i32.const {})", STEPS + number * STEP_BYTES)
}

/// `send` of a request 7 to the source: method, path, and so many headers without value, of which the
/// first is `authorization` and the others have no name.
///
/// The texts lie at the start of the memory, all of it ASCII; `body` is a length alone.
pub(super) fn send(method: &str, path: u32, headers: u32, body: u32) -> Step {
    let mut payload = [0; 48];
    let mut put =
        |at: usize, number: u32| payload[at..at + 4].copy_from_slice(&number.to_le_bytes());
    put(0, 7);
    put(12, if method == "GET" { GET } else { PUT });
    put(16, 3);
    put(20, SLASH);
    put(24, path);
    put(28, HEADERS);
    put(32, headers);
    put(40, body);
    step(0, payload)
}

/// The texts that requests are made of, and a list of one header, `authorization`.
const TEXTS: &str = r#"(data (i32.const 512) "GETPUT/authorization")
    (data (i32.const 600) "\07\02\00\00\0d\00\00\00\07\02\00\00\00\00\00\00")"#;
const GET: u32 = 512;
const PUT: u32 = 515;
const SLASH: u32 = 518;
const HEADERS: u32 = 600;

/// A case of the variant, and its payload, which begins at 8.
const fn step<const LENGTH: usize>(case: u8, payload: [u8; LENGTH]) -> Step {
    let mut step = [0; STEP_BYTES];
    step[0] = case;
    let mut at = 0;
    while at < LENGTH {
        step[8 + at] = payload[at];
        at += 1;
    }
    step
}

impl Stub<'_> {
    /// The component.
    pub(super) fn component(&self) -> Vec<u8> {
        component(&self.module(), Path::new("wit"), "migration")
    }

    fn module(&self) -> String {
        let Self { open, next, steps, memory } = self;
        // The last of them is the present one.
        let versions = include_str!("../contract_versions.txt");
        let version = versions.lines().last().and_then(|line| line.split(' ').next());
        let version = version.expect("a line begins with a version");
        let data: String = steps.iter().flatten().map(|byte| format!("\\{byte:02x}")).collect();
        format!(
            r#"(module
  (import "[export]tsm2iox:migration/planner@{version}" "[resource-new]plan"
    (func $plan (param i32) (result i32)))
  (memory (export "memory") {memory})
  (global $heap (mut i32) (i32.const 32768))
  (global $answered (mut i32) (i32.const 0))
  {TEXTS}
  (data (i32.const {STEPS}) "{data}")

  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.get $heap)
    (global.set $heap (i32.add (global.get $heap) (local.get $size))))

  (func (export "tsm2iox:migration/planner@{version}#[static]plan.open")
      (param $purpose i32) (param i32 i32) (result i32)
    {open}
    (i32.store (i32.const 1032) (call $plan (local.get $purpose)))
    (i32.const 1024))
  (func (export "tsm2iox:migration/planner@{version}#[method]plan.next")
      (param $purpose i32) (param i64) (result i32)
    {next})
  ;; Keeps the case of the answer, 1 to 8, and of a failure its cause, in tens.
  (func (export "tsm2iox:migration/planner@{version}#[method]plan.answer") (param $at i32)
    (global.set $answered (i32.add
      (i32.add (i32.load8_u offset=16 (local.get $at)) (i32.const 1))
      (i32.mul (i32.load8_u offset=24 (local.get $at)) (i32.const 10)))))
  (func (export "tsm2iox:migration/planner@{version}#[method]plan.stop") (param i32)
    (global.set $answered (i32.const 1000)))
  (func (export "tsm2iox:migration/planner@{version}#[method]plan.progress")
      (param i32 i64) (result i32) unreachable)

  (func (export "tsm2iox:migration/converter@{version}#convert")
      (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "tsm2iox:migration/converter@{version}#[static]conversion.open")
      (param i32 i32) (result i32) unreachable)
  (func (export "tsm2iox:migration/converter@{version}#[method]conversion.push")
      (param i32 i32 i32) (result i32) unreachable)
  (func (export "tsm2iox:migration/converter@{version}#[method]conversion.push-latin1")
      (param i32 i32 i32) (result i32) unreachable)
  (func (export "tsm2iox:migration/converter@{version}#[static]conversion.finish")
      (param i32) (result i32) unreachable)

  (func (export "tsm2iox:migration/configuration@{version}#commented")
      (result i32) unreachable)
  (func (export "tsm2iox:migration/configuration@{version}#of-task")
      (param i32 i32) (result i32) unreachable)

  (func (export "convert") (param i32 i32 i32 i32) (result i32) unreachable)
  (func (export "plan") (param i32 i32) (result i32) unreachable))"#
        )
    }
}

/// Makes a component of a core module and the world of a contract.
pub(super) fn component(module: &str, wit: &Path, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit).expect("the contract is WIT");
    encoded(module, &resolve, package, world)
}

/// The same with a contract in one text.
pub(super) fn component_of(module: &str, wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).expect("the contract is WIT");
    encoded(module, &resolve, package, world)
}

fn encoded(
    module: &str,
    resolve: &Resolve,
    package: wit_parser::PackageId,
    world: &str,
) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).expect("the world is in it");
    let mut module = wat::parse_str(module).expect("the module is WebAssembly");
    wit_component::embed_component_metadata(
        &mut module,
        resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .expect("the contract can be embedded");
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(true).module(&module).expect("the module fits the contract");
    encoder.encode().expect("the module fits the contract")
}
