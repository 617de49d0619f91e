//! Makes the component out of the core module that `guest/build` compiles.
//!
//! `componentize` prints the hash of what the component is made of;
//! `componentize CORE_MODULE COMPONENT HASH` writes the component, with that hash in it.

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
        [module, component, hash] => {
            let module = fs::read(module)?;
            let mut bytes = ComponentEncoder::default().validate(true).module(&module)?.encode()?;
            append_section(&mut bytes, inputs::SECTION, hash)?;
            fs::write(component, bytes)?;
        }
        _ => return Err("usage: componentize [CORE_MODULE COMPONENT HASH]".into()),
    }
    Ok(())
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
