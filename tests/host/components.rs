//! Components that mean no good, or are none.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tsm2iox::clock::Clock;
use tsm2iox::component::{Component, Limits, Plan};
use tsm2iox::drive::{Batches, Host, drive};
use tsm2iox::endpoint::Endpoints;
use tsm2iox::stop::Stop;
use tsm2iox::watch::{Manner, Of, Watch};
use tsm2iox_guest::error::Endpoint as Side;
use tsm2iox_guest::plan::{Ending, Outcome, Purpose};

use super::server::FakeServer;
use super::stub::{self, Stub, place, send};
use super::{RUNTIME, folder};

const LIMITS: Limits = Limits { memory_bytes: 80 << 20, call: Duration::from_millis(200) };

fn host(stub: &Stub<'_>) -> Host {
    let component = Component::compile("the stub", &stub.component(), LIMITS);
    Host {
        component: component.expect("it keeps to the contract"),
        endpoints: Arc::new(Endpoints::new()),
        watch: Watch::new(Manner::Talk),
        of: Of::Whole,
        runtime: RUNTIME.handle().clone(),
        stop: Stop::default(),
        clock: Clock::start(),
    }
}

/// Opens a plan and drives it.
fn outcome(host: &Host) -> anyhow::Result<Outcome> {
    let plan = Plan::open(&host.component, Purpose::Migrate, "{}")?;
    drive(host, plan.expect("a stub takes all settings"), Batches::Driven)
}

#[track_caller]
fn check_ending(host: &Host, expected: &Ending) {
    assert_eq!(
        outcome(host).map(|outcome| outcome.ending).map_err(|error| format!("{error:#}")),
        Ok(expected.clone())
    );
}

#[track_caller]
fn check_fault(stub: Stub<'_>, expected: &str) {
    let error = outcome(&host(&stub)).expect_err("the stub is at fault");
    assert_eq!(format!("{error:#}"), expected);
}

#[test]
fn a_stub_that_means_well_is_driven_to_its_end() {
    check_ending(&host(&Stub::default()), &Ending::Complete);
}

#[test]
fn what_is_no_component_of_ours_is_said() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let error = Component::compile("x.wasm", bytes, LIMITS).expect_err("it is none");
        assert!(error.message.starts_with(expected), "{}", error.message);
    }
    let no_component = "x.wasm is no WebAssembly component: ";
    check(b"", no_component);
    check(b"hello", no_component);
    check(b"\0asm\x01\0\0\0", no_component);
    let importing = "package a:b; world w { import f: func(); }";
    let module = r#"(module (import "$root" "f" (func)))"#;
    let asks = "x.wasm asks for imports, and there are none: ";
    check(&stub::component_of(module, importing, "w"), asks);
    let other = stub::component_of("(module)", "package a:b; world w {}", "w");
    check(&other, "x.wasm does not keep to the contract: no export `convert` found");
}

#[test]
fn a_component_file_that_cannot_be_read_is_named() {
    let path = folder("no_component").join("x.wasm");
    let error = Component::read(&path).expect_err("it is not there");
    let expected = format!("component {} cannot be read: ", path.display());
    assert!(error.message.starts_with(&expected), "{}", error.message);
    fs::write(&path, "hello").unwrap();
    let bytes = Component::read(&path).unwrap();
    let name = path.display().to_string();
    let error = Component::compile(&name, &bytes, Limits::default()).expect_err("it is none");
    let expected = format!("{} is no WebAssembly component: ", path.display());
    assert!(error.message.starts_with(&expected), "{}", error.message);
}

#[test]
fn loops_bombs_and_traps_end_the_plan_alone() {
    let endless = "(loop (br 0)) (unreachable)";
    let bomb = "(loop (drop (memory.grow (i32.const 256))) (br 0)) (unreachable)";
    for (next, reason) in [
        (endless, "it took more than 0.2 s"),
        (bomb, "it needs more than 80 MiB of memory"),
        ("unreachable", "wasm trap: wasm `unreachable` instruction executed"),
    ] {
        let expected = format!("the component crashed in `next`: {reason}");
        check_fault(Stub { next, ..Stub::default() }, &expected);
    }
    let expected = "the component crashed in `open`: it took more than 0.2 s";
    check_fault(Stub { open: "(loop (br 0))", ..Stub::default() }, expected);
    let expected = "the component crashed in `its start`: it needs more than 80 MiB of memory";
    check_fault(Stub { memory: 80 * 16 + 1, ..Stub::default() }, expected);
}

#[test]
fn a_batch_that_crashes_is_an_answer_to_its_migration() {
    // The migration hands out a batch, waits, and is complete if that crashed; the batch loops.
    let next = format!(
        "(if (i32.eq (local.get $purpose) (i32.const 3)) (then (loop (br 0))))
         (if (result i32) (i32.eqz (global.get $answered))
           (then (global.set $answered (i32.const 100)) {batch})
           (else (if (result i32) (i32.eq (global.get $answered) (i32.const 100))
             (then {wait})
             (else (if (result i32) (i32.eq (global.get $answered) (i32.const 35))
               (then {complete})
               (else {different}))))))",
        batch = place(0),
        wait = place(1),
        complete = place(2),
        different = place(3),
    );
    let steps = [stub::BATCH, stub::WAIT, stub::COMPLETE, stub::DIFFERENT];
    check_ending(&host(&Stub { next: &next, steps: &steps, ..Stub::default() }), &Ending::Complete);
}

#[test]
fn a_wish_to_stop_comes_to_the_plan_once() {
    // Waits for 1970 until it is told to stop.
    let next = format!(
        "(if (result i32) (i32.eq (global.get $answered) (i32.const 1000)) (then {}) (else {}))",
        place(0),
        place(1)
    );
    let steps = [stub::COMPLETE, stub::WAIT];
    let host = host(&Stub { next: &next, steps: &steps, ..Stub::default() });
    host.stop.raise();
    check_ending(&host, &Ending::Complete);
}

#[test]
fn steps_that_no_host_does_end_the_plan() {
    #[track_caller]
    fn check(step: stub::Step, expected: &str) {
        let stub = Stub { steps: &[step], memory: 1026, ..Stub::default() };
        check_fault(stub, expected);
    }
    let contract = "the component does not keep to the contract";
    check(send("PUT", 1, 0, 0), &format!("{contract}: its method is none of GET, HEAD and POST"));
    check(stub::EMPTY_BATCH, &format!("{contract}: the range of its batch is empty"));
    let long = format!("{contract}: its path of 65537 bytes is longer than 65536");
    check(send("GET", 65537, 0, 0), &long);
    let long = format!("{contract}: its body of 67108865 bytes is longer than 67108864");
    check(send("GET", 1, 0, 67_108_865), &long);
    // As large as the memory, and three times as large for the host.
    let much = "the component crashed in `next`: too much data is being copied between the host and the \
                guest: fuel allocated for hostcalls has been exhausted";
    check(send("GET", 1, 4_000_000, 0), much);
    check(stub::READ, "the component reads a body that is not there");
    check(stub::RECALL, "the component asks for a body that is not there");
    check(stub::REPORT, "the component reports more than once");
    check(send("GET", 1, 0, 0), "no source is open");
}

#[test]
fn a_request_with_credentials_ends_the_plan() {
    let server = FakeServer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let mut host = host(&Stub { steps: &[send("GET", 1, 1, 0)], ..Stub::default() });
    host.endpoints = Arc::new([(Side::Source, server.endpoint())].into());
    let error = outcome(&host).expect_err("the stub is at fault");
    let expected = "the component asks for what a host does not do: \
                    its header `authorization` is the host's to set";
    assert_eq!(format!("{error:#}"), expected);
    assert_eq!(server.exchanges().len(), 0);
}

#[test]
fn an_id_stands_for_one_step_at_a_time() {
    let server = FakeServer::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let mut host = host(&Stub { steps: &[send("GET", 1, 0, 0)], ..Stub::default() });
    host.endpoints = Arc::new([(Side::Source, server.endpoint())].into());
    let error = outcome(&host).expect_err("the stub is at fault");
    assert_eq!(format!("{error:#}"), "the component uses the id 7 twice at once");
}
