// JsSIP calls SIP.js and the reverse, with audio both ways; each side hangs up once. Then a call that is declined.

export async function play(stage) {
  const [alice, bob] = await stage.registered(2);
  for (const [caller, callee, hangsUp] of [[alice, bob, "caller"], [bob, alice, "caller"], [alice, bob, "callee"], [bob, alice, "callee"]]) {
    const [out, into] = await stage.call(caller, callee);
    if (hangsUp === "caller") await stage.hangUp(caller, out, [callee, into]);
    else await stage.hangUp(callee, into, [caller, out]);
  }
  for (const [caller, callee] of [[alice, bob], [bob, alice]]) {
    await stage.step("declined", { from: caller.name, to: callee.name }, async () => {
      const out = await caller.verb("call", callee.aor);
      const into = await callee.ringing();
      await callee.verb("hangup", into);
      await caller.ended(out);
      const { calls } = await caller.state();
      const { ended } = calls.find((c) => c.id === out);
      if (!/^(480|486|603)\b/.test(ended)) throw new Error(`ended with ${ended}`);
      return { answered: ended };
    });
    await stage.step("given up", { from: caller.name, to: callee.name }, async () => {
      const out = await caller.verb("call", callee.aor);
      const into = await callee.ringing();
      await caller.verb("hangup", out);
      await callee.ended(into);
      await caller.ended(out);
    });
  }
}
