//! The committed component is made of this tree and imports nothing; its contract is documented,
//! and simple enough for hosts in other languages.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{
    Docs, IndexMap, Interface, PackageId, Resolve, Type, TypeDef, TypeDefKind, World, WorldItem,
    WorldKey,
};

#[path = "support/inputs.rs"]
mod inputs;

#[test]
fn the_component_is_made_of_this_tree() {
    let mut hash = None;
    for payload in Parser::new(0).parse_all(tsm2iox_guest::COMPONENT) {
        if let Ok(Payload::CustomSection(section)) = payload
            && section.name() == inputs::SECTION
        {
            hash = Some(String::from_utf8_lossy(section.data()));
        }
    }
    assert_eq!(
        hash.as_deref(),
        Some(inputs::hash().as_str()),
        "guest/tsm2iox.wasm is not made of these sources: run guest/build and commit it"
    );
}

#[test]
fn the_component_imports_nothing_and_exports_the_contract() {
    let decoded = wit_component::decode(tsm2iox_guest::COMPONENT).expect("it is a component");
    let DecodedWasm::Component(component, world) = decoded else {
        panic!("guest/tsm2iox.wasm is a contract without code");
    };
    let world = &component.worlds[world];
    assert_eq!(names(&component, &world.imports), BTreeSet::new());

    let contract = contract();
    let exports = names(&contract, &migration(&contract).exports);
    assert_eq!(names(&component, &world.exports), exports);
}

/// It needs nothing but what runtimes of core modules mostly have beyond WebAssembly 1.0: SIMD is not among it.
#[test]
fn the_module_of_the_world_text_needs_little() {
    let known = WasmFeatures::WASM1
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES;
    let module = tsm2iox_guest::TEXT_MODULE;
    Validator::new_with_features(known).validate_all(module).expect("it needs no more than that");
    let mut exports = BTreeSet::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.expect("it is valid") {
            Payload::ImportSection(imports) => {
                assert_eq!(imports.count(), 0, "it imports something");
            }
            Payload::ExportSection(section) => {
                exports.extend(section.into_iter().flatten().map(|export| export.name.to_owned()));
            }
            _ => {}
        }
    }
    let functions = ["cabi_post_convert", "cabi_post_plan", "cabi_realloc", "convert", "plan"];
    let expected: BTreeSet<_> =
        functions.into_iter().chain(["memory"]).map(str::to_owned).collect();
    assert_eq!(exports, expected);
}

/// As `wkg wit build` and `wasm-tools component wit --wasm` encode it, and as whoever fetches that reads it.
#[test]
fn the_contract_is_a_package_that_tools_can_build() {
    let (contract, package) = read_contract();
    let encoded = wit_component::encode(&contract, package, false).expect("it can be encoded");
    let Ok(DecodedWasm::WitPackage(decoded, again)) = wit_component::decode(&encoded) else {
        panic!("it is no package");
    };
    let print = |contract: &Resolve, package| {
        let mut printer = WitPrinter::default();
        printer.print(contract, package, &[]).expect("it can be printed");
        String::from(printer.output)
    };
    assert_eq!(print(&decoded, again), print(&contract, package));
}

#[test]
fn every_item_of_the_contract_is_documented() {
    let contract = contract();
    assert!(!migration(&contract).docs.is_empty(), "the world has no `///`");
    for interface in interfaces(&contract) {
        let name = interface.name.as_deref().expect("an interface of a file has a name");
        let check = |item: &str, docs: &Docs| {
            assert!(!docs.is_empty(), "`{item}` in the interface `{name}` has no `///`");
        };
        check("interface", &interface.docs);
        for function in interface.functions.values() {
            check(&function.name, &function.docs);
        }
        for (type_name, definition) in types(&contract, interface) {
            check(type_name, &definition.docs);
            for (member, docs) in members(&definition.kind) {
                check(&format!("{type_name}.{member}"), docs);
            }
        }
    }
}

/// In Python a field is an attribute, which can hold no dash.
#[test]
fn every_field_is_a_single_word() {
    let contract = contract();
    for interface in interfaces(&contract) {
        for (name, definition) in types(&contract, interface) {
            if let TypeDefKind::Record(record) = &definition.kind {
                for field in &record.fields {
                    assert!(!field.name.contains('-'), "`{name}.{}` has a dash", field.name);
                }
            }
        }
    }
}

/// wasmtime for Python passes a case as `Variant(tag, payload)` only where the payloads of two
/// cases have the same class in Python (`_tagged` in its `component/_types.py`, 50.0), and as the
/// bare payload otherwise. So that a case more or less does not change how a host in Python sees
/// all the others, every variant has two cases of one class.
#[test]
fn python_sees_the_tag_of_every_variant() {
    let contract = contract();
    for interface in interfaces(&contract) {
        for (name, definition) in types(&contract, interface) {
            if let TypeDefKind::Variant(variant) = &definition.kind {
                let classes: BTreeSet<_> =
                    variant.cases.iter().map(|case| python_class(&contract, case.ty)).collect();
                assert!(classes.len() < variant.cases.len(), "`{name}` would have no tags");
            }
        }
    }
}

/// The class in Python of what a case holds.
fn python_class(contract: &Resolve, payload: Option<Type>) -> &'static str {
    match payload {
        None => "object",
        Some(Type::U64 | Type::S64) => "int",
        Some(Type::String) => "str",
        Some(Type::Id(id)) => match &contract.types[id].kind {
            TypeDefKind::Record(_) => "Record",
            TypeDefKind::List(Type::U8) => "bytes",
            TypeDefKind::Type(alias) => python_class(contract, Some(*alias)),
            kind => panic!("a case holds a {}: look up its class in Python", kind.as_str()),
        },
        Some(other) => panic!("a case holds a {other:?}: look up its class in Python"),
    }
}

/// A host that was built for a version may rely on it: what is changed beside its comments is another one.
#[test]
fn another_contract_has_another_version() {
    let (contract, package) = read_contract();
    let mut printer = WitPrinter::default();
    printer.emit_docs(false).print(&contract, package, &[]).expect("it can be printed");
    let text = String::from(printer.output);
    let hash = format!("{:x}", Sha256::digest(text.as_bytes()));
    let version = contract.packages[package].name.version.as_ref().expect("it has one");
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/contract_versions.txt");
    let known = fs::read_to_string(known).expect("it is in the repository");
    let line = format!("{version} {hash}");
    assert!(
        known.lines().any(|known| known == line),
        "wit/ is not what it was in version {version}: give it another one, and add `{line}` to \
         tests/contract_versions.txt"
    );
    let mut versions: Vec<_> = known.lines().filter_map(|line| line.split(' ').next()).collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions.len(), known.lines().count(), "a version is there twice");
}

/// The contract as it is written in `wit/`.
fn contract() -> Resolve {
    read_contract().0
}

fn read_contract() -> (Resolve, PackageId) {
    let mut contract = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
    let (package, _) = contract.push_dir(wit).expect("wit/ is a WIT package");
    (contract, package)
}

fn migration(contract: &Resolve) -> &World {
    let named = contract.worlds.iter().find(|(_, world)| world.name == "migration");
    let (_, world) = named.expect("wit/ has the world `migration`");
    world
}

fn interfaces(contract: &Resolve) -> impl Iterator<Item = &Interface> {
    contract.interfaces.iter().map(|(_, interface)| interface)
}

/// The types that an interface defines, without those that it uses of another one.
fn types<'a>(
    contract: &'a Resolve,
    interface: &'a Interface,
) -> impl Iterator<Item = (&'a String, &'a TypeDef)> {
    let types = interface.types.iter().map(|(name, id)| (name, &contract.types[*id]));
    types.filter(|(_, definition)| !matches!(definition.kind, TypeDefKind::Type(Type::Id(_))))
}

/// The fields or cases of a type.
fn members(kind: &TypeDefKind) -> Vec<(&String, &Docs)> {
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|f| (&f.name, &f.docs)).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|c| (&c.name, &c.docs)).collect(),
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|c| (&c.name, &c.docs)).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|f| (&f.name, &f.docs)).collect(),
        _ => Vec::new(),
    }
}

fn names(resolve: &Resolve, items: &IndexMap<WorldKey, WorldItem>) -> BTreeSet<String> {
    items.keys().map(|key| resolve.name_world_key(key)).collect()
}
