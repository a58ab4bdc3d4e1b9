// A page goes away without a word: calls to it are refused at once, and find it again when it has registered anew.

const AT_ONCE_MS = 3000;

export async function play(stage) {
  const [alice, bob] = await stage.registered(2);
  for (const [caller, gone] of [[alice, bob], [bob, alice]]) {
    const [out, into] = await stage.call(caller, gone);
    await stage.hangUp(caller, out, [gone, into]);
    await stage.step("call to a page that is gone", { from: caller.name, to: gone.name }, async () => {
      await gone.close();
      const id = await caller.verb("call", gone.aor);
      const find = (state) => state.calls.find((c) => c.id === id);
      const { ended } = await caller.until("an answer at once", (s) => find(s).phase === "ended" && find(s), AT_ONCE_MS);
      // RFC 5626 §5.3: the flow of the binding has failed, or the binding went with it.
      if (!/^(430|480)\b/.test(ended)) throw new Error(`ended with ${ended}`);
      return { answered: ended };
    });
    await stage.step("register again", { phone: gone.name }, async () => {
      await stage.reopen(gone);
      await gone.verb("register");
      await gone.registered();
    });
    const [again, there] = await stage.call(caller, gone);
    await stage.hangUp(gone, there, [caller, again]);
  }
}
