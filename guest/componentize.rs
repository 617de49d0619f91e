//! Makes the component out of the core module that `guest/build` compiles, and the module of the world `text` out of
//! the one that does without SIMD.
//!
//! `componentize` prints the hash of what they are made of;
//! `componentize CORE_MODULE PLAIN_CORE_MODULE COMPONENT TEXT_MODULE HASH` writes both, with that hash in them.

use std::error::Error;
use std::io::Write;
use std::num::TryFromIntError;
use std::{env, fs, io};

use wit_component::ComponentEncoder;

#[path = "../tests/support/inputs.rs"]
mod inputs;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => writeln!(io::stdout(), "{}", inputs::hash())?,
        [module, plain, component, text, hash] => {
            let module = fs::read(module)?;
            let bytes = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
            for (path, mut bytes) in [(component, bytes), (text, text_module(&fs::read(plain)?)?)] {
                append_section(&mut bytes, inputs::SECTION, hash)?;
                fs::write(path, bytes)?;
            }
        }
        _ => {
            return Err(
                "usage: componentize [CORE_MODULE PLAIN_CORE_MODULE COMPONENT TEXT_MODULE HASH]"
                    .into(),
            );
        }
    }
    Ok(())
}

/// What of the module the world `text` exports, and what that needs: resources, which a core module imports,
/// are not among it.
fn text_module(module: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    const EXPORTS: [&str; 6] =
        ["memory", "cabi_realloc", "convert", "cabi_post_convert", "plan", "cabi_post_plan"];
    let mut module = walrus::Module::from_buffer(module)?;
    let others = module.exports.iter().filter(|export| !EXPORTS.contains(&export.name.as_str()));
    for export in others.map(walrus::Export::id).collect::<Vec<_>>() {
        module.exports.delete(export);
    }
    // What describes the component is not true of it.
    let described = module.customs.iter().filter(|(_, section)| section.name() != "producers");
    for section in described.map(|(id, _)| id).collect::<Vec<_>>() {
        module.customs.delete(section);
    }
    walrus::passes::gc::run(&mut module);
    if let Some(import) = module.imports.iter().next() {
        return Err(format!("it imports {} {}", import.module, import.name).into());
    }
    Ok(module.emit_wasm())
}

/// Appends a custom section: 0, the length of the rest, the length of the name, name and content.
///
/// Lengths are LEB128, of which one byte is enough below 128.
fn append_section(
    component: &mut Vec<u8>,
    name: &str,
    content: &str,
) -> Result<(), TryFromIntError> {
    let length = i8::try_from(1 + name.len() + content.len())?;
    let name_length = i8::try_from(name.len())?;
    component.push(0);
    component.extend(length.to_le_bytes());
    component.extend(name_length.to_le_bytes());
    component.extend(name.as_bytes());
    component.extend(content.as_bytes());
    Ok(())
}
