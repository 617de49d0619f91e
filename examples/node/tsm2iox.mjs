// The component in Node: `npm run transpile` makes JavaScript and core modules of it, which need nothing of Node but
// that they are read.

import { readFileSync } from "node:fs";

import { instantiate } from "./component/tsm2iox.js";

const compiled = new Map();

function load(name) {
  if (!compiled.has(name)) {
    compiled.set(name, new WebAssembly.Module(readFileSync(new URL(`component/${name}`, import.meta.url))));
  }
  return compiled.get(name);
}

/** An instance with a memory of its own: `convert`, `plan`, and the interfaces of `wit`. It imports nothing. */
export function instance() {
  const { convert, plan, ...interfaces } = instantiate(load, {});
  return {
    ...interfaces,
    convert: (response, settings) => convert(whole(response), whole(settings)),
    plan: (message) => plan(whole(message)),
  };
}

/** Of a lone surrogate the encoder would make another character. */
function whole(text) {
  if (!text.isWellFormed()) throw new TypeError("the text has a lone surrogate");
  return text;
}
