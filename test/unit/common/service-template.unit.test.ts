// SPDX-License-Identifier: GPL-3.0-or-later
// Templates of services: a name that there is not is a mistake wherever it stands, not an empty line or 'undefined'.

import { describe, expect, it } from "vitest";
import { templateRenderer } from "../../../common/service-template.ts";

const render = await templateRenderer();
const data = { inputs: { users: "anna's", zone: false, none: "" }, list: ["a", "b"] };

it("a helper gets its values, including false and empty ones", () => {
  expect(
    render(
      "{{shell inputs.users}} {{join list '+'}}{{#if inputs.zone}}no{{/if}}{{#if (is inputs.none '')}} empty{{/if}}{{#each list}} {{this}}{{/each}}",
      data,
    ),
  ).toBe("'anna'\\''s' a+b empty a b");
});

describe("a misspelt name in a template is refused", () => {
  it.each([
    ["alone", "x={{inputs.userz}}", /"userz" not defined/],
    [
      "as a helper's argument",
      "one\nx={{shell inputs.userz}}",
      /"\{\{shell inputs\.userz\}\}" in line 2 names/,
    ],
    ["in a condition", "{{#if inputs.zon}}x{{/if}}", /"\{\{#if inputs\.zon\}\}" in line 1 names what is not/],
    ["in a condition's other form", "{{#unless inputs.zon}}x{{/unless}}", /inputs\.zon/],
    ["in a list", "{{#each lists}}x{{/each}}", /#each lists/],
    ["inside of another helper", "{{#if (is inputs.zon 'a')}}x{{/if}}", /"\(is inputs\.zon 'a'\)" in line 1/],
    ["of the whole group", "{{shell input.users}}", /what stands before "\.users" is not defined/],
  ])("%s", (_where, template, words) => {
    expect(() => render(template, data)).toThrow(words);
  });
});
