// SPDX-License-Identifier: GPL-3.0-or-later
// The stages of a build: that each names the stages whose results it uses, and when they begin and end.
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { STAGES } from "../../../image/build-stages.ts";
import { createSession } from "../../../image/host/session.ts";
import { type BuildJob, runStages, type Stage } from "../../../image/stages/stage.ts";
import { temporaryDirectory } from "../../temporary.ts";

function job(): BuildJob {
  const output = new PassThrough() as unknown as NodeJS.WriteStream;
  return { session: createSession({ logDirectory: temporaryDirectory(), output }) } as BuildJob;
}

const waiting = () => {
  let end = () => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
};

/** Each waits until it is told to end; what happens is written down. */
function madeUp(needs: Readonly<Record<string, readonly string[]>>) {
  const events: string[] = [];
  const ends = new Map(Object.keys(needs).map((name) => [name, waiting()]));
  const stages = Object.entries(needs).map(
    ([name, those]): Stage<object> => ({
      name,
      title: name,
      needs: those,
      async run() {
        events.push(`begin ${name}`);
        await ends.get(name)?.promise;
        events.push(`end ${name}`);
      },
    }),
  );
  return { events, stages, end: (name: string) => ends.get(name)?.end() };
}

describe("stages", () => {
  test("start when the stages that they need have ended, and side by side otherwise", async () => {
    const { events, stages, end } = madeUp({ one: [], two: ["one"], three: [], four: ["two", "three"] });
    const all = runStages(stages, job(), {});
    await expect.poll(() => events).toEqual(["begin one", "begin three"]);
    end("one");
    await expect.poll(() => events.slice(2)).toEqual(["end one", "begin two"]);
    end("two");
    await expect.poll(() => events.slice(4)).toEqual(["end two"]);
    end("three");
    await expect.poll(() => events.slice(5)).toEqual(["end three", "begin four"]);
    end("four");
    await all;
  });

  test("do not wait for a stage that is not part of the image", async () => {
    const { events, stages, end } = madeUp({ two: ["one"] });
    end("two");
    await runStages(stages, job(), {});
    expect(events).toEqual(["begin two", "end two"]);
  });

  test("do not start after a needed stage has failed, whose error is thrown", async () => {
    const { events, stages } = madeUp({ two: ["one"] });
    const failing: Stage<object> = {
      name: "one",
      title: "one",
      needs: [],
      run: async () => {
        throw new Error("no room");
      },
    };
    await expect(runStages([failing, ...stages], job(), {})).rejects.toThrow("no room");
    expect(events).toEqual([]);
  });

  test("of the build are listed after the stages that they need", () => {
    const names = STAGES.map(({ name }) => name);
    for (const [index, { name, needs }] of STAGES.entries())
      for (const need of needs) expect(names.slice(0, index), `${need} before ${name}`).toContain(need);
  });
});
