import assert from "node:assert/strict";
import { test } from "node:test";

import { cases, converted, dialogues, repeated } from "./cases.mjs";
import { instance } from "./tsm2iox.mjs";

test("each response gives its lines or its error", () => {
  for (const each of cases()) assert.deepEqual(converted(instance(), each), each.expected, each.name);
  assert(cases().length >= 80);
});

test("a lone surrogate is not mended", () => {
  const { convert } = instance();
  assert.throws(() => convert("m,h=\udc00 v=1 1\n", '{"format": "lp"}'), TypeError);
});

test("each dialogue is what it was", () => {
  for (const each of dialogues()) assert.deepEqual(repeated(instance(), each), each.lines, each.name);
  assert(dialogues().length >= 12);
});
