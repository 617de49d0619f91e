//! Makes the component out of the core module that `guest/build` has compiled:
//! `componentize CORE_MODULE COMPONENT`.

use std::{env, fs};

use wit_component::ComponentEncoder;

#[path = "../tests/support/inputs.rs"]
mod inputs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, module, component] = <[_; 3]>::try_from(env::args_os().collect::<Vec<_>>())
        .map_err(|_| "usage: componentize CORE_MODULE COMPONENT")?;
    let mut bytes = ComponentEncoder::default()
        .validate(true)
        .module(&fs::read(module)?)?
        .encode()?;
    append_section(&mut bytes, inputs::SECTION, &inputs::hash())?;
    fs::write(component, bytes)?;
    Ok(())
}

/// Appends a custom section: 0, the length of the rest, the length of the name, name and content.
///
/// Lengths are LEB128, of which one byte is enough below 128.
fn append_section(
    component: &mut Vec<u8>,
    name: &str,
    content: &str,
) -> Result<(), std::num::TryFromIntError> {
    let name_length = i8::try_from(name.len())?.to_le_bytes();
    let length = i8::try_from(1 + name.len() + content.len())?.to_le_bytes();
    component.push(0);
    component.extend(length);
    component.extend(name_length);
    component.extend(name.as_bytes());
    component.extend(content.as_bytes());
    Ok(())
}
